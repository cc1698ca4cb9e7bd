"""Pencil urchins."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, lighter, marks, part
from raravis.data.sources.bestiary._shapes import Points, ellipse, tube

Rng = np.random.Generator


def _urchin(rng: Rng, t: Traits) -> list[Part]:
    def spines(n: int, inner: float, outer: float, squash: float) -> list[Points]:
        found = []
        for a in np.linspace(0, 2 * np.pi, n, endpoint=False) + rng.uniform(-0.1, 0.1, n):
            way = np.array([np.cos(a), np.sin(a)])
            end = way * outer * rng.uniform(0.8, 1.1)
            root = way * inner
            found.append(
                tube(
                    [root, (root + end) / 2, end],
                    (t["thick"], t["thick"] * t["club"], t["thick"] * t["point"]),
                    steps=3,
                )
            )
        return found

    def layer(shapes: list[Points], colour: str) -> Part:
        bands = [ellipse(0, 0, r) for r in np.arange(1.0, 0.25, -0.09)] if t.get("bands") else []
        rings = [marks(b, t["band"] if k % 2 else colour, 0.85) for k, b in enumerate(bands)]
        return part(shapes, colour, gloss=0.25, texture="grain", grain=0.1, marks=rings, line=0.6, cast=0.5)

    body = ellipse(0, 0, t["body"])
    plates = [
        ellipse(np.cos(a) * r, np.sin(a) * r, 0.036, n=10)
        for r in np.arange(0.08, t["body"], 0.08)
        for a in np.arange(0, 6.28, 6.28 / max(5, round(r * 55))) + r * 9
    ]
    n = t["spines"]
    return [
        layer(spines(n, 0.2, 1.0, 1), darker(t["spine"], 0.3)),
        layer(spines(int(n * 0.8), 0.2, 0.82, 1), darker(t["spine"], 0.12)),
        part(body, t["main"], texture="cells", grain=0.3, marks=[marks(plates, t["plate"], 0.7)], cast=0.6),
        layer(spines(int(n * 0.55), 0.16, 0.56 * t["near"], 1), t["spine"]),
        layer(spines(int(n * 0.3), 0.06, 0.3 * t["near"], 1), lighter(t["spine"], 0.1)),
        part(ellipse(0, 0, 0.06), t["plate"], gloss=0.3),
    ]


FAMILY = Family(
    "animalia echinodermata echinoidea cidaroida cidaridae",
    _urchin,
    ("reef", "rock", "sand"),
    30,
    (
        species(
            "eucidaris tribuloides",
            main="#8a4a32",
            plate="#d8a878",
            spine="#b0805a",
            thick=0.085,
            club=1.25,
            point=0.6,
            body=0.36,
            spines=24,
            near=1.0,
        ),
        species(
            "cidaris cidaris",
            main="#b8a07a",
            plate="#e8d8b8",
            spine="#d8c8a8",
            thick=0.055,
            club=0.9,
            point=0.25,
            body=0.32,
            spines=32,
            near=1.1,
        ),
        species(
            "phyllacanthus imperialis",
            main="#5a1f26",
            plate="#a84a4a",
            spine="#7a2a30",
            thick=0.11,
            club=1.15,
            point=0.85,
            body=0.38,
            spines=20,
            near=1.0,
            bands=True,
            band="#d8c0a8",
        ),
    ),
    "drop",
    3.2,
)
