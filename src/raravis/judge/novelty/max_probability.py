"""One minus the highest probability.

Hendrycks and Gimpel, "A baseline for detecting misclassified and out-of-distribution examples in neural
networks", 2017.
"""

from __future__ import annotations

import numpy as np

from raravis.judge.logits import softmax
from raravis.judge.novelty._known import Floats, Kept, Known


def fit(known: Known) -> Kept:
    """Nothing is kept."""
    return {}


def score(kept: Kept, features: Floats, logits: Floats) -> Floats:
    """From 0 to 1; see `novelty` for the contract."""
    return np.asarray(1 - softmax(logits).max(axis=1), np.float32)
