"""Things that stand behind the animal: makers of parts in pixels.

Each takes (rng, width, height, horizon) and gives parts, or is a function that returns such a maker.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from raravis.data.sources.bestiary._parts import Part, blend, darker, part
from raravis.data.sources.bestiary._shapes import blob, curve, ellipse, leaf, round_at, tube

Rng = np.random.Generator
Props = Callable[[Rng, float, float, float], list[Part]]


def hills(*colours: str) -> Props:
    """Ranges of hills along the horizon, the farthest first."""

    def draw(rng: Rng, w: float, h: float, y: float) -> list[Part]:
        found = []
        for k, colour in enumerate(colours):
            base = y - h * 0.1 * (len(colours) - 1 - k)
            tops = [(x, base - h * rng.uniform(0.0, 0.14)) for x in np.linspace(-20, w + 20, 6)]
            found.append(part(np.vstack([curve(tops, closed=False), [(w + 20, y + 4), (-20, y + 4)]]), colour, bulge=0))
        return found

    return draw


def trees(kind: str, colour: str, n: int) -> Props:
    """`n` trees: `fir`, `trunk` (a wood from within) or `acacia`."""

    def draw(rng: Rng, w: float, h: float, y: float) -> list[Part]:
        found: list[Part] = []
        for x in rng.uniform(0, w, n):
            size = h * rng.uniform(0.2, 0.42)
            foot = min(y, h * 0.8) + rng.uniform(0, h * 0.06)
            shade = blend(colour, "#1c2a20", rng.uniform(0, 0.4))
            if kind == "fir":
                tiers = [
                    np.array(
                        [
                            (x - size * 0.26 * (1 - k / 4), foot - size * k / 4.5),
                            (x, foot - size * (k + 1.9) / 4.5),
                            (x + size * 0.26 * (1 - k / 4), foot - size * k / 4.5),
                        ]
                    )
                    for k in range(4)
                ]
                found.append(part(tiers, shade, bulge=0.4))
            elif kind == "trunk":
                wide = w * rng.uniform(0.02, 0.08)
                found.append(
                    part(
                        tube(
                            [(x, h * 1.1), (x + wide * rng.uniform(-1, 1), h * 0.5), (x, -h * 0.1)],
                            (wide * 1.3, wide, wide),
                        ),
                        shade,
                        texture="rough",
                    )
                )
            else:
                found.append(part(tube([(x, foot), (x + 3, foot - size * 0.6)], (size * 0.07, size * 0.05)), "#4a3a28"))
                found.append(
                    part(
                        [
                            ellipse(x + dx * size, foot - size * (0.62 + dy), size * 0.36, size * 0.11)
                            for dx, dy in rng.uniform((-0.25, 0), (0.25, 0.14), (4, 2))
                        ],
                        shade,
                        texture="rough",
                    )
                )
        return found

    return draw


def tufts(colours: tuple[str, ...], n: int, size: float = 0.16) -> Props:
    """Clumps of grass on the ground, larger when nearer."""

    def draw(rng: Rng, w: float, h: float, y: float) -> list[Part]:
        blades: list[list[np.ndarray]] = [[] for _ in colours]
        for x, f in zip(rng.uniform(0, w, n), np.sort(rng.uniform(0, 1, n)), strict=True):
            foot = y + (h - y) * f + 3
            reach = h * size * rng.uniform(0.5, 1.1) * (0.4 + f)
            clump = blades[int(rng.integers(len(colours)))]
            for lean in rng.uniform(-0.6, 0.6, 4):
                long = reach * (1.1 - abs(lean) * 0.6)
                clump.append(
                    tube(
                        [
                            (x + lean * 2, foot),
                            (x + lean * long * 0.3, foot - long * 0.6),
                            (x + lean * long, foot - long),
                        ],
                        (0.9 + f, 0.8 + 0.8 * f, 0.3),
                        steps=3,
                    )
                )
        return [part(b, c, bulge=0.3, cast=0.2) for b, c in zip(blades, colours, strict=True) if b]

    return draw


def bokeh(colours: tuple[str, ...], n: int, size: float = 0.12) -> Props:
    """Soft discs of light or leaves out of focus."""

    def draw(rng: Rng, w: float, h: float, y: float) -> list[Part]:
        share = max(1, n // len(colours))
        spots = rng.uniform((0, 0, 0.3), (w, min(y * 1.1, h), 1), (len(colours), share, 3))
        return [
            part(
                [ellipse(x, z, h * size * r) for x, z, r in some],
                c,
                bulge=0.15,
                alpha=rng.uniform(0.2, 0.5),
                cast=0,
            )
            for some, c in zip(spots, colours, strict=True)
        ]

    return draw


def leaves(colours: tuple[str, ...], n: int, size: float = 0.3, rough: float = 0.5) -> Props:
    """Single leaves, lying or hanging."""

    def draw(rng: Rng, w: float, h: float, y: float) -> list[Part]:
        found = []
        for _ in range(n):
            x, z, a = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(0, 6.3)
            reach = h * size * rng.uniform(0.5, 1)
            tip = (x + reach * np.cos(a), z + reach * np.sin(a))
            colour = str(rng.choice(colours))
            found.append(
                part(
                    leaf((x, z), tip, reach * rng.uniform(0.3, rough)),
                    colour,
                    darker(colour, 0.2),
                    bulge=0.5,
                    cast=0.6,
                )
            )
        return found

    return draw


def stones(colours: tuple[str, ...], n: int, size: float) -> Props:
    """Stones on the ground, or anywhere where there is no horizon."""

    def draw(rng: Rng, w: float, h: float, y: float) -> list[Part]:
        start = y if y < h else 0.0
        return [
            part(
                blob(rng, rng.uniform(0, w), z, h * size * rng.uniform(0.3, 1), 0.25),
                str(rng.choice(colours)),
                texture="rough",
                cast=0.6,
            )
            for z in np.sort(rng.uniform(start, h, n))
        ]

    return draw


def corals(colours: tuple[str, ...], n: int) -> Props:
    """Corals along the lower edge."""

    def draw(rng: Rng, w: float, h: float, y: float) -> list[Part]:
        found: list[Part] = []
        for _ in range(n):
            x, size, colour = rng.uniform(0, w), h * rng.uniform(0.12, 0.32), str(rng.choice(colours))
            if rng.random() < 0.5:
                found.append(
                    part(
                        [blob(rng, x + size * k * 0.5, h - size * 0.2, size * 0.5, 0.2) for k in (-1, 0, 1)],
                        colour,
                        texture="cells",
                        grain=0.4,
                    )
                )
            else:
                found.append(
                    part(
                        [
                            tube(
                                [
                                    (x, h + 5),
                                    (x + d * size * 0.4, h - size * 0.6),
                                    (x + d * size * 0.7, h - size * 1.4),
                                ],
                                (size * 0.22, size * 0.18, size * 0.12),
                            )
                            for d in np.linspace(-1, 1, 4)
                        ],
                        colour,
                        texture="rough",
                    )
                )
        return found

    return draw


def rays(rng: Rng, w: float, h: float, y: float) -> list[Part]:
    """Shafts of light through water."""
    lean = rng.uniform(-0.5, 0.5)
    return [
        part(
            np.array([(x, -5), (x + s, -5), (x + s * 2.2 + lean * h, h), (x + lean * h, h)]),
            "#d8f0f5",
            bulge=0,
            alpha=0.1,
            cast=0,
        )
        for x, s in zip(rng.uniform(-0.2 * w, w, 5), rng.uniform(4, 18, 5), strict=True)
    ]


def motes(rng: Rng, w: float, h: float, y: float) -> list[Part]:
    """Specks adrift in water."""
    return [
        part(
            [round_at(p, rng.uniform(0.4, 1.3), n=8) for p in rng.uniform((0, 0), (w, h), (30, 2))],
            "#cfe4ea",
            bulge=0,
            alpha=0.5,
            cast=0,
        )
    ]


def sun_disc(colour: str) -> Props:
    """The sun or moon with a halo."""

    def draw(rng: Rng, w: float, h: float, y: float) -> list[Part]:
        x, z, r = (
            rng.uniform(0.1, 0.9) * w,
            rng.uniform(0.1, 0.8) * min(y, h * 0.6),
            h * rng.uniform(0.04, 0.1),
        )
        return [
            part(ellipse(x, z, r * 2.2), colour, bulge=0, alpha=0.15, cast=0),
            part(ellipse(x, z, r), colour, bulge=0, cast=0),
        ]

    return draw


def waves(rng: Rng, w: float, h: float, y: float) -> list[Part]:
    """Glints and troughs on water."""
    rows = np.sort(rng.uniform(y + 2, h, 26))
    lines = [
        leaf((x, z), (x + w * rng.uniform(0.1, 0.35), z + rng.uniform(-1, 1)), 0.8 + 2.2 * (z - y) / h, 0.5)
        for z, x in zip(rows, rng.uniform(-0.2 * w, w, 26), strict=True)
    ]
    return [
        part(lines[::2], "#dfeaf0", bulge=0, alpha=0.4, cast=0),
        part(lines[1::2], "#2f4a58", bulge=0, alpha=0.35, cast=0),
    ]
