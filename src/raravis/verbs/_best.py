"""The recipe `best` becomes a recipe that states everything: by trials on the images at hand, within some minutes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from raravis import backbones, progress
from raravis import recipe as recipes
from raravis.errors import DataError
from raravis.models.probe import AT_HAND, Options
from raravis.recipe import Recipe

if TYPE_CHECKING:
    from raravis.data.pixels import PixelStore
    from raravis.learn.fit import Part

MINUTES = 30.0
"""For the trials, where nothing else is said."""


def undecided(wanted: Recipe) -> bool:
    """Whether a recipe leaves open what it trains."""
    return isinstance(wanted.model, Options) and any(source.name == AT_HAND for source in wanted.model.backbones)


def decided(
    wanted: Recipe,
    pictures: PixelStore,
    parts: Mapping[str, Part],
    *,
    families: int,
    minutes: float,
    quiet: bool,
) -> tuple[Recipe, pd.DataFrame, str]:
    """What is to be trained: a probe on the best backbones at hand, or `modern_cnn` where there are none.

    Args:
        wanted: a recipe that is `undecided`.
        pictures: holds the images of `parts`.
        parts: `train` and `val`.
        families: K.
        minutes: for the trials, or for training from scratch.
        quiet: no progress.

    Returns:
        The recipe, what was tried, and why it was chosen, in one sentence.

    Raises:
        DataError: nothing could be tried within the time.
    """
    from raravis.learn import best  # loads Keras, so only when there is work

    assert isinstance(wanted.model, Options)
    names = backbones.at_hand()
    if not names:
        return _from_scratch(wanted, len(parts["train"].rows), len(parts["val"].rows), families, minutes)
    progress.say(f"At hand: {', '.join(names)}. Trying them for up to {minutes:g} minutes…", quiet=quiet)
    found = best.choose(
        wanted.model, names, pictures, parts, families=families, minutes=minutes, seed=wanted.seed, quiet=quiet
    )
    if found is None:
        raise DataError(
            f"None of the backbones at hand ({', '.join(names)}) could embed the images within {minutes:g} minutes.\n"
            "Give more with --minutes, or train a network from scratch: --recipe modern_cnn."
        )
    return wanted.model_copy(update={"model": found.options}), found.tried, found.why


def _from_scratch(
    wanted: Recipe, train: int, val: int, families: int, minutes: float
) -> tuple[Recipe, pd.DataFrame, str]:
    """`modern_cnn`, for as many epochs as the minutes allow by the time that its steps take here."""
    from raravis.study import estimate

    scratch = recipes.load("modern_cnn", seed=wanted.seed)
    images = {"train": train, "val": val, "test": 0}
    steps = estimate.measure(scratch, families)
    one, two = (
        estimate.seconds(steps, recipes.load("modern_cnn", {"train.epochs": n, "train.sizes": []}), images, train)
        for n in (3, 4)
    )
    epochs = int(min(scratch.train.epochs, 3 + (60 * minutes - one) / (two - one)))
    least = max(len(scratch.train.sizes), int(scratch.train.warmup) + 1)
    if epochs < least:
        raise DataError(
            f"No backbone's weights are at hand, and {least} epochs from scratch take about {one / 60:.0f} minutes.\n"
            "Give more with --minutes, or put weights into the folder that RARAVIS_WEIGHTS names."
        )
    chosen = recipes.load("modern_cnn", {"train.epochs": epochs}, seed=wanted.seed)
    why = (
        f"Chosen: modern_cnn from scratch for {epochs} epochs, which fit into {minutes:g} minutes; no backbone's "
        "weights are at hand (RARAVIS_WEIGHTS names the folder that is looked into)."
    )
    row = {"trial": "modern_cnn", "accuracy": None, "macro_f1": None, "verdict": "kept", "seconds": 0.0}
    return chosen, pd.DataFrame([row]), why
