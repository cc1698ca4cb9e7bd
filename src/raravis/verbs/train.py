"""`raravis train`: DATA and a recipe become a judged run."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from scipy.special import softmax

from raravis import files
from raravis import recipe as recipes
from raravis.data import audit, catalogue
from raravis.data import split as splits
from raravis.data.sources import Request
from raravis.errors import RunError, StorageError
from raravis.outcome import Outcome
from raravis.recipe import Recipe
from raravis.run import CHECKPOINT, MODEL, REPORT, Run, State, save_model, taught
from raravis.verbs import _environment, _judged

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
        seed: replaces the recipe's seed.
        quiet: no progress.

    Raises:
        RecipeError: a field of the recipe is unknown or out of range.
        DataError: there is nothing to learn from.
        RunError: `out` holds a run and `resume` is not set, or holds another one; another process writes to it.
        StorageError: the disk is full or read-only.
    """
    wanted = recipes.load(recipe, set, seed=seed)
    out = files.folder(out)
    request = Request(str(data), path_column, label_column, None if root is None else Path(root))
    if Run.is_run(out) and not resume:
        raise RunError(f"{out} already holds a run.\nContinue it with --resume, or choose another --out.")
    found = catalogue.read(request, quiet=quiet)
    if Run.is_run(out):
        run, learnt = _begun(out, wanted, split), None
    else:
        run, learnt = _begin(out, wanted, found, request, split, quiet)
    with run.exclusive():
        if run.status["state"] == "finished":
            notes: tuple[str, ...] = ("The run was finished already; nothing was left to do.",)
        else:
            notes = _work(run, learnt or _to_learn(found, run.split, wanted, quiet), quiet)
        _tidy(run)
    metrics = _judged.metrics_in(out)
    if run.environment["data"]["digest"] != found.digest:
        notes = (*notes, "The data is not the same as when the run was begun; the images of its split were taken.")
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
    out: Path, wanted: Recipe, found: catalogue.Catalogue, request: Request, split: str | Path | None, quiet: bool
) -> tuple[Run, ToLearn]:
    """A new run and its images; made only once it is sure that there is something to learn from."""
    table = splits.read(Path(split)) if split is not None else _split(found, wanted)
    learnt = _to_learn(found, table, wanted, quiet)
    about = _environment.describe(request, found, splits.digest(table))
    return Run.create(out, wanted, splits.text(table).encode(), about), learnt


def _begun(out: Path, wanted: Recipe, split: str | Path | None) -> Run:
    """The run in `out`, which must be of this recipe and split."""
    run = Run.open(out)
    if run.recipe != wanted:
        before, now = (pd.json_normalize(r.model_dump(mode="json")).iloc[0] for r in (run.recipe, wanted))
        keys = sorted({*before.index, *now.index})
        changed = [k for k in keys if str(before.get(k)) != str(now.get(k))]
        raise RunError(
            f"The run in {out} has another recipe ({', '.join(changed)}).\nChoose another --out for this one."
        )
    if split is not None and splits.digest(splits.read(Path(split))) != run.environment["split_digest"]:
        raise RunError(f"The run in {out} was begun with another split than {split}.\nChoose another --out.")
    return run


def _split(found: catalogue.Catalogue, wanted: Recipe) -> pd.DataFrame:
    return splits.assign(
        found.readable,
        audit.groups(found.readable),
        policy=wanted.split.policy,
        fractions=wanted.split.fractions,
        seed=wanted.seed,
    ).table


def _to_learn(found: catalogue.Catalogue, table: pd.DataFrame, wanted: Recipe, quiet: bool) -> ToLearn:
    """The images of train and val, and the parts that they form."""
    from raravis.verbs._labelled import labelled  # loads Keras, so only when there is work

    images = labelled(found, table, wanted.data, ("train", "val"), quiet=quiet)
    return images, {side: images.part(side, taught(table)) for side in ("train", "val")}


def _work(run: Run, learnt: ToLearn, quiet: bool) -> tuple[str, ...]:
    """Train and judge, with a status that always tells the truth."""
    from raravis.learn.fit import fit

    images, parts = learnt
    run.set_status("running", epoch=run.status["epoch"])
    try:
        with _terminable():
            fitted = fit(run, images.store, parts, quiet=quiet)
            save_model(fitted.model, run.path / MODEL)
            given = {side: softmax(values, axis=1) for side, values in fitted.logits.items()}
            _judged.keep(run, images, given, seed=run.recipe.seed)
    except BaseException as error:
        state: State = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        with suppress(StorageError):  # on a full disk the first error is the one to tell
            run.set_status(state, epoch=run.status["epoch"], message=str(error))
        raise
    run.set_status("finished", epoch=len(run.history))
    return images.notes


def _tidy(run: Run) -> None:
    """Remove what only an unfinished run needs."""
    kept = run.path / CHECKPOINT
    with files.storage(kept):
        if kept.is_dir():
            shutil.rmtree(kept)


@contextmanager
def _terminable() -> Iterator[None]:
    """Let a polite request to end (SIGTERM) be what Ctrl-C is, where this thread may say so."""

    def end(number: int, frame: object) -> None:
        raise KeyboardInterrupt("asked to end")

    try:
        before = signal.signal(signal.SIGTERM, end)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
