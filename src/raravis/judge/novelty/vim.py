"""What features lie outside the directions in which known images differ, as a logit of its own, against the energy.

Wang et al., "ViM: Out-of-distribution with virtual-logit matching", 2022.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from raravis.judge.logits import logsumexp
from raravis.judge.novelty._known import Floats, Kept, Known

AXES: Final = 256
"""Of the principal subspace, at most half of the features' width."""


def fit(known: Known) -> Kept:
    """Keeps the `mean` `(D,)`, the principal `axes` `(D, r)` and the `factor` `(1,)` of what lies outside them.

    The factor makes the virtual logit of held-out known images as high as their highest logit is above the mean one.
    """
    from sklearn.decomposition import PCA  # slow to import

    rows, width = known.features.shape
    count = max(min(AXES, width // 2, rows - 1), 1)
    found = PCA(count, svd_solver="randomized", random_state=0).fit(known.features)
    axes = np.ascontiguousarray(found.components_.T, np.float32)
    heights = known.held.logits.max(axis=1) - known.held.logits.mean(axis=1)
    length = max(float(_outside(known.held.features - known.mean, axes).mean()), 1e-12)
    return {"mean": known.mean, "axes": axes, "factor": np.array([heights.mean() / length], np.float32)}


def score(kept: Kept, features: Floats, logits: Floats) -> Floats:
    """Any number; see `novelty` for the contract."""
    virtual = kept["factor"] * _outside(features - kept["mean"], kept["axes"])
    return np.asarray(virtual - logsumexp(logits), np.float32)


def _outside(centred: Floats, axes: Floats) -> Floats:
    """How long each row is outside the subspace, float32 `(n,)`."""
    inside = ((centred @ axes) ** 2).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum((centred**2).sum(axis=1) - inside, 0)), np.float32)
