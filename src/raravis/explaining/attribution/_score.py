"""The score that all methods explain, and what a method is.

The logit itself will not do: what is added to all logits alike changes no probability, but would change the map. The
log of the odds, `logit − log Σ exp(other logits)`, knows no such thing, and does not flatten where the network is sure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

Attribution = Callable[[NDArray[np.uint8], int], NDArray[Any]]


def odds(logits: NDArray[np.float32], family: int) -> NDArray[np.float64]:
    """Log of the odds of a family: logits `(B, K)` → `(B,)`; the logit where there is one family only."""
    own = logits[:, family].astype(np.float64)
    if logits.shape[1] == 1:
        return own
    return np.asarray(own - logsumexp(np.delete(logits.astype(np.float64), family, axis=1), axis=1), np.float64)


def direction(logits: NDArray[np.float32], family: int) -> NDArray[np.float32]:
    """The gradient of `odds` with respect to the logits, float32 `(B, K)`."""
    others = logits.astype(np.float64)
    others[:, family] = -np.inf
    found = -softmax(others, axis=1) if logits.shape[1] > 1 else np.zeros(logits.shape)
    found[:, family] = 1
    return found.astype(np.float32)
