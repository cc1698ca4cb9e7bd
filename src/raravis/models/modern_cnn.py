"""A residual network for small data that learns from scratch: on a laptop's processor in minutes, on a GPU in full."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, PositiveInt, model_validator

from raravis import engine, models
from raravis.models._options import logits


class Options(models.Options):
    """Options of `modern_cnn`.

    Attributes:
        stem: channels of the two strided convolutions that begin; they leave a quarter of the side.
        filters: channels of each stage; every stage halves the side.
        blocks: residual blocks of each stage.
        drop_path: share of the images that leave out the last block in training; falls evenly to 0 at the first.
        dropout: share of the pooled features dropped in training.
        momentum: of the batch norms; low, because small data means few steps.
    """

    name: Literal["modern_cnn"] = "modern_cnn"
    stem: tuple[PositiveInt, PositiveInt] = (32, 48)
    filters: tuple[PositiveInt, ...] = Field(default=(96, 192, 384), min_length=1)
    blocks: tuple[PositiveInt, ...] = (1, 2, 1)
    drop_path: float = Field(default=0.1, ge=0, lt=1)
    dropout: float = Field(default=0.2, ge=0, lt=1)
    momentum: float = Field(default=0.9, gt=0, lt=1)

    @model_validator(mode="after")
    def _as_many(self) -> Options:
        if len(self.blocks) != len(self.filters):
            raise ValueError(f"filters has {len(self.filters)} stages and blocks {len(self.blocks)}; give as many")
        return self


def build(options: Options, *, classes: int, size: int) -> Any:
    """A strided stem, stages of residual blocks, global average pooling, dropout, dense.

    See `models` for the contract. The blocks are those of He et al. 2016 with the shortcuts of "ResNet-D" (He et al.,
    "Bag of Tricks", 2019: pooled, then 1×1), the last norm of each begun at 0 (Goyal et al. 2017), and stochastic depth
    (Huang et al. 2016). Nothing depends on `size` but the shape of the input: the same weights serve every size.
    """
    keras = engine.keras()
    norm = keras.layers.BatchNormalization

    def convolution(x: Any, filters: int, *, width: int = 3, strides: int = 1, gamma: str = "ones") -> Any:
        x = keras.layers.Conv2D(
            filters, width, strides=strides, padding="same", use_bias=False, kernel_initializer="he_normal"
        )(x)
        return norm(momentum=options.momentum, gamma_initializer=gamma)(x)

    def block(x: Any, filters: int, *, strides: int, drop: float) -> Any:
        shortcut = x
        if strides > 1:
            shortcut = keras.layers.AveragePooling2D(strides, padding="same")(shortcut)
        if x.shape[-1] != filters:
            shortcut = convolution(shortcut, filters, width=1)
        y = keras.layers.ReLU()(convolution(x, filters, strides=strides))
        y = convolution(y, filters, gamma="zeros")
        y = keras.layers.Dropout(drop, noise_shape=(None, 1, 1, 1))(y)
        return keras.layers.ReLU()(keras.layers.Add()([y, shortcut]))

    inputs = keras.Input((size, size, 3), name="image")
    x = keras.layers.Rescaling(1 / 64, offset=-255 / 128)(inputs)
    for filters in options.stem:
        x = keras.layers.ReLU()(convolution(x, filters, strides=2))
    total, number = sum(options.blocks), 0
    for filters, blocks in zip(options.filters, options.blocks, strict=True):
        for first in [True] + [False] * (blocks - 1):
            number += 1
            x = block(x, filters, strides=2 if first else 1, drop=options.drop_path * number / total)
    x = keras.layers.GlobalAveragePooling2D(name="embedding")(x)
    x = keras.layers.Dropout(options.dropout)(x)
    return keras.Model(inputs, logits(x, classes), name="modern_cnn")
