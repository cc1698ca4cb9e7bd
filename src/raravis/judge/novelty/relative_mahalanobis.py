"""Mahalanobis distance to the nearest family less that to all images, on features of length 1.

Ren et al., "A simple fix to Mahalanobis distance for improving near-OOD detection", 2021; with the normalisation of
Müller and Hein, "Mahalanobis++", 2025. What is common to all images, strange or not, cancels out.

With `x` less the mean, `S` the covariance within families and `T` that of all images, the difference to family `k` is
`x' (1/S - 1/T) x - 2 x' 1/S c + c' 1/S c`: one product with a matrix `(D, D)` where two distances take two.
"""

from __future__ import annotations

import numpy as np

from raravis.judge.novelty import mahalanobis
from raravis.judge.novelty._known import Floats, Kept, Known


def fit(known: Known) -> Kept:
    """Keeps the `mean` `(D,)`, the `difference` of precisions `(D, D)`, `slopes` `(K, D)` and `lengths` `(K,)`."""
    nearest = mahalanobis.fit(known)
    return {
        "mean": known.mean,
        "difference": _precision(known.within) - _precision(known.overall),
        "slopes": np.asarray(2 * nearest["centres"] @ known.within.T, np.float32),
        "lengths": np.asarray((nearest["centres"] ** 2).sum(axis=1), np.float32),
    }


def score(kept: Kept, features: Floats, logits: Floats) -> Floats:
    """Any number; see `novelty` for the contract."""
    apart = features - kept["mean"]
    common = (apart @ kept["difference"] * apart).sum(axis=1)
    nearest = (kept["lengths"] - apart @ kept["slopes"].T).min(axis=1)
    return np.asarray((common + nearest) / features.shape[1], np.float32)


def _precision(whitening: Floats) -> Floats:
    """The inverse of the covariance that an upper triangular `whitening` `(D, D)` makes the identity."""
    from scipy.linalg.lapack import slauum  # slow to import

    half = np.triu(slauum(whitening)[0])
    return np.asarray(half + np.triu(half, 1).T, np.float32)
