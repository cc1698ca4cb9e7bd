"""`raravis train`: DATA and a recipe become a judged run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from raravis import files
from raravis import recipe as recipes
from raravis.data import catalogue
from raravis.data import split as splits
from raravis.data.sources import Request
from raravis.errors import RunError, UsageError
from raravis.lineages import Taxonomy
from raravis.outcome import Outcome
from raravis.recipe import Recipe
from raravis.run import MEMBERS, REPORT, Run, taught
from raravis.verbs import _environment, _judged
from raravis.verbs._best import MINUTES, laid_out, sized, undecided
from raravis.verbs._training import begun, divided, tidy, worked

if TYPE_CHECKING:
    from raravis.learn.fit import Part
    from raravis.verbs._labelled import Labelled

    ToLearn = tuple[Labelled, dict[str, Part]]


def train(
    data: str,
    *,
    recipe: str | Path,
    out: str | Path,
    split: str | Path | None = None,
    set: Sequence[str] | Mapping[str, Any] = (),
    resume: bool = False,
    path_column: str | None = None,
    label_column: str | None = None,
    root: str | Path | None = None,
    minutes: float | None = None,
    seed: int | None = None,
    quiet: bool = False,
) -> Outcome:
    """Train a recipe on labelled images into a run folder, and judge it on train and val.

    Args:
        data: folder, table, `rare-species` or `bestiary`.
        recipe: a name of `raravis recipes`, or a TOML file.
        out: the run folder.
        split: a `split.csv`; by the recipe's `[split]` table when not given.
        set: changes to the recipe, `section.field=value` each, or a mapping.
        resume: go on with an interrupted run in `out`; without one there, begin.
        path_column: column of a table that holds file paths.
        label_column: column of a table that holds labels.
        root: folder that paths in a table are relative to.
        minutes: for the trials of a recipe that leaves its backbones open, as `best` does, and in what the trials leave
            of them for fine-tuning, or for a network from scratch where no weights are at hand; 30 when not given.
        seed: replaces the recipe's seed.
        quiet: no progress.

    Raises:
        RecipeError: a field of the recipe is unknown or out of range.
        UsageError: `minutes` for a recipe that leaves nothing open, or a backbone that there is not.
        DataError: there is nothing to learn from, or the families are no tree: a taxon has two parents or is its own
            ancestor.
        RunError: `out` holds a run and `resume` is not set, or holds another one; another process writes to it.
        StorageError: the disk is full or read-only.
    """
    wanted = recipes.load(recipe, set, seed=seed)
    if minutes is not None and not (undecided(wanted) and minutes > 0):
        raise UsageError(
            f"--minutes {minutes:g} was not understood: more than 0 was expected, and a recipe that leaves its "
            "backbones open.\nTake --recipe best, or leave --minutes out."
        )
    out = files.folder(out)
    request = Request(str(data), path_column, label_column, None if root is None else Path(root))
    if (Run.is_run(out) or (out / MEMBERS).is_dir()) and not resume:
        raise RunError(f"{out} already holds a run.\nContinue it with --resume, or choose another --out.")
    if not Run.is_run(out):
        wanted.model.check()
    found = catalogue.read(request, quiet=quiet)
    if Run.is_run(out):
        run, learnt = begun(out, Run.open(out).recipe if undecided(wanted) else wanted, split), None
    else:
        run, learnt = _begin(out, wanted, found, request, split, minutes or MINUTES, quiet)
    with run.exclusive():
        if run.status["state"] == "finished":
            notes: tuple[str, ...] = ("The run was finished already; nothing was left to do.",)
        else:
            notes = worked(run, *(learnt or _to_learn(found, run.split, run.recipe, quiet)), quiet=quiet)
        tidy(run)
    metrics = _judged.metrics_in(out)
    if run.environment["data"]["digest"] != found.digest:
        notes = (*notes, "The data is not the same as when the run was begun; the images of its split were taken.")
    if chosen := run.environment.get("chosen"):
        notes = (chosen["why"], *notes)
    figures = {
        "families": len(run.families),
        "epochs": run.status["epoch"],
        "train_accuracy": metrics["train"]["accuracy"],
        "val_accuracy": metrics["val"]["accuracy"],
        "val_macro_f1": metrics["val"]["macro_f1"],
        "split_digest": run.environment["split_digest"],
    }
    return Outcome("train", out, figures, found.unreadable, (*found.notes, *notes), out / REPORT)


def _begin(
    out: Path,
    wanted: Recipe,
    found: catalogue.Catalogue,
    request: Request,
    split: str | Path | None,
    minutes: float,
    quiet: bool,
) -> tuple[Run, ToLearn]:
    """A new run and its images; made only once it is sure that there is something to learn from."""
    table = splits.read(Path(split)) if split is not None else divided(found, wanted)
    wanted = sized(out, wanted) if undecided(wanted) else wanted
    learnt = _to_learn(found, table, wanted, quiet)
    about = _environment.describe(request, found, table)
    text = splits.text(table).encode()
    if not undecided(wanted):
        return Run.create(out, wanted, text, about), learnt
    families = len(taught(table))
    return laid_out(out, wanted, *learnt, text, about, families=families, minutes=minutes, quiet=quiet), learnt


def _to_learn(found: catalogue.Catalogue, table: pd.DataFrame, wanted: Recipe, quiet: bool) -> ToLearn:
    """The images of train and val, and the parts that they form."""
    from raravis.verbs._labelled import labelled  # loads Keras, so only when there is work

    images = labelled(found, table, wanted.data, ("train", "val"), quiet=quiet)
    families = taught(table)
    Taxonomy.of(families, images.lineages)  # no tree, no run
    return images, {side: images.part(side, families) for side in ("train", "val")}
