"""`raravis zero-shot`: a list of families becomes a run that names them, without an image and without training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from raravis import files
from raravis import recipe as recipes
from raravis.data import labels as lists
from raravis.data import split as splits
from raravis.errors import UsageError
from raravis.lineages import Taxonomy
from raravis.models.zero_shot import Options
from raravis.outcome import Outcome
from raravis.run import HISTORY, METRICS, MODEL, Run, save_model
from raravis.verbs import _environment


def zero_shot(
    labels: str | Path,
    *,
    out: str | Path,
    recipe: str | Path = "zero_shot",
    set: Sequence[str] | Mapping[str, Any] = (),
    seed: int | None = None,
    quiet: bool = False,
) -> Outcome:
    """Make a run that names the families of a list; `predict` and `evaluate --data` take it like any other.

    Args:
        labels: a text file with one family a line, or a `.csv` file with the column `family` and, as far as they are
            known, `kingdom, phylum, class, order`, which help; what it does not say of a family, raravis' own table of
            families does. The columns `genus` and `species` may be there, and are not asked for.
        out: the run folder.
        recipe: one whose model reads names.
        set: changes to the recipe, such as `model.backbone=bioclip` or `model.weights=FOLDER`.
        seed: replaces the recipe's seed.
        quiet: no progress.

    Raises:
        UsageError: the list cannot be read, or the backbone has no text tower.
        DataError: fewer than two families, one that comes twice, or a taxon that lies in two others.
        RecipeError: the recipe's model does not read, or asks for photographs.
        OfflineError: the weights are not at hand and cannot be fetched.
        RunError: `out` holds a run.
        StorageError: the disk is full or read-only.
    """
    wanted = recipes.load(recipe, set, seed=seed)
    options = wanted.model
    if not isinstance(options, Options) or options.shots:
        raise UsageError(
            f"The recipe {recipe} needs images to learn from; zero-shot asks by names alone.\n"
            "Take --recipe zero_shot, or `raravis train`."
        )
    given = lists.read(Path(labels))
    taxonomy, notes = Taxonomy.of(tuple(given), given)
    lineages = {family: taxonomy.lineage(family) for family in given}
    from raravis import progress
    from raravis.learn import zero_shot as reading  # loads Keras, so only when there is work

    options = options.canonical()
    progress.say(f"Reading {len(lineages)} names…", quiet=quiet)
    model = reading.network(options, lineages, size=wanted.data.size)
    empty = pd.DataFrame(columns=["image_id", "file_path", "family", "split"])
    about = {**_environment.made_with(), "families": list(lineages), "lineages": lineages}
    run = Run.create(files.folder(out), wanted, splits.text(empty).encode(), about)
    with run.exclusive():
        save_model(model, run.path / MODEL)
        files.write_text(run.path / HISTORY, "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds\n")
        files.write_json(run.path / METRICS, {})
        run.set_status("finished")
    figures = {"families": len(lineages), "backbone": options.backbone, "texts_a_family": len(options.templates)}
    return Outcome("zero-shot", run.path, figures, (), notes, run.path / MODEL)
