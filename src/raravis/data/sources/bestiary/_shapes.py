"""Smooth outlines: points in, polygons out.

All points are `(N, 2)` float64 arrays in model units: x to the right, y downwards, an animal about 2 units long
around the origin, looking right. Nothing here knows of pixels or colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]


def curve(points: ArrayLike, *, closed: bool = True, steps: int = 7) -> Points:
    """A Catmull-Rom spline through `points` ((K, D) → (about K·steps, D)); closed curves do not repeat the start."""
    p = np.asarray(points, dtype=np.float64)
    if closed:
        a, b, c, d = np.roll(p, 1, 0), p, np.roll(p, -1, 0), np.roll(p, -2, 0)
    else:
        ends = np.vstack([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
        a, b, c, d = ends[:-3], ends[1:-2], ends[2:-1], ends[3:]
    corners = np.stack([a, b, c, d])
    flat: Points = np.tensordot(_basis(steps), corners, axes=1).transpose(1, 0, 2).reshape(-1, p.shape[1])
    return flat if closed else np.vstack([flat, p[-1:]])


@lru_cache(maxsize=16)
def _basis(steps: int) -> Points:
    """Weights (steps, 4) of the four neighbours along one stretch of a Catmull-Rom spline."""
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    rows = [[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]]
    weights: Points = 0.5 * np.hstack([np.ones_like(t), t, t**2, t**3]) @ np.array(rows)
    return weights


@lru_cache(maxsize=32)
def _circle(n: int) -> Points:
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.column_stack([np.cos(angle), np.sin(angle)])


_CAP = np.column_stack([np.cos(np.linspace(0, np.pi, 7)[1:-1]), np.sin(np.linspace(0, np.pi, 7)[1:-1])])
_LENS = np.linspace(0, 1, 9)[1:-1, None]


def ellipse(x: float, y: float, rx: float, ry: float | None = None, turn: float = 0.0, n: int = 30) -> Points:
    """An ellipse around (x, y), turned by `turn` radians (clockwise on the picture)."""
    ring = _circle(n) * (rx, rx if ry is None else ry)
    return place(ring, (x, y), turn) if turn else np.add(ring, (x, y))


def round_at(centre: ArrayLike, rx: float, ry: float | None = None, turn: float = 0.0, n: int = 30) -> Points:
    """`ellipse` around a point that is an array or pair."""
    x, y = np.asarray(centre, dtype=np.float64)
    return ellipse(float(x), float(y), rx, ry, turn, n)


def tube(path: ArrayLike, widths: ArrayLike, steps: int = 6) -> Points:
    """A limb: the smooth line through `path` (K, 2), `widths` (K,) wide (or evenly spread), with round ends."""
    nodes = np.asarray(path, dtype=np.float64)
    width = np.asarray(widths, dtype=np.float64)
    if len(width) != len(nodes):
        width = np.interp(np.linspace(0, 1, len(nodes)), np.linspace(0, 1, len(width)), width)
    line = curve(np.column_stack([nodes, width]), closed=False, steps=steps)
    centre, half = line[:, :2], np.maximum(line[:, 2:], 0) / 2
    ahead = np.empty_like(centre)
    ahead[1:-1] = centre[2:] - centre[:-2]
    ahead[0], ahead[-1] = centre[1] - centre[0], centre[-1] - centre[-2]
    ahead /= np.maximum(np.sqrt((ahead * ahead).sum(1, keepdims=True)), 1e-9)
    side = np.column_stack([-ahead[:, 1], ahead[:, 0]])
    head = centre[-1] + half[-1] * (_CAP @ np.stack([side[-1], ahead[-1]]))
    tail = centre[0] - half[0] * (_CAP @ np.stack([side[0], ahead[0]]))
    return np.vstack([centre + half * side, head, (centre - half * side)[::-1], tail])


def along(path: ArrayLike, at: ArrayLike) -> tuple[Points, Points]:
    """Positions and unit directions at the fractions `at` (0–1) of a smooth open line through `path`."""
    line = curve(path, closed=False, steps=12)
    run = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    wanted = np.asarray(at, dtype=np.float64) * run[-1]
    spots = np.column_stack([np.interp(wanted, run, line[:, k]) for k in (0, 1)])
    slope = np.gradient(line, axis=0)
    direction = np.column_stack([np.interp(wanted, run, slope[:, k]) for k in (0, 1)])
    return spots, direction / np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)


def place(
    points: ArrayLike,
    move: ArrayLike = (0.0, 0.0),
    turn: float = 0.0,
    scale: float | tuple[float, float] = 1.0,
) -> Points:
    """Scale, then turn (radians, clockwise on the picture), then move."""
    p = np.asarray(points, dtype=np.float64) * np.asarray(scale)
    cos, sin = np.cos(turn), np.sin(turn)
    moved: Points = p @ np.array([[cos, sin], [-sin, cos]]) + np.asarray(move)
    return moved


def mirror(points: ArrayLike, about: float = 0.0) -> Points:
    """Reflect left–right about the vertical line x = `about`."""
    p = np.array(points, dtype=np.float64)
    p[:, 0] = 2 * about - p[:, 0]
    return p


def leaf(start: Sequence[float], tip: Sequence[float], width: float, belly: float = 0.45) -> Points:
    """A pointed lens from `start` to `tip`, widest (`width`) at the fraction `belly`."""
    a, b = np.asarray(start, dtype=np.float64), np.asarray(tip, dtype=np.float64)
    side = np.array([a[1] - b[1], b[0] - a[0]])
    side = side / max(float(np.hypot(*side)), 1e-9) * width / 2
    bulge = np.sin(np.pi * _LENS ** (np.log(0.5) / np.log(belly)))
    spine = a + (b - a) * _LENS
    return np.vstack([a[None], spine + side * bulge, b[None], (spine - side * bulge)[::-1]])


def blob(rng: np.random.Generator, x: float, y: float, radius: float, rough: float = 0.2, n: int = 8) -> Points:
    """A closed curve that wobbles around a circle by the fraction `rough`."""
    angle = np.arange(n) * 2 * np.pi / n + rng.uniform(0, 6.3)
    reach = radius * (1 + rough * rng.uniform(-1, 1, n))
    return curve(np.column_stack([x + reach * np.cos(angle), y + reach * np.sin(angle)]), steps=3)


def star(x: float, y: float, outer: float, inner: float, arms: int, turn: float = 0.0) -> Points:
    """A pointed star polygon."""
    angle = turn + np.arange(2 * arms) * np.pi / arms
    reach = np.where(np.arange(2 * arms) % 2 == 0, outer, inner)
    return np.column_stack([x + reach * np.cos(angle), y + reach * np.sin(angle)])


def wedge(radius: float, start: float, stop: float, inner: float = 0.0, n: int = 10) -> Points:
    """A sector of a ring around the origin between two angles (radians)."""
    angle = np.linspace(start, stop, n)
    arc = np.column_stack([np.cos(angle), np.sin(angle)])
    return np.vstack([radius * arc, inner * arc[::-1]])
