"""Short trainings for comparisons and searches: DATA opened once, then many recipes, each in a folder of its own.

A trial is a run (`recipe.toml`, `split.csv`, `history.csv`, `status.json`) that is judged on train and validation alone
and keeps neither its network nor a report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from scipy.special import softmax

from raravis import files
from raravis.data import catalogue
from raravis.data import split as splits
from raravis.data.catalogue import Catalogue
from raravis.data.sources import Request
from raravis.judge import metrics
from raravis.recipe import Data, Recipe
from raravis.run import METRICS, Run
from raravis.verbs import _environment, _judged
from raravis.verbs._labelled import Labelled, labelled
from raravis.verbs._training import begun, divided, fitted, tidy, truthful


@dataclass(frozen=True)
class Opened:
    """DATA and its split, ready for many trials.

    Attributes:
        found: the catalogue.
        table: the split: `image_id, file_path, family, split`.
        images: train and validation with their pixels.
        about: what `environment.json` of every trial says.
    """

    found: Catalogue
    table: pd.DataFrame
    images: Labelled
    about: Mapping[str, Any]


def opened(request: Request, recipe: Recipe, split: str | Path | None, *, quiet: bool) -> Opened:
    """Read DATA, divide it as `recipe` says or as the file `split` does, and decode train and validation.

    Raises:
        DataError: there is nothing to learn from.
    """
    found = catalogue.read(request, quiet=quiet)
    table = splits.read(Path(split)) if split is not None else divided(found, recipe)
    images = labelled(found, table, recipe.data, ("train", "val"), quiet=quiet)
    return Opened(found, table, images, _environment.describe(request, found, table))


def reopened(before: Opened, data: Data, *, quiet: bool) -> Opened:
    """The same images at another size or fit."""
    images = labelled(before.found, before.table, data, ("train", "val"), quiet=quiet)
    return Opened(before.found, before.table, images, before.about)


def trial(
    folder: Path,
    wanted: Recipe,
    images: Labelled,
    split: pd.DataFrame,
    about: Mapping[str, Any],
    *,
    quiet: bool = True,
) -> dict[str, Any]:
    """Train `wanted` into `folder`, or go on with what a kill left there, or read what is finished.

    Args:
        folder: the trial's own.
        wanted: whose `[data]` the images were opened with.
        images: train and validation.
        split: the table that `images` were taken from.
        about: for `environment.json`.
        quiet: no progress.

    Returns:
        `{"train": {n, loss, accuracy, macro_f1, …}, "val": {the same}, "seconds": float}`; seconds of training alone.

    Raises:
        RunError: the folder holds a trial of another recipe.
        DataError: nothing to learn from, or the loss became NaN.
    """
    if Run.is_run(folder):
        run = begun(folder, wanted, None)
        if run.status["state"] == "finished":
            return _judged.metrics_in(folder)
    else:
        run = Run.create(folder, wanted, splits.text(split).encode(), dict(about))
    with run.exclusive():
        sides = ("train", "val")
        parts = {side: images.part(side, run.families) for side in sides}
        with truthful(run):
            made = fitted(run, images, parts, quiet=quiet)
            judged: dict[str, Any] = {
                side: metrics.judge(
                    softmax(made.logits[side], axis=1), parts[side].classes, run.families, seed=wanted.seed
                )
                for side in sides
            }
            judged["seconds"] = float(run.history["seconds"].sum())
            files.write_json(folder / METRICS, judged)
        tidy(run)
    return judged
