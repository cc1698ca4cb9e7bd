"""The entropy of the probabilities, in nats."""

from __future__ import annotations

import numpy as np

from raravis.judge.logits import log_softmax
from raravis.judge.novelty._known import Floats, Kept, Known


def fit(known: Known) -> Kept:
    """Nothing is kept."""
    return {}


def score(kept: Kept, features: Floats, logits: Floats) -> Floats:
    """From 0 to the logarithm of the number of families; see `novelty` for the contract."""
    logs = log_softmax(logits)
    return np.asarray(-(np.exp(logs) * logs).sum(axis=1), np.float32)
