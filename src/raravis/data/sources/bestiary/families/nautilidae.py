"""Nautiluses with flamed shells."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, eye, lighter, marks, part, spots
from raravis.data.sources.bestiary._shapes import Points, curve, ellipse, tube

Rng = np.random.Generator


def _nautilus(rng: Rng, t: Traits) -> list[Part]:
    shell: list[Part] = []
    start = 0.5
    disc = ellipse(0, 0, 0.56)
    a = np.linspace(0, 2.05 * np.pi, 40)
    reach = 0.78 * np.exp(-0.17 * a)
    rim = np.column_stack([reach * np.cos(start - a), reach * np.sin(start - a)])
    opening = np.array([(0.1, 0.16), (0.36, 0.1)])
    outline = np.vstack([rim, opening])
    flames: list[Points] = []
    for k in np.arange(0.75, 5.4, t["gap"]):
        r = 0.8 * np.exp(-0.17 * k)
        path = [
            (r * f * np.cos(start - k - (1 - f) * 0.75), r * f * np.sin(start - k - (1 - f) * 0.75))
            for f in (1.05, 0.8, 0.55, t["deep"])
        ]
        flames.append(
            tube(
                np.array(path) + rng.uniform(-0.015, 0.015, (4, 2)),
                (t["flame"], t["flame"] * 0.9, t["flame"] * 0.6, 0.01),
            )
        )
    growth = [
        tube(
            0.98
            * np.array(
                [
                    (
                        0.8 * np.exp(-0.17 * k) * f * np.cos(start - k - (1 - f) * 0.7),
                        0.8 * np.exp(-0.17 * k) * f * np.sin(start - k - (1 - f) * 0.7),
                    )
                    for f in (1, 0.7, 0.4)
                ]
            ),
            (0.01,),
        )
        for k in np.arange(0.1, 5.5, 0.16)
    ]
    shell = [
        part(disc, t["shell"], cast=0.2),
        part(
            outline,
            t["shell"],
            gloss=0.5,
            texture="grain",
            grain=0.05,
            cast=0.5,
            marks=[
                marks(growth, darker(t["shell"], 0.3), 0.4),
                marks(flames, t["stripe"], 0.92),
                marks(ellipse(-0.02, 0.02, 0.11), t["core"], 0.9, 0.05),
            ],
        ),
    ]
    arms: list[Points] = []
    for k in range(13):
        spread = rng.uniform(-0.1, 0.1) + (k - 6) * 0.075
        arms.append(
            tube(
                [
                    (0.5, 0.3 + spread * 0.4),
                    (0.78, 0.34 + spread + rng.uniform(-0.04, 0.04)),
                    (0.98 + rng.uniform(-0.12, 0.14), 0.38 + spread * 1.7 + rng.uniform(-0.06, 0.06)),
                ],
                (0.075, 0.055, 0.02),
            )
        )
    hood = curve([(0.2, 0.1), (0.36, -0.04), (0.6, 0.02), (0.74, 0.18), (0.66, 0.3), (0.4, 0.36), (0.2, 0.3)])
    face = curve([(0.18, 0.14), (0.5, 0.14), (0.7, 0.28), (0.66, 0.5), (0.44, 0.58), (0.2, 0.46)])
    return [
        part(arms[::2], darker(t["flesh"], 0.15), gloss=0.3),
        part(face, t["flesh"], gloss=0.3, texture="rough", grain=0.1),
        part(arms[1::2], t["flesh"], lighter(t["flesh"], 0.2), gloss=0.3),
        *eye(0.46, 0.36, 0.085, "#e9dcc8", 0.4, rim=darker(t["flesh"], 0.3)),
        *shell,
        part(
            hood,
            t["hood"],
            darker(t["hood"], 0.15),
            texture="rough",
            grain=0.2,
            gloss=0.2,
            marks=[marks(spots(rng, (0.2, 0, 0.75, 0.36), 24, 0.02), "#f3e8d6", 0.7)],
        ),
    ]


FAMILY = Family(
    "animalia mollusca cephalopoda nautilida nautilidae",
    _nautilus,
    ("deep", "ocean", "reef"),
    34,
    (
        species(
            "nautilus pompilius",
            shell="#f3ead9",
            stripe="#a8462a",
            core="#2a1a14",
            flesh="#d8b090",
            hood="#a85a3a",
            gap=0.36,
            flame=0.14,
            deep=0.3,
        ),
        species(
            "nautilus macromphalus",
            shell="#f5f0e6",
            stripe="#8a3a22",
            core="#c8a884",
            flesh="#e0c0a8",
            hood="#8a4a32",
            gap=0.44,
            flame=0.1,
            deep=0.6,
        ),
        species(
            "allonautilus scrobiculatus",
            shell="#e8d2b0",
            stripe="#c07a3f",
            core="#8a6a48",
            flesh="#cfa888",
            hood="#b87a4a",
            gap=0.3,
            flame=0.07,
            deep=0.72,
        ),
    ),
    "none",
    0.3,
)
