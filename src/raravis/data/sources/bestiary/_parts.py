"""A picture before it is painted: a list of parts, the farthest first.

A part is a union of polygons with a colour, marks that are clipped to it, and how round, glossy and rough it is.
Plans (birds, fish, …) write parts in model units; scenery writes them in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from raravis.data.sources.bestiary._shapes import Points, ellipse, leaf, place

Shape = Points | Sequence[Points]
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Marks:
    """Patches of one colour on a part.

    Attributes:
        polygons: their outlines, clipped to the part.
        colour: `#rrggbb`.
        strength: 1 covers, 0.3 tints.
        soft: how far the edge runs out, as a fraction of the part's width.
    """

    polygons: tuple[Points, ...]
    colour: str
    strength: float = 1.0
    soft: float = 0.0


@dataclass(frozen=True)
class Part:
    """One piece of the picture.

    Attributes:
        polygons: outlines whose union is the part.
        colour: `#rrggbb`.
        under: the colour that it runs into along `axis`, or "" for none.
        axis: direction (x, y) of that run; downwards by default.
        marks: patterns, in painting order.
        bulge: 0 is a sheet, 1 is as round as it is wide.
        gloss: strength of the highlight, 0–1.
        texture: a name in `_noise.TEXTURES`, or "".
        grain: strength of the texture.
        flow: direction of the texture in radians (`fur` only).
        alpha: opacity.
        line: relative width of the ink outline in drawings; 0 for none.
        cast: how much it shades what lies behind it.
    """

    polygons: tuple[Points, ...]
    colour: str
    under: str = ""
    axis: tuple[float, float] = (0.0, 1.0)
    marks: tuple[Marks, ...] = ()
    bulge: float = 1.0
    gloss: float = 0.0
    texture: str = ""
    grain: float = 0.25
    flow: float = 0.0
    alpha: float = 1.0
    line: float = 1.0
    cast: float = 0.5


def part(
    shape: Shape,
    colour: str,
    under: str = "",
    *,
    axis: tuple[float, float] = (0.0, 1.0),
    marks: Sequence[Marks] = (),
    bulge: float = 1.0,
    gloss: float = 0.0,
    texture: str = "",
    grain: float = 0.25,
    flow: float = 0.0,
    alpha: float = 1.0,
    line: float = 1.0,
    cast: float = 0.5,
) -> Part:
    """A `Part` from one outline or several."""
    return Part(
        polygons(shape),
        colour,
        under,
        axis,
        tuple(marks),
        bulge,
        gloss,
        texture,
        grain,
        flow,
        alpha,
        line,
        cast,
    )


def marks(shape: Shape, colour: str, strength: float = 1.0, soft: float = 0.0) -> Marks:
    """`Marks` from one outline or several."""
    return Marks(polygons(shape), colour, strength, soft)


def polygons(shape: Shape) -> tuple[Points, ...]:
    """One outline or several, as a tuple."""
    return (shape,) if isinstance(shape, np.ndarray) else tuple(shape)


def moved(
    parts: Sequence[Part],
    move: Sequence[float] = (0.0, 0.0),
    turn: float = 0.0,
    scale: float | tuple[float, float] = 1.0,
) -> list[Part]:
    """The same parts elsewhere: scaled, turned (radians), moved."""

    def shift(shapes: tuple[Points, ...]) -> tuple[Points, ...]:
        return tuple(place(p, move, turn, scale) for p in shapes)

    return [
        replace(
            p,
            polygons=shift(p.polygons),
            marks=tuple(replace(m, polygons=shift(m.polygons)) for m in p.marks),
        )
        for p in parts
    ]


def eye(x: float, y: float, radius: float, iris: str = "#20160c", pupil: float = 0.6, rim: str = "") -> list[Part]:
    """An eye with iris, pupil, highlight and, if `rim` names a colour, a ring of skin around it."""
    found = [part(ellipse(x, y, radius * 1.3), rim, bulge=0.4)] if rim else []
    return [
        *found,
        part(ellipse(x, y, radius), iris, bulge=0.5, gloss=0.5, cast=0.2),
        part(ellipse(x, y, radius * pupil), "#0a0706", bulge=0, line=0, cast=0),
        part(
            ellipse(x - radius * 0.3, y - radius * 0.36, radius * 0.27, n=10),
            "#ffffff",
            bulge=0,
            line=0,
            cast=0,
        ),
    ]


def spots(
    rng: np.random.Generator,
    box: tuple[float, float, float, float],
    n: int,
    radius: float,
    rough: float = 0.25,
) -> list[Points]:
    """About `n` blobs spread evenly (jittered grid) over the box (x0, y0, x1, y1)."""
    x0, y0, x1, y1 = box
    step = np.sqrt((x1 - x0) * (y1 - y0) / max(n, 1))
    rows, columns = (max(1, int(np.ceil(side / step))) for side in (y1 - y0, x1 - x0))
    row, column = (v.ravel() for v in np.mgrid[:rows, :columns])
    jitter = rng.uniform(-0.28, 0.28, (2, rows * columns))
    x = x0 + (column + (row % 2) / 2 + jitter[0]) * step
    y = y0 + (row + jitter[1]) * step
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    wobble = sum(
        rng.uniform(-rough, rough, (len(x), 1)) * np.cos(k * angle + rng.uniform(0, 6.3, (len(x), 1))) for k in (2, 3)
    )
    reach = radius * rng.uniform(0.65, 1.25, (len(x), 1)) * (1 + wobble)
    return list(np.stack([x[:, None] + reach * np.cos(angle), y[:, None] + reach * np.sin(angle)], axis=2))


def stripes(
    rng: np.random.Generator,
    box: tuple[float, float, float, float],
    n: int,
    width: float,
    lean: float = 0.0,
    wave: float = 0.3,
) -> list[Points]:
    """`n` wavy upright stripes across the box; `lean` shifts their feet along x, `wave` is relative to the width."""
    x0, y0, x1, y1 = box
    found = []
    for x in np.linspace(x0, x1, n) + rng.uniform(-0.12, 0.12, n) * (x1 - x0) / n:
        y = np.linspace(y0, y1, 6)
        t = np.linspace(0, 1, 6)
        middle = x + lean * t + wave * width * rng.uniform(-1, 1, 6)
        half = width / 2 * rng.uniform(0.6, 1.2) * np.array([1.1, 1.0, 1.0, 0.9, 0.7, 0.25])
        found.append(np.vstack([np.column_stack([middle - half, y]), np.column_stack([middle + half, y])[::-1]]))
    return found


def feathers(
    start: tuple[float, float], tips: Sequence[tuple[float, float]], width: float, belly: float = 0.7
) -> list[Points]:
    """Lenses that fan from one point to many tips."""
    return [leaf(start, tip, width, belly) for tip in tips]


@lru_cache(maxsize=512)
def rgb(colour: str) -> Colour:
    """`#rrggbb` as three numbers 0–1."""
    return (int(colour[1:3], 16) / 255, int(colour[3:5], 16) / 255, int(colour[5:7], 16) / 255)


def blend(first: str, second: str, share: float) -> str:
    """A colour between two, `share` of the second."""
    a, b = np.array(rgb(first)), np.array(rgb(second))
    mixed = np.clip(np.rint((a + (b - a) * share) * 255), 0, 255).astype(int)
    return "#" + "".join(f"{v:02x}" for v in mixed)


def darker(colour: str, share: float = 0.3) -> str:
    """The colour with `share` of its light taken away."""
    return blend(colour, "#0c0a10", share)


def lighter(colour: str, share: float = 0.3) -> str:
    """The colour on its way to white."""
    return blend(colour, "#ffffff", share)
