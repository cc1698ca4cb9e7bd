"""Logits and probabilities, one made of the other, in NumPy alone.

Whoever identifies would need these few functions of SciPy and nothing else of its 140 MB. All work along the last axis,
keep float32 or float64, and do not overflow.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]


def softmax(logits: Floats) -> Floats:
    """Logits `(…, K)` → probabilities `(…, K)`, 0–1, that sum to 1."""
    found = np.exp(_below(logits))
    return np.asarray(found / found.sum(axis=-1, keepdims=True))


def log_softmax(logits: Floats) -> Floats:
    """Logits `(…, K)` → logarithms of probabilities `(…, K)`, at most 0; −∞ where a logit is −∞."""
    below = _below(logits)
    return np.asarray(below - np.log(np.exp(below).sum(axis=-1, keepdims=True)))


def logsumexp(logits: Floats) -> Floats:
    """The logarithm of the sum of exponentials: `(…, K)` → `(…,)`."""
    return np.asarray(logits.max(axis=-1) + np.log(np.exp(_below(logits)).sum(axis=-1)))


def sigmoid(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds of any shape → probabilities, 0–1."""
    return np.asarray(np.exp(-np.logaddexp(0, -odds)))


def log_odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities between 0 and 1, of any shape → log-odds; the inverse of `sigmoid`."""
    return np.asarray(np.log(probability) - np.log1p(-probability))


def _below(logits: Floats) -> Floats:
    """How far each logit is below the highest of its row, at most 0."""
    return np.asarray(logits - logits.max(axis=-1, keepdims=True))
