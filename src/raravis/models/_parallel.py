"""What ParallelCNN and its improved form share: the options and the network."""

from __future__ import annotations

from typing import Any

from pydantic import Field, PositiveFloat, PositiveInt

from raravis import engine
from raravis.models._options import Options, logits


class Parallel(Options):
    """Options of the parallel networks.

    Attributes:
        filters: channels of the first convolution.
        kernel_size: its width in pixels.
        branches: channels of each of the two parallel convolutions.
        branch_sizes: their widths in pixels.
        slope: of LeakyReLU below 0.
        dropout: share of the flattened values dropped in training.
    """

    filters: PositiveInt = 32
    kernel_size: PositiveInt = 3
    branches: PositiveInt = 64
    branch_sizes: tuple[PositiveInt, PositiveInt] = (3, 5)
    slope: PositiveFloat = 0.1
    dropout: float = Field(default=0.3, ge=0, lt=1)


def build(options: Parallel, *, classes: int, size: int, batch_norm: bool) -> Any:
    """The network, with RGB scaled to 0–1 as in the study.

    Convolution (ReLU) and pooling; two convolutions of different width side by side on its output, concatenated;
    LeakyReLU and pooling; flatten, dropout, dense. With `batch_norm`, a batch norm follows every convolution.
    """
    keras = engine.keras()

    def convolution(x: Any, filters: int, width: int, **more: Any) -> Any:
        x = keras.layers.Conv2D(filters, width, **more)(x)
        return keras.layers.BatchNormalization()(x) if batch_norm else x

    inputs = keras.Input((size, size, 3), name="image")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = convolution(x, options.filters, options.kernel_size, activation="relu")
    x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Concatenate()(
        [convolution(x, options.branches, width, padding="same") for width in options.branch_sizes]
    )
    x = keras.layers.LeakyReLU(negative_slope=options.slope)(x)
    x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Flatten(name="embedding")(x)
    x = keras.layers.Dropout(options.dropout)(x)
    return keras.Model(inputs, logits(x, classes), name=options.name)
