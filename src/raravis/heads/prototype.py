"""Nearest class mean by cosine similarity."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveFloat

from raravis.heads import _head
from raravis.heads._head import Linear, means

GRID: Final[tuple[dict[str, Any], ...]] = ({},)


class Options(_head.Options):
    """Options of `prototype`.

    Attributes:
        scale: of the similarities, as logits.
    """

    name: Literal["prototype"] = "prototype"
    balance: Literal["none"] = "none"
    scale: PositiveFloat = 20.0


def fit(
    options: Options, features: NDArray[np.float32], classes: NDArray[np.int64], *, count: int, seed: int
) -> Linear:
    """Mean of each class less the mean of all, of length 1; see `heads` for the contract. `seed` changes nothing.

    Snell et al., "Prototypical Networks for Few-shot Learning", 2017, on features as they are.
    """
    centres = means(features, classes, count)
    middle = centres.mean(0)
    centres = centres - middle
    centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
    weights = (options.scale * centres.T).astype(np.float32)
    return Linear(weights, -(middle @ weights))
