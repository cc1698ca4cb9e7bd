"""Occlusion: a grey patch slides over the photograph; places count by what the score loses when they are covered.

Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2014. It asks the network itself, as often as
there are places for the patch, and needs no look inside.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis.explaining.attribution._score import Attribution, odds

GREY: Final = 128
PATCH: Final = 0.25
"""Side of the patch, as a share of the photograph's; it moves by half of itself."""
_BATCH: Final = 16


def prepare(network: Any) -> Attribution:
    """See the package for the contract."""

    def call(pixels: NDArray[np.uint8], family: int) -> NDArray[Any]:
        size = len(pixels)
        side = max(round(PATCH * size), 1)
        starts = np.unique(np.linspace(0, size - side, 2 * round(size / side) - 1).round().astype(int))
        corners = [(top, left) for top in starts for left in starts]
        whole = odds(np.asarray(network.predict_on_batch(pixels[None]), np.float32), family)[0]
        lost, times = np.zeros((size, size)), np.zeros((size, size))
        for begin in range(0, len(corners), _BATCH):
            some = corners[begin : begin + _BATCH]
            shown = np.repeat(pixels[None], _BATCH, axis=0)  # always as many, so that one graph serves all
            for image, (top, left) in zip(shown, some, strict=False):
                image[top : top + side, left : left + side] = GREY
            left_over = odds(np.asarray(network.predict_on_batch(shown), np.float32), family)
            for (top, left), score in zip(some, left_over, strict=False):
                lost[top : top + side, left : left + side] += whole - score
                times[top : top + side, left : left + side] += 1
        return lost / times

    return call
