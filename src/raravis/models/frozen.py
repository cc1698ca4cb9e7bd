"""A frozen pretrained backbone: its own preprocessing, global average pooling, dropout, dense."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from raravis import backbones, engine, models
from raravis.models._options import logits


class Options(models.Options):
    """Options of `frozen`.

    Attributes:
        backbone: a name that `raravis backbones` lists.
        weights: `imagenet` (a file in `RARAVIS_WEIGHTS`, else Keras' download), `none` (random), or a weight file.
        dropout: share of the pooled features dropped in training.
    """

    name: Literal["frozen"] = "frozen"
    backbone: str = "MobileNetV2"
    weights: str = "imagenet"
    dropout: float = Field(default=0.2, ge=0, lt=1)


def build(options: Options, *, classes: int, size: int) -> Any:
    """The network; only the last layer learns. See `models` for the contract."""
    keras = engine.keras()
    trunk = backbones.build(options.backbone, size=size, weights=options.weights)
    trunk.trainable = False
    inputs = keras.Input((size, size, 3), name="image")
    x = backbones.preprocess(options.backbone, inputs)
    x = trunk(x, training=False)
    x = keras.layers.GlobalAveragePooling2D(name="embedding")(x)
    x = keras.layers.Dropout(options.dropout)(x)
    return keras.Model(inputs, logits(x, classes), name="frozen")
