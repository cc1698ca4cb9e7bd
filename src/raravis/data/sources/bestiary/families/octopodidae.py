"""Octopuses, arms spread."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, lighter, marks, moved, part, spots
from raravis.data.sources.bestiary._shapes import along, curve, ellipse, leaf, place, round_at, tube

Rng = np.random.Generator


def _octopus(rng: Rng, t: Traits) -> list[Part]:
    main, pale = t["main"], t["pale"]
    coat = [marks(spots(rng, (-1.2, -1, 1.2, 1.2), t["spots"], t["spot"], 0.3), t["dark"], t["mark"])]
    if t.get("ring"):
        rings = spots(rng, (-1.1, -1, 1.1, 1.1), 120, 0.055, 0.08)
        coat = [
            marks(rings, t["ring"]),
            marks([place(r - r.mean(0), r.mean(0), scale=0.55) for r in rings], t["dark"]),
        ]
    parts: list[Part] = []
    angles = np.array([-0.1, 3.24, 0.32, 2.82, 0.75, 2.4, 1.2, 1.94]) + rng.uniform(-0.1, 0.1, 8)
    for k, a in enumerate(angles):
        reach = rng.uniform(0.75, 0.95)
        curl = rng.uniform(0.5, 1.2) * (1 if np.cos(a) > 0 else -1) * (-1 if k < 4 else 1)
        head = np.array([np.cos(a), np.sin(a) * 0.8])
        side = np.array([-head[1], head[0]])
        origin = np.array([0.0, 0.12])
        path = [
            origin + head * 0.1,
            origin + head * reach * 0.4 - side * curl * 0.08,
            origin + head * reach * 0.75 + side * curl * 0.05,
            origin + head * reach + side * curl * 0.2,
            origin + head * reach * 0.95 + side * curl * 0.34,
            origin + head * reach * 0.84 + side * curl * 0.3,
        ]
        limb = tube(path, (0.26, 0.19, 0.13, 0.085, 0.05, 0.02))
        at, way = along(path, np.linspace(0.3, 0.95, 12))
        wide = np.interp(np.linspace(0.3, 0.95, 12), [0, 0.5, 1], [0.24, 0.12, 0.02])
        flip = -np.sign(curl)
        cups = [
            round_at((p + flip * np.array([-d[1], d[0]]) * w * 0.33), w * 0.2 + 0.006, n=12)
            for p, d, w in zip(at, way, wide, strict=True)
        ]
        parts.append(
            part(
                limb,
                main if k % 2 else darker(main, 0.12),
                darker(main, 0.15),
                gloss=0.3,
                texture="rough",
                grain=0.15,
                marks=[*coat, marks(cups, pale, 0.9)],
                cast=0.6,
            )
        )
    tilt = rng.uniform(-0.35, 0.35)
    mantle = curve(
        [
            (0, -0.95),
            (0.26, -0.86),
            (0.38, -0.58),
            (0.28, -0.28),
            (0.2, -0.1),
            (0.26, 0.1),
            (0.14, 0.24),
            (-0.14, 0.24),
            (-0.26, 0.1),
            (-0.2, -0.1),
            (-0.28, -0.28),
            (-0.38, -0.58),
            (-0.26, -0.86),
        ]
    )
    face = [part(mantle, lighter(main, 0.05), main, gloss=0.35, texture="rough", grain=0.2, marks=coat, cast=0.6)]
    for s in (-1, 1):
        face += [
            part(ellipse(0.19 * s, -0.08, 0.1), main, gloss=0.3),
            part(ellipse(0.19 * s, -0.09, 0.07, 0.06), t["iris"], gloss=0.6),
            part(leaf((0.13 * s, -0.09), (0.25 * s, -0.09), 0.04, 0.5), "#0c0a0a", bulge=0, line=0, cast=0),
        ]
    return [*parts, *moved(face, (0, 0.04), tilt)]


FAMILY = Family(
    "animalia mollusca cephalopoda octopoda octopodidae",
    _octopus,
    ("reef", "sand", "deep", "rock"),
    30,
    (
        species(
            "octopus vulgaris",
            main="#a85a3f",
            pale="#f0d8c0",
            dark="#6a2f22",
            spots=130,
            spot=0.03,
            mark=0.6,
            iris="#e8c87a",
        ),
        species(
            "hapalochlaena lunulata",
            main="#d8b05a",
            pale="#f2e6c8",
            dark="#5a4220",
            spots=60,
            spot=0.05,
            mark=0.8,
            ring="#1f6fe0",
            iris="#e8dca0",
        ),
        species(
            "octopus cyanea",
            main="#5f6a52",
            pale="#d8dcc4",
            dark="#2f3628",
            spots=90,
            spot=0.06,
            mark=0.7,
            iris="#d8b84a",
        ),
    ),
    "drop",
    0.4,
)
