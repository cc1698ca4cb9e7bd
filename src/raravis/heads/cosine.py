"""A cosine classifier: similarities of features and weights of length 1, at a scale; trained by steps of AdamW."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, PositiveInt

from raravis.heads import _head
from raravis.heads._head import Linear
from raravis.heads._trained import train

GRID: Final = ({"balance": "balanced_softmax"},)


class Options(_head.Options):
    """Options of `cosine`.

    Attributes:
        scale: of the similarities, as logits.
        steps: of training at most, of 256 rows each.
        learning_rate: at the start; it falls to 0 along a cosine.
        weight_decay: decoupled; the length of the weights is fixed, so it acts on the step alone.
    """

    name: Literal["cosine"] = "cosine"
    balance: Literal["none", "class_weights", "balanced_softmax", "logit_adjustment"] = "none"
    scale: PositiveFloat = 24.0
    steps: PositiveInt = 800
    learning_rate: PositiveFloat = 2e-3
    weight_decay: float = Field(default=0.0, ge=0)


def fit(
    options: Options, features: NDArray[np.float32], classes: NDArray[np.int64], *, count: int, seed: int
) -> Linear:
    """Train the directions of the classes; see `heads` for the contract.

    Gidaris and Komodakis, "Dynamic Few-Shot Visual Learning without Forgetting", 2018. Fitted, it is linear: features
    come with a fixed length, so theirs joins the scale.
    """
    length = float(np.linalg.norm(features, axis=1).mean()) or 1.0

    def layers(keras: Any, x: Any) -> Any:
        dense = keras.layers.Dense(
            count, use_bias=False, kernel_constraint=keras.constraints.UnitNorm(axis=0), name="directions"
        )
        return keras.layers.Rescaling(options.scale / length, name="logits")(dense(x))

    trained = train(layers, options, features, classes, count=count, seed=seed)
    directions = trained.model.get_layer("directions").get_weights()[0]
    return Linear((options.scale / length) * directions, trained.shift)
