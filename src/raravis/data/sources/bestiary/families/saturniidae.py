"""Emperor moths, with eyes on their wings."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Marks, Part, lighter, marks, moved, part
from raravis.data.sources.bestiary._shapes import curve, ellipse, leaf, place, tube
from raravis.data.sources.bestiary.families._insect import both

Rng = np.random.Generator


def _moth(rng: Rng, t: Traits) -> list[Part]:
    lift, long = rng.uniform(-0.1, 0.18), t.get("tail", 0.0)
    fore = place(
        curve(
            [
                (0.02, -0.2),
                (0.3, -0.4),
                (0.66, -0.56),
                (0.94, -0.56),
                (0.98, -0.44),
                (0.9, -0.22),
                (0.78, 0.04),
                (0.5, 0.16),
                (0.06, 0.08),
            ]
        ),
        turn=lift,
    )
    hind = curve(
        [
            (0.03, 0.02),
            (0.36, 0.06),
            (0.62, 0.14),
            (0.68, 0.36),
            (0.52, 0.56),
            (0.42 + 0.06 * long, 0.62 + 0.4 * long),
            (0.42 + 0.14 * long, 0.66 + 0.85 * long),
            (0.3 + 0.06 * long, 0.66 + 0.6 * long),
            (0.22, 0.58),
            (0.07, 0.34),
        ]
    )
    band = tube(place([(0.9, -0.62), (0.8, -0.3), (0.66, 0.0), (0.56, 0.2)], turn=lift), (0.06, 0.07, 0.06, 0.05))
    zig = tube(place([(0.4, -0.5), (0.36, -0.36), (0.4, -0.2), (0.34, 0.12)], turn=lift), (0.05, 0.03, 0.045, 0.03))
    edge = tube(place([(1.02, -0.5), (0.93, -0.2), (0.8, 0.1)], turn=lift), (0.1,))
    low = tube([(0.66, 0.16), (0.58, 0.42), (0.36, 0.56), (0.1, 0.42)], (0.055,))
    parts: list[Part] = []

    def spot(x: float, y: float, r: float) -> list[Marks]:
        return [
            marks(ellipse(x, y, r), t["ring"]),
            marks(ellipse(x, y, r * 0.78), t["eye"]),
            marks(ellipse(x, y, r * 0.45), "#120d12"),
            marks(ellipse(x - r * 0.18, y - r * 0.2, r * 0.16, n=10), "#f5f2f4"),
        ]

    at = place([(0.56, -0.24)], turn=lift)[0]
    for s in (-1, 1):
        wing = [
            part(
                hind,
                t["wing"],
                t["hem"],
                bulge=0.15,
                texture="fur",
                grain=0.12,
                cast=0.4,
                marks=[marks(low, t["band"], 0.8, 0.1), *spot(0.36, 0.3, t["size"])],
            ),
            part(
                fore,
                t["wing"],
                t["inner"],
                axis=(-1, 0.3),
                bulge=0.15,
                texture="fur",
                grain=0.12,
                cast=0.5,
                marks=[
                    marks(edge, t["hem"], 0.9, 0.08),
                    marks([band, zig], t["band"], 0.85, 0.05),
                    *spot(at[0], at[1], t["size"]),
                ],
            ),
        ]
        parts += moved(wing, scale=(s, 1))
    combs = [
        leaf((0.05 + 0.05 * k, -0.34 - 0.045 * k), (0.05 + 0.05 * k + dx, -0.34 - 0.045 * k + dy), 0.018)
        for k in range(6)
        for dx, dy in ((0.1 - 0.01 * k, 0.03), (-0.03, -0.1 + 0.01 * k))
    ]
    feelers = both([tube([(0.03, -0.32), (0.34, -0.6)], (0.02, 0.01)), *combs])
    return [
        *parts,
        part(feelers, t["comb"], bulge=0.4, line=0.5, cast=0.2),
        part(
            ellipse(0, 0.2, 0.13, 0.3),
            t["body"],
            texture="fur",
            flow=0.0,
            grain=0.5,
            marks=[
                marks(
                    [leaf((-0.14, y), (0.14, y), 0.05, 0.5) for y in np.arange(0.04, 0.48, 0.1)],
                    t["band"],
                    0.5,
                )
            ],
        ),
        part(ellipse(0, -0.14, 0.15, 0.18), lighter(t["body"], 0.15), texture="fur", flow=1.57, grain=0.5),
        part(ellipse(0, -0.32, 0.075), t["body"], texture="fur"),
        part([ellipse(0.06, -0.35, 0.026), ellipse(-0.06, -0.35, 0.026)], "#17110f", gloss=0.6),
    ]


FAMILY = Family(
    "animalia arthropoda insecta lepidoptera saturniidae",
    _moth,
    ("night", "foliage", "leaves", "bark"),
    55,
    (
        species(
            "saturnia pavonia",
            wing="#a89a92",
            inner="#cfc0b4",
            hem="#e8ddd0",
            band="#6a3a3a",
            ring="#e6d8c0",
            eye="#d89a4a",
            size=0.13,
            body="#8a7a70",
            comb="#7a5a3a",
        ),
        species(
            "actias luna",
            wing="#b8e0a0",
            inner="#d0ecc0",
            hem="#c8e6b0",
            band="#a8c890",
            ring="#e8d88a",
            eye="#d8a0b0",
            size=0.075,
            body="#f3efe2",
            comb="#c8b060",
            tail=0.8,
        ),
        species(
            "attacus atlas",
            wing="#b5562a",
            inner="#d88a4a",
            hem="#e0b05a",
            band="#f3dcc0",
            ring="#2a1812",
            eye="#f3e2d0",
            size=0.09,
            body="#a84a22",
            comb="#8a5a2a",
        ),
    ),
    "drop",
    0.6,
)
