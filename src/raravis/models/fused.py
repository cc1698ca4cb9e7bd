"""Finished runs of one split as one network: a weighted sum of their log-probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, NonNegativeFloat, model_validator

from raravis import engine, models
from raravis.errors import UsageError


class Options(models.Options):
    """Options of `fused`.

    Attributes:
        members: folders of finished runs, of the same split, `data.size` and `data.fit`.
        weights: one for each member; None finds those with the least log loss on val.
        objective: `macro_f1` weighs every family alike in that loss, `accuracy` every image.
    """

    name: Literal["fused"] = "fused"
    by_epoch: ClassVar[bool] = False
    members: tuple[str, ...] = Field(default=(), max_length=8)
    weights: tuple[NonNegativeFloat, ...] | None = None
    objective: Literal["macro_f1", "accuracy"] = "macro_f1"

    @model_validator(mode="after")
    def _add_up(self) -> Options:
        if len(set(self.members)) < max(len(self.members), 2):
            raise ValueError('members: two run folders or more were expected, each once: ["runs/probe", "runs/other"]')
        if self.weights is not None and (len(self.weights) != len(self.members) or not sum(self.weights)):
            raise ValueError(f"weights: {len(self.members)} numbers, not all 0, were expected")
        return self


def build(options: Options, *, classes: int, size: int) -> Any:
    """The members, trained as they are, of equal weights where none are given; see `models` for the contract.

    Raises:
        UsageError: a member has no trained network, or one for other images or families.
    """
    networks = [_trained(Path(member) / "model.keras") for member in options.members]
    for member, network in zip(options.members, networks, strict=True):
        if (network.input_shape[1], network.output_shape[-1]) != (size, classes):
            raise UsageError(
                f"{member} takes images of {network.input_shape[1]} pixels and knows {network.output_shape[-1]} "
                f"families; {size} and {classes} were expected."
            )
    return joined(networks, options.weights or [1 / len(networks)] * len(networks), size=size)


def joined(networks: Sequence[Any], weights: Sequence[float], *, size: int) -> Any:
    """Images → log-probabilities of every network, weighed and summed; `embedding` is their embeddings side by side.

    Args:
        networks: Keras models, images → logits, with a layer `embedding`.
        weights: one for each, at least one of them above 0; a network of weight 0 is left out.
        size: side of the images.
    """
    keras = engine.keras()
    image = keras.Input((size, size, 3), name="image")
    members = [(network, float(weight)) for network, weight in zip(networks, weights, strict=True) if weight]
    blocks = []
    for number, (network, _) in enumerate(members, start=1):
        trunk = keras.Model(network.input, network.get_layer("embedding").output, name=f"member_{number}")
        trunk.trainable = False
        blocks.append(trunk(image))
    features = (
        keras.layers.Concatenate(name="embedding")(blocks)
        if len(blocks) > 1
        else keras.layers.Identity(name="embedding")(blocks[0])
    )
    total, start = 0.0, 0
    for number, (network, weight) in enumerate(members, start=1):
        embedding = network.get_layer("embedding").output
        head = keras.Model(embedding, network.output, name=f"head_{number}")
        end = start + embedding.shape[-1]
        total += weight * keras.ops.log_softmax(head(features[:, start:end]), axis=-1)
        start = end
    return keras.Model(image, keras.layers.Identity(name="logits", dtype="float32")(total), name="fused")


def _trained(file: Path) -> Any:
    try:
        return engine.keras().saving.load_model(file, compile=False)
    except Exception as error:  # zipfile, h5py and Keras raise many kinds for one fault: no network there
        raise UsageError(f"{file} is no trained network: {error}\nName folders of finished runs.") from error
