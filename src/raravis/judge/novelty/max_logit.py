"""The highest logit, negated.

Hendrycks et al., "Scaling out-of-distribution detection for real-world settings", 2022.
"""

from __future__ import annotations

import numpy as np

from raravis.judge.novelty._known import Floats, Kept, Known


def fit(known: Known) -> Kept:
    """Nothing is kept."""
    return {}


def score(kept: Kept, features: Floats, logits: Floats) -> Floats:
    """Any number; see `novelty` for the contract."""
    return np.asarray(-logits.max(axis=1), np.float32)
