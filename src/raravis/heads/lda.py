"""Linear discriminant analysis with a shrunken covariance."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from raravis.heads import _head
from raravis.heads._head import Linear, means, shares, spread

GRID: Final = tuple({"shrinkage": shrinkage} for shrinkage in (0.5, 0.2, 0.05))


class Options(_head.Options):
    """Options of `lda`.

    Attributes:
        shrinkage: share of the covariance that is replaced by a multiple of the identity with the same trace.
    """

    name: Literal["lda"] = "lda"
    balance: Literal["none", "logit_adjustment"] = "logit_adjustment"
    shrinkage: float = Field(default=0.2, gt=0, le=1)


def fit(
    options: Options, features: NDArray[np.float32], classes: NDArray[np.int64], *, count: int, seed: int
) -> Linear:
    """Fit class means and one covariance, in closed form; see `heads` for the contract. `seed` changes nothing."""
    from scipy.linalg import cho_solve  # slow to import

    centres = means(features, classes, count)
    factor = spread(features, classes, centres, options.shrinkage)
    weights = cho_solve((factor, True), centres.T).astype(np.float32)
    bias = -(centres.T * weights).sum(0) / 2
    if options.balance == "none":
        bias = bias + np.log(shares(classes, count))
    return Linear(weights, bias.astype(np.float32))
