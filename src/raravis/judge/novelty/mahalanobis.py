"""The squared Mahalanobis distance to the nearest family's mean, on features of length 1.

Müller and Hein, "Mahalanobis++: improving OOD detection via feature normalization", 2025.
"""

from __future__ import annotations

import numpy as np

from raravis.judge.novelty._known import Floats, Kept, Known, squared


def fit(known: Known) -> Kept:
    """Keeps the `mean` `(D,)`, the whitening `within` `(D, D)` and the whitened `centres` `(K, D)`."""
    centres = np.asarray((known.centres - known.mean) @ known.within, np.float32)
    return {"mean": known.mean, "within": known.within, "centres": centres}


def score(kept: Kept, features: Floats, logits: Floats) -> Floats:
    """From 0, divided by D; see `novelty` for the contract."""
    white = np.asarray((features - kept["mean"]) @ kept["within"], np.float32)
    return np.asarray(squared(white, kept["centres"]).min(axis=1) / features.shape[1], np.float32)
