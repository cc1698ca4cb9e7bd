"""What the models on a pretrained backbone share: the options, the network, and which of its layers learn."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, NonNegativeInt, model_validator

from raravis import backbones, engine
from raravis.errors import UsageError
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
        start: the folder of a finished `probe` on this backbone alone, with a linear head that learned from train, of
            any size and views: its backbone and head are what training starts from, and `weights` says nothing.
    """

    backbone: str
    weights: str = "imagenet"
    images: Literal["0-255", "0-1"] = "0-255"
    preprocess: bool = True
    hidden: NonNegativeInt = 0
    dropout: float = Field(default=0.2, ge=0, lt=1)
    learn: Literal["head", "all"] = "head"
    start: str = ""

    def canonical(self) -> Self:
        """The same with its backbone named as it is listed."""
        return self.model_copy(update={"backbone": backbones.canonical(self.backbone)})

    def check(self) -> None:
        """See that the backbone exists."""
        backbones.check(self.backbone)

    @model_validator(mode="after")
    def _starts_as_it_was(self) -> Pretrained:
        if self.start and (self.hidden or self.images != "0-255" or not self.preprocess):
            raise ValueError(
                "start: a probe has no hidden layer and its backbone's own preprocessing; leave those as is"
            )
        return self


def build(options: Pretrained, *, classes: int, size: int) -> Any:
    """Preprocessing, backbone, global average pooling, perhaps a dense layer, dropout, dense.

    See `models` for the contract. A frozen backbone computes the same in training as outside it: its batch norms are
    frozen and its own dropout is switched off. (`training=False` in the call would not do: Keras 3 hands the mode of
    the outer network down.)
    """
    keras = engine.keras()
    begun = _begun(options, classes=classes) if options.start else None
    trunk = backbones.build(options.backbone, size=size, weights="none" if begun else options.weights)
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
    x = backbones.pooled(x, name="pooled" if options.hidden or begun else "embedding")
    if options.hidden:
        x = keras.layers.Dense(options.hidden, activation="relu", name="embedding")(x)
    if begun:
        x = keras.layers.UnitNormalization(name="embedding")(x)
    x = keras.layers.Dropout(options.dropout)(x)
    model = keras.Model(inputs, logits(x, classes), name=options.name)
    if begun:
        for layer, weights in zip((trunk, model.get_layer("logits")), begun, strict=True):
            _take(layer, weights, options.start)
    return model


def _take(layer: Any, weights: list[Any], start: str) -> None:
    try:
        layer.set_weights(weights)
    except ValueError as error:  # of a backbone whose weights depend on the size of images, such as a transformer's
        raise UsageError(f"model.start: the weights of {start} do not fit images of this size: {error}.") from error


def _begun(options: Pretrained, *, classes: int) -> tuple[list[Any], list[Any]]:
    """The weights of the backbone and of the head of the probe that training starts from.

    Raises:
        UsageError: it is no such probe, or one for other families.
    """
    keras, folder = engine.keras(), Path(options.start).expanduser()
    try:
        table = tomllib.loads((folder / "recipe.toml").read_text(encoding="utf-8"))["model"]
        network = keras.saving.load_model(folder / "model.keras", compile=False)
    except Exception as error:  # the system's, TOML's, zipfile's, h5py's and Keras' own kinds
        raise UsageError(
            f"model.start: {folder} holds no finished run: {error}\nName the folder of a probe."
        ) from error
    sources = table.get("backbones", [])
    head = next((layer for layer in network.layers if layer.name == "logits"), None)
    for wrong, told in (
        (table["name"] != "probe" or len(sources) != 1, "it is no probe on one backbone"),
        (sources and sources[0]["name"] != options.backbone, f"its backbone is not {options.backbone}"),
        (not isinstance(head, keras.layers.Dense), "its head is not linear; take lda, logistic, prototype or cosine"),
        (table.get("learn_from") != "train", "its head learned from val, too; train it with model.learn_from=train"),
        (network.output_shape[-1] != classes, f"it does not know {classes} families"),
    ):
        if wrong:
            raise UsageError(f"model.start: {folder} cannot be started from: {told}.")
    assert head is not None
    return network.get_layer("backbone_1").get_weights(), head.get_weights()


def extractor(options: Pretrained, model: Any) -> Any | None:
    """What `backbones.extractor` gives, of the backbone that `model` holds; None where its features are other ones.

    Then the features of the two are the same, and what was computed for one serves the other.
    """
    if options.hidden or options.start or options.images != "0-255" or not options.preprocess:
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
