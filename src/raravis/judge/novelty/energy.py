"""The free energy of the logits (Liu et al., "Energy-based out-of-distribution detection", 2020)."""

from __future__ import annotations

import numpy as np

from raravis.judge.logits import logsumexp
from raravis.judge.novelty._known import Floats, Kept, Known


def fit(known: Known) -> Kept:
    """Nothing is kept."""
    return {}


def score(kept: Kept, features: Floats, logits: Floats) -> Floats:
    """Any number; see `novelty` for the contract."""
    return np.asarray(-logsumexp(logits), np.float32)
