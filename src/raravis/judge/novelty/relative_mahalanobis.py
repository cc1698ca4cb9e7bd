"""Mahalanobis distance to the nearest family less that to all images, on features of length 1.

Ren et al., "A simple fix to Mahalanobis distance for improving near-OOD detection", 2021; with the normalisation of
Müller and Hein, "Mahalanobis++", 2025. What is common to all images, strange or not, cancels out.
"""

from __future__ import annotations

import numpy as np

from raravis.judge.novelty import mahalanobis
from raravis.judge.novelty._known import Floats, Kept, Known


def fit(known: Known) -> Kept:
    """Keeps what `mahalanobis` does, and the whitening `overall` `(D, D)`."""
    return {**mahalanobis.fit(known), "overall": known.overall}


def score(kept: Kept, features: Floats, logits: Floats) -> Floats:
    """Any number; see `novelty` for the contract."""
    all_of_them = (((features - kept["mean"]) @ kept["overall"]) ** 2).sum(axis=1) / features.shape[1]
    return mahalanobis.score(kept, features, logits) - np.asarray(all_of_them, np.float32)
