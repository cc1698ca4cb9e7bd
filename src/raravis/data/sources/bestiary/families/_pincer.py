"""Pincers of crabs, lobsters and scorpions."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._shapes import Points, curve, place


def pincer(size: float, gape: float, slim: float = 1.0) -> list[Points]:
    """A pincer that opens upwards: palm, fixed finger, moving finger."""
    palm = [
        (-0.1, 0.0),
        (-0.16, -0.14),
        (-0.14, -0.3),
        (-0.1, -0.5),
        (-0.02, -0.6),
        (0.0, -0.44),
        (0.02, -0.3),
        (0.12, -0.2),
        (0.12, -0.04),
        (0.04, 0.04),
    ]
    finger = [
        (0.02, -0.26),
        (0.13, -0.26),
        (0.2, -0.4),
        (0.14, -0.56),
        (0.06, -0.62),
        (0.1, -0.44),
        (0.05, -0.34),
    ]
    wide = np.array([slim, 1.0]) * size
    return [curve(np.array(palm) * wide), place(curve(np.array(finger) * wide), turn=gape)]
