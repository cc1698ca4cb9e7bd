"""A small residual network for small data: learns from scratch in minutes on a laptop."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, PositiveInt

from raravis import engine, models
from raravis.models._options import logits


class Options(models.Options):
    """Options of `compact_cnn`.

    Attributes:
        filters: channels of each stage; every stage but the first halves the image.
        dropout: share of the pooled features dropped in training.
        momentum: of the batch norms; low, because small data means few steps.
    """

    name: Literal["compact_cnn"] = "compact_cnn"
    filters: tuple[PositiveInt, ...] = Field(default=(32, 64, 128, 192), min_length=1)
    dropout: float = Field(default=0.3, ge=0, lt=1)
    momentum: float = Field(default=0.9, gt=0, lt=1)


def build(options: Options, *, classes: int, size: int) -> Any:
    """A strided stem, then one residual block a stage, global average pooling, dropout, dense.

    See `models` for the contract; the residual block is that of He et al., "Deep Residual Learning for Image
    Recognition", 2016.
    """
    keras = engine.keras()

    def convolution(x: Any, filters: int, *, width: int = 3, strides: int = 1) -> Any:
        x = keras.layers.Conv2D(filters, width, strides=strides, padding="same", use_bias=False)(x)
        return keras.layers.BatchNormalization(momentum=options.momentum)(x)

    inputs = keras.Input((size, size, 3), name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    x = keras.layers.ReLU()(convolution(x, options.filters[0], width=5, strides=2))
    x = keras.layers.MaxPooling2D(padding="same")(x)
    for number, filters in enumerate(options.filters):
        strides = 2 if number else 1
        shortcut = x
        if x.shape[-1] != filters or strides != 1:
            shortcut = convolution(x, filters, width=1, strides=strides)
        y = keras.layers.ReLU()(convolution(x, filters, strides=strides))
        x = keras.layers.ReLU()(keras.layers.Add()([convolution(y, filters), shortcut]))
    x = keras.layers.GlobalAveragePooling2D(name="embedding")(x)
    x = keras.layers.Dropout(options.dropout)(x)
    return keras.Model(inputs, logits(x, classes), name="compact_cnn")
