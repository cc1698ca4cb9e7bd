"""Photographs that show nothing: nearly black, or nearly one colour. Whatever a network makes of them is no evidence.

A camera trap that fires at night without its flash gives such; networks can be very sure of them.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from raravis.data.decode import PAD_GREY
from raravis.data.hashing import FLAT

DARK: Final = 16.0
"""Grey levels of 255; where fewer than 1% of the pixels are lighter the photograph is nearly black."""

_LIGHT: Final = 0.01
_SIDE: Final = 24


def blank(batch: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which photographs show nothing, bool `(n,)`.

    Args:
        batch: RGB `uint8` `(n, size, size, 3)`, as `decode.squared` makes them; bars of `PAD_GREY` do not count. Some
            hundred pixels of each are looked at.
    """
    step = max(1, batch.shape[1] // _SIDE)
    red, green, blue = np.moveaxis(batch[:, ::step, ::step], 3, 0)
    grey = (red.astype(np.uint16) + green + blue).reshape(len(batch), math.prod(red.shape[1:])) / np.float32(3)
    own = grey != PAD_GREY
    count = np.maximum(own.sum(axis=1), 1)
    light = (own & (grey >= DARK)).sum(axis=1) / count
    grey *= own
    spread = np.sqrt(np.maximum(np.square(grey).sum(axis=1) / count - np.square(grey.sum(axis=1) / count), 0))
    return np.asarray((light < _LIGHT) | (spread < FLAT), np.bool_)
