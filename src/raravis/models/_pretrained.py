"""What the models on a pretrained backbone share: the options, the network, and which of its layers learn."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, NonNegativeInt

from raravis import backbones, engine
from raravis.models._options import Options, logits

TRUNK = "trunk"
"""Name of the layer that is the backbone."""


class Pretrained(Options):
    """Options of a network on a pretrained backbone.

    Attributes:
        backbone: a name that `raravis backbones` lists.
        weights: `imagenet` (a file in `RARAVIS_WEIGHTS`, else Keras' download), `none` (random), or a weight file.
        images: the range of the values that the backbone is given. It expects 0–255; `0-1` repeats a mistake.
        preprocess: whether the backbone's own preprocessing follows; without it, another mistake is repeated.
        hidden: units of a dense ReLU layer between pooling and the last layer; 0 leaves it out.
        dropout: share of the values before the last layer dropped in training.
        learn: `head` (the backbone is frozen) or `all` (the whole network learns, as from random weights it must).
    """

    backbone: str
    weights: str = "imagenet"
    images: Literal["0-255", "0-1"] = "0-255"
    preprocess: bool = True
    hidden: NonNegativeInt = 0
    dropout: float = Field(default=0.2, ge=0, lt=1)
    learn: Literal["head", "all"] = "head"


def build(options: Pretrained, *, classes: int, size: int) -> Any:
    """Preprocessing, backbone, global average pooling, perhaps a dense layer, dropout, dense.

    See `models` for the contract. A frozen backbone computes the same in training as outside it: its batch norms are
    frozen and its own dropout is switched off. (`training=False` in the call would not do: Keras 3 hands the mode of
    the outer network down.)
    """
    keras = engine.keras()
    trunk = backbones.build(options.backbone, size=size, weights=options.weights)
    trunk.name = TRUNK
    if options.learn == "head":
        trunk.trainable = False
        for layer in trunk.layers:
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0.0
    inputs = x = keras.Input((size, size, 3), name="image")
    if options.images == "0-1":
        x = keras.layers.Rescaling(1 / 255)(x)
    if options.preprocess:
        x = backbones.preprocess(options.backbone, x)
    x = trunk(x)
    name = "pooled" if options.hidden else "embedding"
    map_or_vector = keras.layers.GlobalAveragePooling2D if len(x.shape) == 4 else keras.layers.Identity
    x = map_or_vector(name=name)(x)
    if options.hidden:
        x = keras.layers.Dense(options.hidden, activation="relu", name="embedding")(x)
    x = keras.layers.Dropout(options.dropout)(x)
    return keras.Model(inputs, logits(x, classes), name=options.name)


def extractor(options: Pretrained, model: Any) -> Any | None:
    """What `backbones.extractor` gives, of the backbone that `model` holds; None where its features are other ones.

    Then the features of the two are the same, and what was computed for one serves the other.
    """
    if options.hidden or options.images != "0-255" or not options.preprocess:
        return None
    keras, trunk = engine.keras(), model.get_layer(TRUNK)
    images = keras.Input(model.input.shape[1:], name="image")
    made = keras.Model(images, backbones.pooled(trunk(backbones.preprocess(options.backbone, images))))
    if not trunk.trainable:
        made.trainable = False  # the rest of it, that it be the same to the last flag
    return made


def unfreeze(model: Any, layers: int | Literal["all"]) -> None:
    """Let the last `layers` layers of the backbone learn, and no others of it. Compile the model anew afterwards.

    Batch norms among them, and within them, stay frozen: small batches of few families would spoil their statistics.
    """
    trunk = model.get_layer(TRUNK)
    trunk.trainable = True
    count = len(trunk.layers) if layers == "all" else layers
    for number, layer in enumerate(trunk.layers, start=count - len(trunk.layers)):
        layer.trainable = number >= 0
    norm = engine.keras().layers.BatchNormalization
    for layer in trunk._flatten_layers(include_self=False):
        if isinstance(layer, norm):
            layer.trainable = False
