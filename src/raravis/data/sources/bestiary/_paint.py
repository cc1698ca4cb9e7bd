"""Parts in, layers out: every part is rasterised with smooth edges, inflated to a relief, and laid over the last.

The layers are kept apart (colour, relief, gloss, ink), so that one animal can become a photograph, a drawing or a
fossil afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from raravis.data.sources.bestiary._noise import texture
from raravis.data.sources.bestiary._parts import Part, rgb
from raravis.data.sources.bestiary._shapes import Points

Plane = NDArray[np.float32]
FINE = 2  # sub-pixels a pixel, each way
_RED, _NX, _NY, _GLOSS, _OPEN, _COVER, _INK, _PLANES = 0, 3, 4, 5, 6, 7, 8, 9


@dataclass(frozen=True)
class Layers:
    """What is known at each pixel; float32.

    Attributes:
        colour: (H, W, 3), 0–1, unlit.
        slope: (H, W, 2), x and y of the surface normal, within the unit disc.
        gloss: (H, W), 0–1.
        open: (H, W), 1 where light falls freely, less in the shade of other parts.
        cover: (H, W), opacity 0–1.
        ink: (H, W), outlines 0–1 (zero unless asked for).
    """

    colour: Plane
    slope: Plane
    gloss: Plane
    open: Plane
    cover: Plane
    ink: Plane


def paint(
    parts: Sequence[Part],
    size: tuple[int, int],
    rng: np.random.Generator,
    *,
    matrix: NDArray[np.float64] | None = None,
    tint: Sequence[float] = (1.0, 1.0, 1.0),
    ink: float = 0.0,
) -> Layers:
    """Paint parts, the first lowest.

    Args:
        parts: what to paint.
        size: (width, height) in pixels.
        rng: textures are cut with it.
        matrix: (2, 3) from the parts' units to pixels; None where they are in pixels.
        tint: gain of red, green and blue.
        ink: width of outlines in pixels; 0 for none.
    """
    width, height = size
    planes = np.zeros((height, width, _PLANES if ink > 0 else _INK), np.float32)
    planes[..., _OPEN] = 1
    to_pixels = np.array([[1.0, 0, 0], [0, 1, 0]]) if matrix is None else matrix
    gain = np.asarray(tint, np.float32)
    for item in parts:
        _lay(planes, item, to_pixels, gain, ink, rng)
    # edges were mixed with the empty sheet: undo that
    whole = np.asarray(1 / np.maximum(planes[..., _COVER : _COVER + 1], 1e-3), np.float32)
    return Layers(
        np.clip(planes[..., :3] * whole, 0, 1),
        planes[..., _NX : _NY + 1] * whole,
        planes[..., _GLOSS] * whole[..., 0],
        planes[..., _OPEN],
        planes[..., _COVER],
        planes[..., _INK] if ink > 0 else np.zeros((height, width), np.float32),
    )


def _lay(
    planes: Plane, item: Part, matrix: NDArray[np.float64], gain: Plane, ink: float, rng: np.random.Generator
) -> None:
    height, width = planes.shape[:2]
    every, starts = _join(item.polygons, matrix)
    pad = 6
    low = np.maximum(np.floor(every.min(0)).astype(int) - pad, 0)
    high = np.minimum(np.ceil(every.max(0)).astype(int) + pad, (width, height))
    if (high - low < 2).any():
        return
    alpha = _mask(every, starts, low, high)
    area = float(alpha.sum())
    if area < 0.5:
        return
    across = 2 * area / max(_length(every, starts), 1.0)
    window = planes[low[1] : high[1], low[0] : high[0]]
    if item.cast > 0:
        shade = _smooth(alpha, max(2.0, min(across, 9.0)))
        window[..., _OPEN] *= 1 - item.cast * 0.75 * np.clip(shade - alpha * 0.2, 0, 1)
    fresh = np.zeros(window.shape, np.float32)
    fresh[..., :3] = _colours(item, matrix, low, alpha, across, every, gain, rng)
    if item.bulge > 0:
        fresh[..., _NX], fresh[..., _NY] = _relief(alpha, across, item.bulge)
    fresh[..., _GLOSS] = item.gloss
    fresh[..., _OPEN] = 1
    fresh[..., _COVER] = 1
    weight = alpha * item.alpha
    fresh -= window
    fresh *= weight[..., None]
    window += fresh
    if ink > 0 and item.line > 0:
        lines = _mask(every, starts, low, high, ink * item.line)
        window[..., _INK] = np.maximum(window[..., _INK], lines * min(1.0, item.alpha + 0.3))


def _colours(
    item: Part,
    matrix: NDArray[np.float64],
    low: NDArray[np.int_],
    alpha: Plane,
    across: float,
    every: Points,
    gain: Plane,
    rng: np.random.Generator,
) -> Plane:
    high = low + np.array(alpha.shape[::-1])
    colour = np.empty((*alpha.shape, 3), np.float32)
    colour[:] = rgb(item.colour)
    if item.under:
        axis = matrix[:, :2] @ np.asarray(item.axis)
        reach = every @ axis
        start, stop = float(reach.min()), float(reach.max())
        run = (
            axis[0] * np.arange(low[0], high[0], dtype=np.float32)[None, :]
            + axis[1] * np.arange(low[1], high[1], dtype=np.float32)[:, None]
        )
        t = np.clip((run - start) / max(stop - start, 1e-6), 0, 1)
        t = (t * t * (3 - 2 * t)).astype(np.float32)[..., None]
        colour += t * (np.asarray(rgb(item.under), np.float32) - colour)
    for mark in item.marks:
        if not mark.polygons:
            continue
        corners, starts = _join(mark.polygons, matrix)
        run_out = max(1.0, mark.soft * across) if mark.soft > 0 else 0.0
        pad = 1 + 2 * int(run_out)
        first = np.maximum(np.floor(corners.min(0)).astype(int) - pad, low)
        last = np.minimum(np.ceil(corners.max(0)).astype(int) + pad, high)
        if (last - first < 1).any():
            continue
        there = _mask(corners, starts, first, last)
        if run_out:
            there = _smooth(there, run_out)
        patch = colour[first[1] - low[1] : last[1] - low[1], first[0] - low[0] : last[0] - low[0]]
        patch += (there * mark.strength)[..., None] * (np.asarray(rgb(mark.colour), np.float32) - patch)
    if item.texture:
        flow = float(np.arctan2(*(matrix[:, :2] @ [np.cos(item.flow), np.sin(item.flow)])[::-1]))
        colour *= 1 + item.grain * texture(item.texture, alpha.shape, rng, flow)[..., None]
    colour *= gain
    return colour


def _relief(alpha: Plane, across: float, bulge: float) -> tuple[Plane, Plane]:
    """Slopes of the mask blown up like a cushion: two widths, so that limbs and trunk are both round."""
    swell = 0.62 if across > 5 else 1.1
    total_x = np.zeros_like(alpha)
    total_y = np.zeros_like(alpha)
    for width in (across, across * 0.4) if across > 5 else (across,):
        reach = float(np.clip(width, 1.0, 60.0))
        swollen = _smooth(_smooth(alpha, reach * 0.8), reach * 0.5)
        total_y[1:-1] -= (swollen[2:] - swollen[:-2]) * (reach * swell)
        total_x[:, 1:-1] -= (swollen[:, 2:] - swollen[:, :-2]) * (reach * swell)
    length = np.sqrt(total_x**2 + total_y**2)
    limit = bulge * 0.95 / np.maximum(length, 0.95)
    return total_x * limit, total_y * limit


def _smooth(plane: Plane, radius: float) -> Plane:
    size = max(1, round(radius)) * 2 + 1
    once = ndimage.uniform_filter1d(plane, size, axis=0, mode="constant")
    blurred: Plane = ndimage.uniform_filter1d(once, size, axis=1, mode="constant")
    return blurred


def _join(polygons: Sequence[Points], matrix: NDArray[np.float64]) -> tuple[Points, NDArray[np.int_]]:
    """All corners in pixels, one below the other, and the row where each polygon starts."""
    starts = np.cumsum([0, *(len(p) for p in polygons[:-1])])
    return np.concatenate(polygons) @ matrix[:, :2].T + matrix[:, 2], starts


def _mask(
    every: Points,
    starts: NDArray[np.int_],
    low: NDArray[np.int_],
    high: NDArray[np.int_],
    stroke: float = 0.0,
) -> Plane:
    """Coverage 0–1 of the window by the filled polygons, or by strokes along them `stroke` pixels wide."""
    wide, tall = (high - low) * FINE
    sheet = Image.new("L", (int(wide), int(tall)), 0)
    pen = ImageDraw.Draw(sheet)
    above = np.maximum.reduceat(every, starts) > low
    seen = np.all(above & (np.minimum.reduceat(every, starts) < high), axis=1).tolist()
    corners = ((every - low) * FINE).ravel().tolist()
    stops = [*starts[1:].tolist(), len(every)]
    for start, stop, there in zip(starts.tolist(), stops, seen, strict=True):
        if not there or stop - start < 3:
            continue
        points = corners[2 * start : 2 * stop]
        if stroke > 0:
            pen.line([*points, *points[:2]], fill=255, width=max(1, round(stroke * FINE)), joint="curve")
        else:
            pen.polygon(points, fill=255)
    return np.asarray(sheet.reduce(FINE), np.float32) * np.float32(1 / 255)


def _length(every: Points, starts: NDArray[np.int_]) -> float:
    steps = np.hypot(*np.diff(every, axis=0).T)
    steps[starts[1:] - 1] = 0
    return float(steps.sum())
