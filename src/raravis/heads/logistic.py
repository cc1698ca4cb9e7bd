"""Multinomial logistic regression with an L2 penalty, on whitened features."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, PositiveInt

from raravis import blas
from raravis.heads import _head
from raravis.heads._head import Linear, means, shares, spread

GRID: Final = tuple({"strength": strength, "balance": "balanced_softmax"} for strength in (10.0, 100.0))


class Options(_head.Options):
    """Options of `logistic`.

    Attributes:
        strength: inverse of the penalty (scikit-learn's `C`), for features of mean square length 1.
        shrinkage: of the covariance that features are whitened by; 1 leaves them as they are but for their scale.
        steps: of L-BFGS, at most.
    """

    name: Literal["logistic"] = "logistic"
    balance: Literal["none", "class_weights", "balanced_softmax", "logit_adjustment"] = "none"
    strength: PositiveFloat = 10.0
    shrinkage: float = Field(default=0.3, gt=0, le=1)
    steps: PositiveInt = 40


def fit(
    options: Options, features: NDArray[np.float32], classes: NDArray[np.int64], *, count: int, seed: int
) -> Linear:
    """Minimise the penalised cross-entropy by L-BFGS from zero; see `heads` for the contract. `seed` changes nothing.

    Whitening makes the problem round, so that few steps reach the minimum, and lets the penalty hold back the
    directions in which photographs of one family differ.
    """
    from scipy.linalg import solve_triangular  # slow to import

    centres = means(features, classes, count)
    middle = centres.mean(0)
    factor = spread(features, classes, centres, options.shrinkage)
    white = solve_triangular(factor, (features - middle).T, lower=True).T
    length = np.sqrt((white**2).sum(1).mean()) or 1.0  # features that are all alike have none, and tell nothing
    scale = np.float32(1 / length)
    weights, bias = _minimised(options, np.ascontiguousarray(white * scale, np.float32), classes, count)
    weights = solve_triangular(factor, weights * scale, lower=True, trans="T").astype(np.float32)
    return Linear(weights, (bias - middle @ weights).astype(np.float32))


def _minimised(
    options: Options, features: NDArray[np.float32], classes: NDArray[np.int64], count: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights `(D, K)` and bias `(K,)` of the least penalised loss."""
    from scipy.optimize import minimize  # slow to import

    rows, width = features.shape
    log_shares = np.log(shares(classes, count))
    offset = log_shares if options.balance == "balanced_softmax" else np.zeros(count, np.float32)
    weight = np.full(rows, 1 / rows, np.float32)
    if options.balance == "class_weights":
        weight = (1 / (count * np.bincount(classes, minlength=count)))[classes].astype(np.float32)
    penalty = 1 / (options.strength * rows)
    true = np.arange(rows), classes

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        solution = flat.astype(np.float32).reshape(width + 1, count)
        logits = features @ solution[:-1]
        logits += solution[-1] + offset
        logits -= logits.max(1, keepdims=True)
        picked = logits[true]
        np.exp(logits, out=logits)
        total = logits.sum(1)
        value = float(weight @ (np.log(total) - picked)) + penalty / 2 * float((solution[:-1] ** 2).sum())
        logits /= total[:, None]
        logits[true] -= 1
        logits *= weight[:, None]
        gradient = np.concatenate([features.T @ logits + penalty * solution[:-1], logits.sum(0, keepdims=True)])
        return value, gradient.ravel().astype(np.float64)

    start = np.zeros((width + 1) * count)
    with blas.scipys_on_one_thread():  # with both at work, a fit takes twice as long
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": options.steps})
    solution = found.x.astype(np.float32).reshape(width + 1, count)
    return solution[:-1], solution[-1] - log_shares if options.balance == "logit_adjustment" else solution[-1]
