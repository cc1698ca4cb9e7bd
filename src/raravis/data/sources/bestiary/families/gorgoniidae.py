"""Sea fans, branching."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, blend, darker, part
from raravis.data.sources.bestiary._shapes import Points, curve, round_at, tube

Rng = np.random.Generator


def _fan(rng: Rng, t: Traits) -> list[Part]:
    layers: list[list[Points]] = [[], [], [], [], []]

    def grow(x: float, y: float, angle: float, long: float, width: float, depth: int) -> None:
        bend = rng.uniform(-0.16, 0.16)
        end = (x + np.sin(angle + bend) * long, y - np.cos(angle + bend) * long)
        layers[depth].append(
            tube(
                [(x, y), (x + np.sin(angle) * long * 0.5, y - np.cos(angle) * long * 0.5), end],
                (width, width * 0.85, width * 0.7),
            )
        )
        if depth == 4:
            return
        for k in np.linspace(-1, 1, 3 if depth < 2 else 2):
            grow(
                *end,
                angle + k * t["spread"] * rng.uniform(0.75, 1.2) - angle * 0.12,
                long * t["shrink"] * rng.uniform(0.85, 1.15),
                width * 0.66,
                depth + 1,
            )

    grow(0, 0.85, rng.uniform(-0.1, 0.1), 0.34, t["width"], 0)
    polyps = [round_at(p, 0.015, n=8) for layer in layers[2:] for s in layer for p in s[:: max(1, len(s) // 4)]]
    base = curve([(-0.2, 0.92), (-0.1, 0.82), (0.1, 0.82), (0.22, 0.92), (0, 0.96)])
    return [
        part(base, darker(t["main"], 0.4), texture="rough"),
        *[
            part(
                layer,
                blend(darker(t["main"], 0.15), t["tip"], k / 5),
                bulge=0.8,
                texture="rough",
                grain=0.2,
                line=0.6,
                cast=0.35,
            )
            for k, layer in reversed(list(enumerate(layers)))
        ],
        part(polyps, t["polyp"], bulge=0.5, line=0.2, cast=0.1),
    ]


FAMILY = Family(
    "animalia cnidaria anthozoa malacalcyonacea gorgoniidae",
    _fan,
    ("reef", "deep", "reef"),
    30,
    (
        species(
            "gorgonia ventalina",
            main="#7a3f8a",
            tip="#b06ac0",
            polyp="#e8d0f0",
            spread=0.52,
            shrink=0.86,
            width=0.1,
        ),
        species(
            "leptogorgia sarmentosa",
            main="#c84a22",
            tip="#f08a3a",
            polyp="#f8e0b8",
            spread=0.38,
            shrink=0.95,
            width=0.08,
        ),
        species(
            "eunicella verrucosa",
            main="#d88a9a",
            tip="#f5c0c8",
            polyp="#fdf0ee",
            spread=0.62,
            shrink=0.84,
            width=0.11,
        ),
    ),
    "none",
    0.2,
)
