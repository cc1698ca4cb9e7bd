"""What the class activation maps share: the last maps and their gradients enter, one map over the photograph leaves.

The network is run once, up to its last maps and on to its logits; the gradient goes only through what comes after the
maps. Where there are several last maps (backbones, views), each is laid over the part of the photograph that it is
about, and all are added: every one is in units of the score, so that a backbone counts by what it adds to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raravis.explaining import places
from raravis.explaining.attribution._score import Attribution, direction
from raravis.explaining.cut import cut
from raravis.explaining.gradients import gradient

Floats = NDArray[np.float32]


def prepare(network: Any, weigh: Callable[[Floats, Floats], Floats]) -> Attribution:
    """Make a method ready.

    Args:
        network: images → logits.
        weigh: maps `(h, w, C)` and the gradients of the score with respect to them → one map `(h, w)`.

    Raises:
        UsageError: the network has no last maps.
    """
    parts = cut(network)
    size = int(network.input.shape[1])
    boxes = places.boxes(parts.frames, size)
    slope = gradient(parts.back)

    def call(pixels: NDArray[np.uint8], family: int) -> NDArray[Any]:
        *maps, logits = (np.asarray(one, np.float32) for one in parts.front.predict_on_batch(pixels[None]))
        slopes = slope(maps, direction(logits, family))
        total = np.zeros((size, size))
        for one, along, box in zip(maps, slopes, boxes, strict=True):
            total += places.laid(weigh(one[0], along[0]), box, size)
        return total

    return call
