"""Sea stars of five arms or more."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, lighter, marks, part
from raravis.data.sources.bestiary._shapes import Points, along, ellipse, round_at, tube

Rng = np.random.Generator


def _sea_star(rng: Rng, t: Traits) -> list[Part]:
    arms: list[Points] = []
    knobs: list[Points] = []
    ridge: list[Points] = []
    n = t["arms"]
    shape: list[np.ndarray] = []
    for k in range(n):
        a = 2 * np.pi * k / n - np.pi / 2 + rng.uniform(-0.09, 0.09)
        bend = rng.uniform(-0.3, 0.3)
        reach = rng.uniform(0.88, 1.02)
        path = [
            np.array([np.cos(a + bend * f * f), np.sin(a + bend * f * f)]) * reach * f for f in (0.0, 0.35, 0.7, 1.0)
        ]
        arms.append(tube(path, (t["wide"] * 1.15, t["wide"], t["wide"] * 0.7, t["wide"] * 0.24)))
        at, way = along(path, np.linspace(0.12, 0.97, 13))
        ridge += [round_at(p, 0.026 * t["knob"] * (1.1 - 0.05 * i), n=10) for i, p in enumerate(at)]
        wide = np.interp(np.linspace(0.12, 0.97, 13), [0, 0.4, 1], [t["wide"], t["wide"] * 0.92, t["wide"] * 0.24])
        knobs += [
            round_at((p + s * np.array([-d[1], d[0]]) * w * f), 0.017 * t["knob"], n=8)
            for p, d, w in zip(at, way, wide, strict=True)
            for s in (-1, 1)
            for f in (0.22, 0.4)
        ]
        shape.append(np.array(path[-1]))
    hub = ellipse(0, 0, t["wide"] * 0.95)
    tips = [marks([round_at(p, 0.2) for p in shape], t["tip"], 0.8, 0.4)] if t.get("tip") else []
    return [
        part(
            [*arms, hub],
            t["main"],
            texture="cells",
            grain=0.25,
            gloss=0.12,
            marks=[*tips, marks(ellipse(0, 0, 0.16), t["heart"], 0.6, 0.3)],
        ),
        part(knobs, t["spine"], bulge=0.8, line=0.35, cast=0.3),
        part(ridge, t["spine"], bulge=0.8, gloss=0.2, line=0.45, cast=0.35),
        part(ellipse(0.05, 0.04, 0.035), lighter(t["heart"], 0.5), line=0.5),
    ]


FAMILY = Family(
    "animalia echinodermata asteroidea forcipulatida asteriidae",
    _sea_star,
    ("sand", "reef", "shore", "rock"),
    73,
    (
        species(
            "asterias rubens",
            main="#d8722a",
            spine="#f3d0a0",
            heart="#c85a22",
            arms=5,
            wide=0.4,
            knob=0.9,
        ),
        species(
            "pisaster ochraceus",
            main="#6a3a7a",
            spine="#efe2ea",
            heart="#4a2258",
            arms=5,
            wide=0.5,
            knob=1.2,
        ),
        species(
            "marthasterias glacialis",
            main="#8a9a8a",
            spine="#e8d8d8",
            heart="#6a7a7a",
            arms=5,
            wide=0.3,
            knob=1.35,
            tip="#a86a9a",
        ),
        species(
            "coscinasterias calamaria",
            main="#b88a4a",
            spine="#f0e0c0",
            heart="#8a5a2a",
            arms=9,
            wide=0.25,
            knob=0.8,
            tip="#7a4a3a",
        ),
    ),
    "drop",
    3.2,
)
