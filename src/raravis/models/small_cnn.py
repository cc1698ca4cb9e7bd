"""The study's yardstick for augmentations: two convolutions, two poolings, one dense layer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import PositiveInt

from raravis import engine, models
from raravis.models._options import logits


class Options(models.Options):
    """Options of `small_cnn`.

    Attributes:
        filters: channels of the two convolutions.
        kernel_size: their width in pixels.
    """

    name: Literal["small_cnn"] = "small_cnn"
    filters: tuple[PositiveInt, PositiveInt] = (32, 64)
    kernel_size: PositiveInt = 3


def build(options: Options, *, classes: int, size: int) -> Any:
    """The network, with RGB scaled to 0–1 as in the study; see `models` for the contract."""
    keras = engine.keras()
    inputs = keras.Input((size, size, 3), name="image")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    for filters in options.filters:
        x = keras.layers.Conv2D(filters, options.kernel_size, activation="relu")(x)
        x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Flatten(name="embedding")(x)
    return keras.Model(inputs, logits(x, classes), name="small_cnn")
