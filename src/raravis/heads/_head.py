"""What heads share: their options, what a fitted head can do, and how much a family's size counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from raravis import engine


class Options(BaseModel):
    """Settings of a head; each file derives its own.

    Attributes:
        name: the head's public name, which is the name of its file.
        balance: what is done for small families. `none`; `class_weights` (an image counts by the inverse of its
            family's size); `balanced_softmax` (the log of the families' shares is added to the logits while learning:
            Ren et al., "Balanced Meta-Softmax for Long-Tailed Visual Recognition", 2020); `logit_adjustment` (it is
            subtracted afterwards: Menon et al., "Long-tail learning via logit adjustment", 2021).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    balance: str = "none"

    def __str__(self) -> str:
        """The name and the settings, as people read them."""
        rest = self.model_dump(exclude={"name", "balance"})
        told = [f"{key.replace('_', ' ')} {value:g}" for key, value in rest.items()]
        return ", ".join([self.name, *told, *([self.balance.replace("_", " ")] if self.balance != "none" else [])])


class Head(Protocol):
    """A fitted head."""

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features `(n, D)` → logits `(n, K)`."""

    def join(self, features: Any) -> Any:
        """The same as Keras layers, the last one named `logits`: tensor `(B, D)` → `(B, K)`."""


@dataclass(frozen=True)
class Linear:
    """Logits that are a linear function of the features.

    Attributes:
        weights: float32 `(D, K)`.
        bias: float32 `(K,)`.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features `(n, D)` → logits `(n, K)`."""
        return features @ self.weights + self.bias

    def join(self, features: Any) -> Any:
        """A dense layer named `logits`."""
        dense = engine.keras().layers.Dense(len(self.bias), name="logits", dtype="float32")
        made = dense(features)
        dense.set_weights([self.weights, self.bias])
        return made


def shares(classes: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """Each class's share of the rows, float32 `(count,)`."""
    return (np.bincount(classes, minlength=count) / len(classes)).astype(np.float32)


def means(features: NDArray[np.float32], classes: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """The mean of each class's features, float32 `(count, D)`."""
    sums = np.zeros((count, features.shape[1]), np.float32)
    np.add.at(sums, classes, features)
    counts = np.bincount(classes, minlength=count).astype(np.float32)
    return sums / counts[:, None]


def spread(
    features: NDArray[np.float32], classes: NDArray[np.int64], centres: NDArray[np.float32], shrinkage: float
) -> NDArray[np.float32]:
    """How features lie around the means of their classes: the lower Cholesky factor of the shrunken covariance.

    Shrinkage towards a multiple of the identity with the same trace is that of Ledoit and Wolf, "A well-conditioned
    estimator for large-dimensional covariance matrices", 2004, with its weight given and not estimated. Where features
    do not lie around their means at all (one row a class, or all alike), it is towards the identity.
    """
    from scipy.linalg import cholesky  # slow to import

    residual = features - centres[classes]
    width = features.shape[1]
    covariance = residual.T @ residual / max(len(features) - len(centres), 1)
    level = float(np.trace(covariance)) / width
    level = level if level > np.finfo(np.float32).tiny else 1.0
    covariance *= 1 - shrinkage
    covariance[np.diag_indices(width)] += shrinkage * level
    factor: NDArray[np.float32] = cholesky(covariance, lower=True)
    return factor
