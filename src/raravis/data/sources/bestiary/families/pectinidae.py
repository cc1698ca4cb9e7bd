"""Scallops, ribbed and eyed."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, lighter, marks, part, spots
from raravis.data.sources.bestiary._shapes import curve, ellipse, leaf, place, round_at, tube

Rng = np.random.Generator


def _scallop(rng: Rng, t: Traits) -> list[Part]:
    n, open_ = t["ribs"], rng.uniform(0.0, 0.14)
    angles = np.linspace(-1.12, 1.12, 2 * n + 1)
    wave = 1 + 0.03 * np.cos(np.arange(2 * n + 1) * np.pi)
    rim = np.column_stack([np.sin(angles) * 0.86 * wave, 0.62 - np.cos(angles) * 1.28 * wave])
    valve = np.vstack(
        [
            [(-0.1, 0.6)],
            curve(np.vstack([[(-0.42, 0.34)], rim, [(0.42, 0.34)]]), closed=False, steps=4),
            [(0.1, 0.6)],
        ]
    )
    hinge = np.array([0.0, 0.72])
    ribs = [
        np.vstack([hinge, hinge + (p - hinge) * 1.04, hinge + (q - hinge) * 1.04])
        for p, q in zip(rim[0:-1:2], rim[1::2], strict=True)
    ]
    furrow = [leaf(tuple(hinge), tuple(hinge + (p - hinge) * 1.05), 0.05, 0.8) for p in rim[0::2]]
    arcs = [tube(hinge + (rim - hinge) * f, (0.035 * t["ring"],), steps=2) for f in np.sort(rng.uniform(0.4, 0.97, 5))]
    ears = curve(
        [
            (-0.36, 0.4),
            (-0.44, 0.62),
            (-0.4, 0.74),
            (0, 0.7),
            (0.4, 0.74),
            (0.44, 0.62),
            (0.36, 0.4),
            (0.0, 0.5),
        ]
    )
    blots = [marks(spots(rng, (-0.9, -0.8, 0.9, 0.6), t["spots"], 0.07, 0.4), t["dark"], 0.6)] if t.get("spots") else []
    eyes = [round_at((hinge + (p - hinge) * (1.01 + open_ * 0.5)), 0.02, n=10) for p in rim[1::2]]
    under = place(valve - hinge, np.add(hinge, (0, 0.0)), 0, (1.02, 1 + open_))
    lower = [
        part(under, lighter(t["shell"], 0.3), darker(t["shell"], 0.2)),
        part(place(valve - hinge, hinge, 0, (0.99, 1 + open_ * 0.6)), t["flesh"], texture="streak"),
        part(eyes, "#2f6fb0", gloss=1.0, line=0.4),
    ]
    return [
        *lower,
        part(
            ears,
            darker(t["shell"], 0.08),
            gloss=0.2,
            texture="streak",
            grain=0.2,
            marks=[
                marks(
                    [leaf((x, 0.45), (x * 1.06, 0.74), 0.016, 0.5) for x in np.linspace(-0.4, 0.4, 11)],
                    darker(t["shell"]),
                    0.6,
                )
            ],
        ),
        part(
            valve,
            t["shell"],
            lighter(t["shell"], 0.25),
            gloss=0.3,
            texture="grain",
            grain=0.1,
            cast=0.7,
            marks=[
                *blots,
                marks(arcs, t["dark"], 0.55, 0.01),
                marks(ribs, lighter(t["shell"], 0.5), 0.32, 0.01),
                marks(furrow, darker(t["shell"], 0.6), 0.6, 0.01),
            ],
        ),
        part(ellipse(0, 0.64, 0.1, 0.07), lighter(t["shell"], 0.1), gloss=0.3, cast=0.3),
    ]


FAMILY = Family(
    "animalia mollusca bivalvia pectinida pectinidae",
    _scallop,
    ("sand", "reef", "shore", "rock"),
    30,
    (
        species("pecten maximus", shell="#d8a078", dark="#a85a3f", flesh="#e8b89a", ribs=8, ring=1.0),
        species(
            "mimachlamys varia",
            shell="#9a4a5a",
            dark="#5a1f33",
            flesh="#d89a7a",
            ribs=13,
            ring=0.8,
            spots=30,
        ),
        species("aequipecten opercularis", shell="#e8823f", dark="#b84a22", flesh="#f0c08a", ribs=10, ring=1.2),
    ),
    "drop",
    0.5,
)
