"""What the recipe `best` trains where no backbone's weights are at hand: `patches`, and a network by the epoch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from raravis import recipe as recipes
from raravis.errors import DataError
from raravis.models import patches
from raravis.recipe import Recipe
from raravis.run import Run
from raravis.runtimes.keras import accelerated
from raravis.verbs._asked import alike, asked
from raravis.verbs._judged import metrics_in

FOLDERS: Final = ("modern_cnn",)
"""Of the members that are trained by the epoch."""

_LEAST_SIDE: Final = 16


def sized(wanted: Recipe) -> Recipe:
    """The same recipe; where it states no size of images, at that of the networks from scratch."""
    if "size" in wanted.data.model_fields_set:
        return wanted
    size = recipes.load(_network() if accelerated() else patches.NAME).data.size
    return wanted.model_copy(update={"data": wanted.data.model_copy(update={"size": size})})


def chosen(wanted: Recipe, train: int, val: int, minutes: float) -> tuple[Recipe, pd.DataFrame, str]:
    """`patches` as the user wants it, a table whose figures are still to be measured, and why it was chosen.

    Raises:
        DataError: its passes take more than the minutes, by the time that they take here.
    """
    made = recipes.load(patches.NAME, asked(wanted), seed=wanted.seed)
    if (needed := _seconds(made, train, val)) > 60 * minutes:
        raise DataError(
            f"No backbone's weights are at hand, and filters from scratch take about {needed / 60:.1f} minutes.\n"
            "Give more with --minutes, or put weights into the folder that RARAVIS_WEIGHTS names."
        )
    row = {"trial": patches.NAME, "accuracy": None, "macro_f1": None, "verdict": "kept", "seconds": None}
    why = "Chosen: patches, from scratch, as no backbone's weights are at hand"
    return made, pd.DataFrame([row]), f"{why} (RARAVIS_WEIGHTS names the folder that is looked into)."


def further(first: Recipe, *, train: int, val: int, families: int, minutes: float) -> list[Recipe]:
    """The network by the epoch that suits the machine, for as many epochs as there is time; [] if for too few.

    Args:
        first: of `patches`, which takes its time twice: beside the network, and once more where that is of no use.
        train: images to learn from.
        val: images to judge by.
        families: K.
        minutes: that are left, by the time that the steps take here.
    """
    from raravis.study import estimate  # loads Keras, so only when there is work

    left = 60 * minutes - 2 * _seconds(first, train, val)
    base = recipes.load(_network())
    sizes = [_part(side, first.data.size, base.data.size) for side in base.train.sizes]
    changes = {**alike(first), "train.sizes": sizes}
    steps = estimate.measure(recipes.load(_network(), changes), families)

    def lasting(epochs: int) -> Recipe:
        return recipes.load(_network(), {**changes, "train.epochs": epochs}, seed=first.seed)

    least = max(len(sizes), int(base.train.warmup) + 1)
    images = {"train": train, "val": val, "test": 0}
    one, two = (estimate.seconds(steps, lasting(epochs), images, train) for epochs in (least, least + 1))
    epochs = min(base.train.epochs, int(least + (left - one) // (two - one)))
    return [lasting(epochs)] if epochs >= least else []


def judged(members: Sequence[Path], *, joined: bool) -> pd.DataFrame:
    """What finished members reach on val, the table of what was tried; the first is kept, the others where joined."""
    rows = []
    for number, folder in enumerate(members):
        run, val = Run.open(folder), metrics_in(folder)["val"]
        verdict = "kept" if joined or not number else "left out: val gains nothing by it"
        seconds = round(float(run.history["seconds"].sum()), 1)
        figures = {"accuracy": val["accuracy"], "macro_f1": val["macro_f1"]}
        rows.append({"trial": run.recipe.model.name, **figures, "verdict": verdict, "seconds": seconds})
    return pd.DataFrame(rows)


def _network() -> str:
    return "modern_cnn_large" if accelerated() else "modern_cnn"


def _seconds(recipe: Recipe, train: int, val: int) -> float:
    from raravis.learn.patches import seconds  # loads Keras, so only when there is work

    assert isinstance(recipe.model, patches.Options)
    return seconds(recipe.model, size=recipe.data.size, train=train, val=val)


def _part(side: int, size: int, of: int) -> int:
    """A smaller side of images in proportion, in steps of 16 pixels."""
    return max(_LEAST_SIDE, side * size // of // _LEAST_SIDE * _LEAST_SIDE)
