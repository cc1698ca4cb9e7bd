"""The nearest training images by cosine similarity, each voting by how near it is.

All that are as near as the last neighbour vote too: between copies of a photograph nothing could choose but rounding,
which is another in every runtime.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveFloat, PositiveInt

from raravis import engine
from raravis.heads import _head
from raravis.heads._head import shares

GRID: Final = ({"neighbours": 10}, {"neighbours": 30})


class Options(_head.Options):
    """Options of `knn`.

    Attributes:
        neighbours: that vote, and those that are as near as the last of them.
        temperature: a vote weighs e to the (similarity / temperature).
    """

    name: Literal["knn"] = "knn"
    balance: Literal["none", "logit_adjustment"] = "logit_adjustment"
    neighbours: PositiveInt = 30
    temperature: PositiveFloat = 0.05


@dataclass(frozen=True)
class Memory:
    """The training images themselves.

    Attributes:
        rows: float32 `(n, D)`, of length 1.
        votes: float32 `(n, K)`: what a row's vote counts for each class.
        neighbours: that vote at least.
        temperature: of the votes.
    """

    rows: NDArray[np.float32]
    votes: NDArray[np.float32]
    neighbours: int
    temperature: float

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logs of the sums of votes; a class without a vote has that of a vanishing one."""
        found = np.empty((len(features), self.votes.shape[1]), np.float32)
        for start in range(0, len(features), _AT_ONCE):
            some = features[start : start + _AT_ONCE]
            some = some / np.maximum(np.linalg.norm(some, axis=1, keepdims=True), 1e-12)
            near = some @ self.rows.T
            least = np.partition(near, -self.neighbours, axis=1)[:, -self.neighbours, None]
            weight = np.zeros_like(near)
            np.exp((near - 1) / self.temperature, out=weight, where=near >= least - _ALIKE)
            found[start : start + len(some)] = weight @ self.votes
        logits: NDArray[np.float32] = np.log(found + np.float32(_LEAST))
        return logits

    def join(self, features: Any) -> Any:
        """The same as layers: a matrix product with the memory, the largest taken, their votes summed."""
        keras = engine.keras()
        unit = keras.layers.UnitNormalization()(features)
        near = keras.layers.Dense(len(self.rows), use_bias=False, name="similarities")
        similar = near(unit)
        near.set_weights([self.rows.T])
        least = keras.ops.top_k(similar, self.neighbours)[0][:, -1:]
        weight = keras.ops.where(similar >= least - _ALIKE, keras.ops.exp((similar - 1) / self.temperature), 0.0)
        count = keras.layers.Dense(self.votes.shape[1], use_bias=False, name="votes")
        summed = count(weight)
        count.set_weights([self.votes])
        return keras.layers.Identity(name="logits")(keras.ops.log(summed + _LEAST))


_AT_ONCE: Final = 512
_LEAST: Final = 1e-6

_ALIKE: Final = 1e-5
"""Similarities of less difference are equal: ten times what rounding makes of copies."""


def fit(
    options: Options, features: NDArray[np.float32], classes: NDArray[np.int64], *, count: int, seed: int
) -> Memory:
    """Keep the rows; see `heads` for the contract. `seed` changes nothing.

    Votes as in Wu et al., "Unsupervised Feature Learning via Non-Parametric Instance Discrimination", 2018.
    """
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    votes = np.zeros((len(features), count), np.float32)
    votes[np.arange(len(features)), classes] = 1
    if options.balance == "logit_adjustment":
        votes /= (shares(classes, count) * count)[None]
    return Memory(unit.astype(np.float32), votes, min(options.neighbours, len(features)), options.temperature)
