"""Where a map lies in the photograph: views and coarse maps enter, one map with a value for every pixel leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Box:
    """A part of the photograph, as shares of its width and height; mirrored where `right` is less than `left`."""

    left: float = 0.0
    right: float = 1.0
    top: float = 0.0
    bottom: float = 1.0

    @property
    def area(self) -> float:
        """Share of the photograph that it takes."""
        return abs((self.right - self.left) * (self.bottom - self.top))


def boxes(frames: Any, size: int) -> list[Box]:
    """Which part of the photograph each of the `frames` of a cut is, found by showing them ramps.

    A frame that is no scaled part of the photograph counts as all of it.

    Args:
        frames: a Keras model, images `(B, size, size, 3)` → a list of `(B, H, W, C)`.
        size: side of the images.
    """
    ramp = np.broadcast_to((np.arange(size, dtype=np.float32) + 0.5) / size * 255, (size, size))
    shown = np.stack([np.zeros_like(ramp), np.full_like(ramp, 255), ramp, ramp.T])
    found = frames.predict_on_batch(np.repeat(shown[..., None], 3, axis=-1))
    return [_box(np.asarray(one, np.float64)) for one in (found if isinstance(found, list | tuple) else [found])]


def laid(values: NDArray[np.float32], box: Box, size: int) -> Floats:
    """A map laid over its part of the photograph, smoothly, 0 beside it: float64 `(size, size)`.

    Its sum is, but for rounding at the rim, that of `values` × `size`², whatever the map's own size: maps of several
    sizes can be added.

    Args:
        values: float32 `(h, w)`.
        box: the part that they are about.
        size: side of the photograph in pixels.
    """
    rows, columns = axes((values.shape[0], values.shape[1]), box, size)
    return np.asarray(rows @ values.astype(np.float64) @ columns.T * (values.size / box.area), np.float64)


def axes(shape: tuple[int, int], box: Box, size: int) -> tuple[Floats, Floats]:
    """How the rows and the columns of a map of this shape are spread over a side: float64 `(size, h)`, `(size, w)`."""
    return _axis(shape[0], box.top, box.bottom, size), _axis(shape[1], box.left, box.right, size)


def _axis(count: int, low: float, high: float, size: int) -> Floats:
    """Weights `(size, count)` that spread `count` cells between `low` and `high` over `size` pixels.

    Each cell is a quadratic B-spline, which has no corners as a linear one has; what falls beyond the rim counts for
    the last one.
    """
    within = ((np.arange(size) + 0.5) / size - low) / (high - low)
    place = np.clip(within * count - 0.5, -0.5, count - 0.5)
    middle = np.clip(np.rint(place), 0, count - 1).astype(np.int64)
    off = place - middle
    weights = np.zeros((size, count))
    for step, weight in ((-1, (0.5 - off) ** 2 / 2), (0, 0.75 - off**2), (1, (0.5 + off) ** 2 / 2)):
        weights[np.arange(size), np.clip(middle + step, 0, count - 1)] += weight
    weights[(within < 0) | (within > 1)] = 0
    return weights


def _box(shown: Floats) -> Box:
    black, white, across, down = shown.mean(axis=-1)
    if not np.isfinite(shown).all() or np.abs(white - black).min() < 1e-6:
        return Box()
    left, right = _ends(((across - black) / (white - black)).mean(axis=0))
    top, bottom = _ends(((down - black) / (white - black)).mean(axis=1))
    box = Box(left, right, top, bottom)
    return box if box.area > 1e-3 else Box()


def _ends(positions: Floats) -> tuple[float, float]:
    """Where a line through evenly spaced positions begins and ends, half a step before and behind them."""
    centres = (np.arange(len(positions)) + 0.5) / len(positions)
    slope, begin = np.polyfit(centres, positions, 1) if len(positions) > 1 else (1.0, 0.0)
    return float(begin), float(begin + slope)
