"""Class balance: how much an image of each family counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def class_weights(classes: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """Weights inverse to family size, 1 on average over the images (scikit-learn's `balanced`).

    Args:
        classes: int64 `(n,)`, the class of each training image.
        count: number of classes; one without images gets weight 0.

    Returns:
        float32 `(count,)`.
    """
    sizes = np.bincount(classes, minlength=count)
    present = sizes > 0
    weights = np.zeros(count, np.float32)
    weights[present] = len(classes) / (present.sum() * sizes[present])
    return weights


def log_shares(classes: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """The log of each class's share of the images, float32 `(count,)`; one without images counts as if it had one.

    Args:
        classes: int64 `(n,)`, the class of each training image.
        count: number of classes.
    """
    sizes = np.maximum(np.bincount(classes, minlength=count), 1)
    shares: NDArray[np.float32] = np.log(sizes / sizes.sum()).astype(np.float32)
    return shares
