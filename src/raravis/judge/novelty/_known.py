"""What scorers of novelty learn from: images of known families, seen as features, and the geometry that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Kept = Mapping[str, NDArray[np.float32]]
"""What a fitted scorer is made of, by name."""

SHRINKAGE: Final = 0.2
"""Share of a covariance that is replaced by a multiple of the identity with the same trace."""

_TINY: Final = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Seen:
    """Images as a network sees them.

    Attributes:
        features: float32 `(n, D)`, each row of length 1 (`unit`).
        logits: float32 `(n, K)`.
    """

    features: Floats
    logits: Floats


@dataclass(frozen=True)
class Rehearsed:
    """How every scorer did in one rehearsal, in which some families were kept back.

    Attributes:
        held: the scores of images of the families that stayed, which taught nothing: float32 `(n,)` by scorer.
        new: the scores of images of the families that were kept back, float32 `(m,)` by scorer.
        kinds: how far from the families that stayed each of those is, `(m,)`.
    """

    held: Mapping[str, Floats]
    new: Mapping[str, Floats]
    kinds: NDArray[np.str_]


@dataclass(frozen=True)
class Known:
    """Images of known families, that taught the network.

    Attributes:
        features: float32 `(n, D)`, each row of length 1 (`unit`).
        classes: int64 `(n,)` in 0 … `count` − 1.
        count: number of families, K.
        held: other images of these families, which taught the network nothing.
        rehearsed: for scorers that learn what novelty looks like; may be empty.
    """

    features: Floats
    classes: NDArray[np.int64]
    count: int
    held: Seen
    rehearsed: Sequence[Rehearsed] = ()

    @cached_property
    def mean(self) -> Floats:
        """Of all features, float32 `(D,)`."""
        return np.asarray(self.features.mean(axis=0), np.float32)

    @cached_property
    def centres(self) -> Floats:
        """The mean of each class, float32 `(K, D)`; of a class without images, that of all."""
        sums = np.zeros((self.count, self.features.shape[1]), np.float32)
        np.add.at(sums, self.classes, self.features)
        sizes = np.bincount(self.classes, minlength=self.count)
        centres = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], self.mean)
        return np.asarray(centres, np.float32)

    @cached_property
    def within(self) -> Floats:
        """Whitens how images lie around the mean of their class: float32 `(D, D)`, `z = (x - mean) @ within`."""
        return whitening(self.features - self.centres[self.classes])

    @cached_property
    def overall(self) -> Floats:
        """Whitens how images lie around the mean of all: float32 `(D, D)`."""
        return whitening(self.features - self.mean)


def whitening(residual: Floats) -> Floats:
    """The matrix that makes the shrunken covariance of `residual` `(n, D)` the identity; see `SHRINKAGE`."""
    from scipy.linalg import cholesky, solve_triangular  # slow to import

    width = residual.shape[1]
    covariance = residual.T @ residual / max(len(residual) - 1, 1)
    level = max(float(np.trace(covariance)) / width, _TINY)
    covariance *= 1 - SHRINKAGE
    covariance[np.diag_indices(width)] += SHRINKAGE * level
    factor = cholesky(covariance, lower=True, overwrite_a=True, check_finite=False)
    eye = np.eye(width, dtype=np.float32)
    inverse = solve_triangular(factor, eye, lower=True, overwrite_b=True, check_finite=False)
    return np.asarray(np.ascontiguousarray(inverse.T), np.float32)


def squared(points: Floats, centres: Floats) -> Floats:
    """Squared distances, float32 `(n, K)`, ≥ 0."""
    apart = (points**2).sum(1)[:, None] - 2 * points @ centres.T + (centres**2).sum(1)
    return np.asarray(np.maximum(apart, 0), np.float32)


def unit(features: Floats) -> Floats:
    """Rows scaled to length 1, float32 `(n, D)`."""
    features = np.asarray(features, np.float32)
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(length, 1e-12), np.float32)
