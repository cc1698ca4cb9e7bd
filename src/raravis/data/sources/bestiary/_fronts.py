"""Things that stand in front of the animal, by name: makers (rng, width, height) of parts in pixels.

They hide some of it and leave most of it free.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from raravis.data.sources.bestiary._parts import Part, blend, darker, lighter, part
from raravis.data.sources.bestiary._shapes import blob, curve, ellipse, leaf, tube

Rng = np.random.Generator


def _front_grass(*colours: str, width: float = 0.02) -> Callable[[Rng, float, float], list[Part]]:
    def draw(rng: Rng, w: float, h: float) -> list[Part]:
        middle, spread = rng.uniform(0, w), w * rng.uniform(0.15, 0.45)
        found = []
        for colour in colours:
            x = rng.normal(middle, spread, int(rng.integers(5, 11)))
            reach = h * rng.uniform(0.1, 0.36, len(x))
            found.append(
                part(
                    [
                        tube(
                            [(a, h + 8), (a + b * 0.1, h - r * 0.5), (a + b * 0.45, h - r)],
                            (w * width, w * width * 0.8, 0.8),
                        )
                        for a, r, b in zip(x, reach, rng.normal(0, 0.35, len(x)) * reach, strict=True)
                    ],
                    colour,
                    lighter(colour, 0.15),
                    axis=(0, -1),
                    bulge=0.6,
                    cast=0.4,
                )
            )
        return found

    return draw


def _front_leaves(rng: Rng, w: float, h: float) -> list[Part]:
    x, y = rng.choice([0, 1]) * w, rng.uniform(0, 1) * h
    found = []
    for _ in range(int(rng.integers(3, 6))):
        a = np.arctan2(h / 2 - y, w / 2 - x) + rng.uniform(-0.9, 0.9)
        reach = w * rng.uniform(0.14, 0.3)
        root = np.array([x, y + rng.uniform(-0.14, 0.14) * h])
        tip = root + reach * np.array([np.cos(a), np.sin(a)])
        colour = str(rng.choice(["#3f7a32", "#5a943f", "#2f6a3a", "#7aa84a"]))
        found.append(
            part(
                leaf(tuple(root), tuple(tip), reach * 0.42),
                colour,
                lighter(colour, 0.2),
                bulge=0.5,
                gloss=0.2,
                cast=0.6,
            )
        )
        found.append(part(leaf(tuple(root), tuple(tip), 2.0, 0.5), lighter(colour, 0.35), bulge=0, line=0, cast=0))
    return found


def _front_rocks(rng: Rng, w: float, h: float) -> list[Part]:
    x = rng.uniform(0, w)
    tone = str(rng.choice(["#7a746c", "#8a7a64", "#5f6468"]))
    return [
        part(
            blob(rng, x + dx * w, h * 1.02, h * r, 0.22),
            blend(tone, "#a89a88", rng.uniform(0, 0.4)),
            darker(tone, 0.3),
            texture="rough",
            grain=0.3,
        )
        for dx, r in zip((-0.14, 0.12, 0.0), rng.uniform(0.06, 0.17, 3), strict=True)
    ]


def _front_drift(rng: Rng, w: float, h: float) -> list[Part]:
    tops = [(x, h * (1 - rng.uniform(0.02, 0.17))) for x in np.linspace(-10, w + 10, 5)]
    return [
        part(
            np.vstack([curve(tops, closed=False), [(w + 10, h + 20), (-10, h + 20)]]),
            "#f2f5f9",
            "#cfdae8",
            bulge=0.5,
            cast=0.2,
        )
    ]


def _front_bubbles(rng: Rng, w: float, h: float) -> list[Part]:
    x = rng.uniform(0.1, 0.9) * w
    rings = rng.uniform((-0.08 * w, 0, 1.5), (0.08 * w, h, 5.5), (9, 3))
    return [
        p
        for dx, y, r in rings
        for p in (
            part(ellipse(x + dx, y, r), "#d8eef5", alpha=0.35, gloss=0.8, cast=0),
            part(ellipse(x + dx - r * 0.3, y - r * 0.3, r * 0.25, n=8), "#ffffff", bulge=0, line=0, cast=0),
        )
    ]


def _front_twig(rng: Rng, w: float, h: float) -> list[Part]:
    y, lean = rng.uniform(0.1, 0.95) * h, rng.uniform(-0.3, 0.3) * h
    side = rng.choice([-1, 1])
    path = [
        (w / 2 - side * w * 0.55, y),
        (w / 2 - side * w * 0.2, y + lean * 0.3),
        (w / 2 + side * w * rng.uniform(0, 0.3), y + lean),
    ]
    return [
        part(
            [
                tube(path, (w * 0.022, w * 0.016, w * 0.005)),
                tube([path[1], (path[1][0] + side * w * 0.1, path[1][1] - h * 0.13)], (w * 0.012, w * 0.004)),
            ],
            "#5a4632",
            texture="rough",
        )
    ]


FRONTS: Final = {
    "grass": _front_grass("#4f7a32", "#79a048", "#3a5f2a"),
    "straw": _front_grass("#b89a52", "#d8bc74", "#8a7238"),
    "reeds": _front_grass("#5f7a3a", "#8a9a52", width=0.03),
    "weed": _front_grass("#3a6a3f", "#6a7a32", "#2a5a4a", width=0.035),
    "leaves": _front_leaves,
    "rocks": _front_rocks,
    "drift": _front_drift,
    "bubbles": _front_bubbles,
    "twig": _front_twig,
}
