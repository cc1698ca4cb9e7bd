"""Damselfishes and clownfishes."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Marks, Part, darker, eye, marks, moved, part
from raravis.data.sources.bestiary._shapes import curve, ellipse, leaf, tube
from raravis.data.sources.bestiary.families._fins import fin

Rng = np.random.Generator


def _reef_fish(rng: Rng, t: Traits) -> list[Part]:
    deep, flick = t["deep"], rng.uniform(-0.09, 0.09)
    body = curve(
        [
            (0.66, 0.02),
            (0.52, -0.16 * deep),
            (0.2, -0.36 * deep),
            (-0.15, -0.34 * deep),
            (-0.45, -0.13),
            (-0.58, -0.08 + flick / 2),
            (-0.58, 0.1 + flick / 2),
            (-0.42, 0.15),
            (-0.1, 0.34 * deep),
            (0.25, 0.34 * deep),
            (0.55, 0.15 * deep),
        ]
    )
    caudal = fin(
        [
            (-0.52, -0.06 + flick / 2),
            (-0.72, -0.2 + flick),
            (-0.94, -0.26 + flick),
            (-0.96, 0.0 + flick * 1.4),
            (-0.92, 0.28 + flick),
            (-0.7, 0.2 + flick),
            (-0.52, 0.1 + flick / 2),
        ],
        (-0.5, 0.01),
        t["tail"],
        t["rim"],
    )
    top = fin(
        [
            (0.32, -0.26 * deep),
            (0.22, -0.5 * deep),
            (0.05, -0.52 * deep),
            (-0.08, -0.44 * deep),
            (-0.24, -0.52 * deep),
            (-0.44, -0.36),
            (-0.42, -0.1),
        ],
        (0.0, 0.0),
        t["fin"],
        t["rim"],
        14,
    )
    low = fin(
        [(0.0, 0.26 * deep), (-0.1, 0.5 * deep), (-0.3, 0.48 * deep), (-0.42, 0.3), (-0.4, 0.1)],
        (0.0, 0.05),
        t["fin"],
        t["rim"],
    )
    pelvic = fin(
        [(0.24, 0.28 * deep), (0.16, 0.58 * deep), (0.04, 0.52 * deep), (0.1, 0.28 * deep)],
        (0.22, 0.2),
        t["fin"],
        t["rim"],
        6,
    )
    wave = rng.uniform(-0.03, 0.03, 3)
    bands: list[Marks] = []
    for x, width in t["bars"]:
        bend = curve(
            [
                (x + 0.05, -0.6),
                (x + wave[0] - 0.02, -0.2),
                (x + 0.06 + wave[1], 0.0),
                (x - 0.02 + wave[2], 0.25),
                (x + 0.04, 0.6),
            ],
            closed=False,
        )
        bands += [
            marks(tube(bend[::5], (width + 0.055,)), t["edge"]),
            marks(tube(bend[::5], (width,)), t["band"]),
        ]
    if t.get("half"):
        bands.append(
            marks(curve([(-1, -0.6), (-0.1, -0.6), (-0.16, 0.0), (-0.05, 0.6), (-1, 0.6)]), t["half"], 1, 0.08)
        )
    if t.get("dot"):
        bands.append(marks(ellipse(-0.12, -0.24 * deep, 0.1, 0.09), t["dot"]))
    gill = marks(tube([(0.32, -0.14), (0.25, 0.02), (0.32, 0.2)], (0.012, 0.025, 0.012)), darker(t["main"], 0.5), 0.7)
    flap = rng.uniform(-0.5, 0.6)
    pectoral = moved(
        [
            fin(
                [(0.02, 0.0), (-0.1, -0.13), (-0.28, -0.12), (-0.33, 0.03), (-0.24, 0.14), (-0.06, 0.09)],
                (0.0, 0.0),
                t["fin"],
                t["rim"],
            )
        ],
        (0.24, 0.1),
        flap,
    )
    mouth = part(leaf((0.66, 0.05), (0.54, 0.08), 0.025), darker(t["main"], 0.6), bulge=0, cast=0)
    return [
        caudal,
        top,
        low,
        pelvic,
        part(body, t["main"], t["belly"], texture="scale", grain=0.14, gloss=0.3, marks=[*bands, gill]),
        mouth,
        *eye(0.46, -0.07, 0.065, t["iris"], 0.62),
        *pectoral,
    ]


FAMILY = Family(
    "animalia chordata actinopterygii perciformes pomacentridae",
    _reef_fish,
    ("reef", "reef", "deep"),
    89,
    (
        species(
            "amphiprion ocellaris",
            main="#f07a1a",
            belly="#f59a3a",
            fin="#f07f20",
            tail="#f08a28",
            rim="#16110f",
            band="#fbf7f0",
            edge="#16110f",
            bars=((0.3, 0.13), (-0.12, 0.16), (-0.5, 0.09)),
            iris="#7a3a10",
            deep=1.0,
        ),
        species(
            "dascyllus aruanus",
            main="#f3f1ea",
            belly="#ffffff",
            fin="#23232b",
            tail="#e9ebee",
            rim="",
            band="#1b1c22",
            edge="#3a3b42",
            bars=((0.48, 0.15), (0.08, 0.17), (-0.32, 0.15)),
            iris="#2a2a2e",
            deep=1.3,
        ),
        species(
            "chrysiptera hemicyanea",
            main="#1f5fd8",
            belly="#2f7ae8",
            fin="#2a66d0",
            tail="#f0c826",
            rim="",
            band="#1f5fd8",
            edge="#1f5fd8",
            bars=(),
            half="#f2c522",
            iris="#0f1a4a",
            deep=0.92,
        ),
        species(
            "pomacentrus moluccensis",
            main="#f4d32a",
            belly="#f8e36a",
            fin="#efcb24",
            tail="#f2d744",
            rim="#c79a1a",
            band="#f4d32a",
            edge="#f4d32a",
            bars=(),
            dot="#5a8fd0",
            iris="#2f4f8a",
            deep=1.08,
        ),
    ),
    "none",
    0.3,
)
