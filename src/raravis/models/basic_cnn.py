"""The study's BasicCNN: (convolution, batch norm, max pool) twice, flatten, dropout, dense."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, PositiveInt

from raravis import engine, models
from raravis.models._options import logits


class Options(models.Options):
    """Options of `basic_cnn`.

    Attributes:
        filters: channels of the two convolutions.
        kernel_size: their width in pixels.
        dropout: share of the flattened values dropped in training.
    """

    name: Literal["basic_cnn"] = "basic_cnn"
    filters: tuple[PositiveInt, PositiveInt] = (32, 64)
    kernel_size: PositiveInt = 3
    dropout: float = Field(default=0.5, ge=0, lt=1)


def build(options: Options, *, classes: int, size: int) -> Any:
    """The network, with RGB scaled to 0–1 as in the study; see `models` for the contract."""
    keras = engine.keras()
    inputs = keras.Input((size, size, 3), name="image")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    for filters in options.filters:
        x = keras.layers.Conv2D(filters, options.kernel_size, activation="relu")(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Flatten(name="embedding")(x)
    x = keras.layers.Dropout(options.dropout)(x)
    return keras.Model(inputs, logits(x, classes), name="basic_cnn")
