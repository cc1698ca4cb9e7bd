"""Dragonflies from above."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, marks, moved, part
from raravis.data.sources.bestiary._shapes import curve, ellipse, leaf, tube
from raravis.data.sources.bestiary.families._insect import both

Rng = np.random.Generator


def _dragonfly(rng: Rng, t: Traits) -> list[Part]:
    tilt = rng.uniform(-0.14, 0.16)
    fore = curve(
        [
            (0, 0.02),
            (0.2, -0.06),
            (0.6, -0.13),
            (0.92, -0.11),
            (1.0, -0.03),
            (0.86, 0.06),
            (0.5, 0.09),
            (0.15, 0.08),
        ]
    )
    hind = curve(
        [
            (0, 0.0),
            (0.3, -0.04),
            (0.66, -0.06),
            (0.9, -0.02),
            (0.94, 0.06),
            (0.72, 0.15),
            (0.4, 0.21),
            (0.14, 0.19),
            (0.02, 0.1),
        ]
    )
    net = [
        leaf((0.02, 0.02), (x, y), 0.009, 0.5) for x, y in ((0.96, -0.08), (0.98, 0.0), (0.8, 0.05), (0.5, 0.08))
    ] + [leaf((x, -0.12), (x + 0.02, 0.12), 0.006, 0.5) for x in np.arange(0.2, 0.98, 0.075)]
    base = [marks(ellipse(0.02, 0.07, t["base"], 0.16), t["amber"], 0.85, 0.1)] if t.get("base") else []
    cell = [marks(leaf((0.74, -0.115), (0.9, -0.1), 0.045, 0.5), t["cell"])]
    if t.get("middle"):
        cell.append(marks(ellipse(0.5, -0.1, 0.07, 0.06), t["cell"], 0.9))
    parts: list[Part] = []
    for s in (-1, 1):
        for shape, y, turn in ((hind, -0.16, 0.12), (fore, -0.36, -0.16)):
            parts += moved(
                moved(
                    [
                        part(
                            shape,
                            t["wing"],
                            bulge=0.15,
                            gloss=0.25,
                            alpha=0.6,
                            line=0.7,
                            cast=0.25,
                            marks=[marks(net, "#2a2622", 0.75), *base, *cell],
                        )
                    ],
                    (0.08, y),
                    turn + tilt + rng.uniform(-0.05, 0.05),
                ),
                scale=(s, 1),
            )
    bend = rng.uniform(-0.08, 0.08)
    path = [(0, -0.14), (bend * 0.3, 0.2), (bend, 0.6), (bend * 1.6, 1.0)]
    tail = tube(path, (0.13, t["fat"], t["fat"], t["fat"] * 0.5))
    rings = [tube([(-0.2, y), (0.2, y)], (0.02,)) for y in np.arange(-0.06, 1.0, 0.105)]
    return [
        *parts,
        part(both([tube([(bend * 1.6 / 1.0 * 0 + 0.02, 0.98), (0.06, 1.08)], (0.03, 0.015))]), "#241d1a"),
        part(
            tail,
            t["tail"],
            t["tip"],
            gloss=0.4,
            cast=0.6,
            marks=[
                marks(rings, darker(t["tail"], 0.6), 0.7),
                marks(leaf((0, -0.1), (bend, 1.0), 0.04, 0.5), t["line"], 0.7),
            ],
        ),
        part(
            ellipse(0, -0.3, 0.145, 0.2),
            t["chest"],
            texture="fur",
            flow=1.57,
            gloss=0.2,
            marks=[marks(both([leaf((0.06, -0.46), (0.12, -0.14), 0.05, 0.5)]), t["line"], 0.8)],
        ),
        part(both([ellipse(0.085, -0.56, 0.105, 0.095)]), t["eye"], gloss=0.9, texture="cells", grain=0.2),
        part(ellipse(0, -0.63, 0.075, 0.05), t["face"], gloss=0.3),
    ]


FAMILY = Family(
    "animalia arthropoda insecta odonata libellulidae",
    _dragonfly,
    ("lake", "meadow", "foliage", "sky"),
    32,
    (
        species(
            "libellula depressa",
            wing="#e9ecea",
            tail="#7aa6d8",
            tip="#5a86b8",
            fat=0.24,
            chest="#6a5a3a",
            line="#d8c26a",
            eye="#5a3a22",
            face="#8a7a4a",
            amber="#6a4420",
            base=0.2,
            cell="#2a1c14",
        ),
        species(
            "sympetrum sanguineum",
            wing="#f0ece6",
            tail="#c8261c",
            tip="#a01a16",
            fat=0.11,
            chest="#8a3a22",
            line="#e8a05a",
            eye="#7a201a",
            face="#b8302a",
            amber="#e0a03a",
            base=0.08,
            cell="#a8321f",
        ),
        species(
            "libellula quadrimaculata",
            wing="#efeade",
            tail="#8a6a32",
            tip="#2a2018",
            fat=0.16,
            chest="#7a5a2c",
            line="#e8c23a",
            eye="#4a3a2a",
            face="#c8b04a",
            amber="#c8862a",
            base=0.12,
            cell="#241a14",
            middle=True,
        ),
    ),
    "drop",
    0.7,
)
