"""Heads that are trained by gradient steps: the loop, and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from raravis import engine
from raravis.heads._head import shares

_BATCH: Final = 256
_EPOCHS: Final = 40


class Settings(Protocol):
    """What training needs of a head's options."""

    balance: Any
    steps: int
    learning_rate: float
    weight_decay: float


@dataclass(frozen=True)
class Trained:
    """A small network on features.

    Attributes:
        model: features `(B, D)` → logits `(B, K)`.
        shift: float32 `(K,)`, added to its logits.
    """

    model: Any
    shift: NDArray[np.float32]

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features `(n, D)` → logits `(n, K)`."""
        found: NDArray[np.float32] = self.model.predict(features, batch_size=4096, verbose=0)
        return found + self.shift

    def join(self, features: Any) -> Any:
        """The network and its shift, the last layer named `logits`."""
        keras = engine.keras()
        network = keras.Model(self.model.input, self.model.output, name="head")
        return keras.layers.Rescaling(1.0, self.shift.tolist(), name="logits")(network(features))


def train(
    layers: Callable[[Any, Any], Any],
    options: Settings,
    features: NDArray[np.float32],
    classes: NDArray[np.int64],
    *,
    count: int,
    seed: int,
) -> Trained:
    """Train with AdamW and a cosine schedule; what is done for small families is `options.balance`.

    For `options.steps` at most, or as many as go 40 times through the rows: few are known by heart by then.

    Args:
        layers: `(keras, input) → logits`.
        options: steps, rates and balance.
        features: float32 `(n, D)`.
        classes: int64 `(n,)`.
        count: number of classes.
        seed: of initial weights, dropout and order.
    """
    keras = engine.keras()
    engine.seed(seed)
    image = keras.Input((features.shape[1],))
    model = keras.Model(image, layers(keras, image))
    log_shares = np.log(shares(classes, count))
    offset = log_shares if options.balance == "balanced_softmax" else np.zeros(count, np.float32)
    batches = -(-len(classes) // _BATCH)
    steps = min(options.steps, _EPOCHS * batches)
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)
    model.compile(
        optimizer=keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(options.learning_rate, steps),
            weight_decay=options.weight_decay,
        ),
        loss=lambda true, given: entropy(true, keras.ops.add(given, offset)),  # not `+`, of which PyTorch warns
    )
    weights = np.ones(count, np.float32)
    if options.balance == "class_weights":
        weights = (len(classes) / (count * np.bincount(classes, minlength=count))).astype(np.float32)
    rng = np.random.Generator(np.random.PCG64(seed))
    for number in range(steps):
        if (place := number % batches) == 0:
            order = rng.permutation(len(classes))
        rows = order[place * _BATCH : (place + 1) * _BATCH]
        model.train_on_batch(features[rows], classes[rows], sample_weight=weights[classes[rows]])
    shift = -log_shares if options.balance == "logit_adjustment" else np.zeros(count, np.float32)
    return Trained(model, shift.astype(np.float32))
