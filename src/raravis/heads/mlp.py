"""A hidden layer, batch-normalised and with dropout, then a dense layer; trained by steps of AdamW in Keras."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, PositiveInt

from raravis.heads import _head
from raravis.heads._trained import Trained, train

GRID: Final = ({"balance": "balanced_softmax"},)


class Options(_head.Options):
    """Options of `mlp`.

    Attributes:
        hidden: units.
        dropout: share of the features, and of the units, dropped in training.
        steps: of training at most, of 256 rows each.
        learning_rate: at the start; it falls to 0 along a cosine.
        weight_decay: decoupled.
    """

    name: Literal["mlp"] = "mlp"
    balance: Literal["none", "class_weights", "balanced_softmax", "logit_adjustment"] = "none"
    hidden: PositiveInt = 512
    dropout: float = Field(default=0.3, ge=0, lt=1)
    steps: PositiveInt = 400
    learning_rate: PositiveFloat = 2e-3
    weight_decay: float = Field(default=1e-2, ge=0)


def fit(
    options: Options, features: NDArray[np.float32], classes: NDArray[np.int64], *, count: int, seed: int
) -> Trained:
    """Train the network; see `heads` for the contract."""

    def layers(keras: Any, x: Any) -> Any:
        x = keras.layers.Dropout(options.dropout, seed=seed)(x)
        x = keras.layers.Dense(options.hidden, use_bias=False)(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.ReLU()(x)
        x = keras.layers.Dropout(options.dropout, seed=seed + 1)(x)
        return keras.layers.Dense(count, name="logits", dtype="float32")(x)

    return train(layers, options, features, classes, count=count, seed=seed)
