"""Which training images an epoch goes through: a stratified share of them, small families repeated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def stratified(classes: NDArray[np.int64], share: float, seed: int) -> NDArray[np.int64]:
    """Positions of a random share of each class, at least one image of it, ascending.

    Args:
        classes: int64 `(n,)`.
        share: 0–1, above 0; 1 gives every position.
        seed: of the choice.
    """
    generator = np.random.Generator(np.random.PCG64([seed, _SHARE]))
    kept = [
        generator.permutation(own)[: max(1, round(share * len(own)))]
        for own in (np.flatnonzero(classes == c) for c in np.unique(classes))
    ]
    return np.sort(np.concatenate(kept))


def oversampled(classes: NDArray[np.int64], least: int, seed: int) -> NDArray[np.int64]:
    """Positions where classes of fewer than `least` images are repeated until they have as many.

    Every image of a class is repeated equally often, give or take one; which ones get one more is random.

    Args:
        classes: int64 `(n,)`.
        least: images a class; 0 or 1 repeats none.
        seed: of the choice.
    """
    generator = np.random.Generator(np.random.PCG64([seed, _REPEAT]))
    taken = []
    for c in np.unique(classes):
        own = np.flatnonzero(classes == c)
        times, rest = divmod(max(least, len(own)), len(own))
        taken += [*[own] * times, generator.permutation(own)[:rest]]
    return np.concatenate(taken)


_SHARE, _REPEAT = 1, 2
"""Keep the random numbers of the two apart from each other, and from those of the shuffling."""
