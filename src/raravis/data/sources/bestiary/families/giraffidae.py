"""Giraffes in profile, with a lace or blotches of patches."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, eye, lighter, marks, moved, part, spots
from raravis.data.sources.bestiary._shapes import blob, curve, ellipse, leaf, place, tube
from raravis.data.sources.bestiary.families._quadruped import leg

Rng = np.random.Generator


def _giraffe(rng: Rng, t: Traits) -> list[Part]:
    hide, dark = t["fur"], t["dark"]
    step, nod = rng.uniform(-0.12, 0.12), rng.uniform(-0.1, 0.22)
    fore, hind = (0.16, 0.09, 0.065, 0.055, 0.07), (0.18, 0.11, 0.07, 0.055, 0.07)
    trunk = curve(
        [
            (-0.5, 0.06),
            (-0.42, -0.1),
            (-0.15, -0.18),
            (0.15, -0.28),
            (0.33, -0.24),
            (0.4, 0.0),
            (0.3, 0.2),
            (0, 0.22),
            (-0.3, 0.2),
        ]
    )
    neck = place(
        tube([(0, 0.08), (0.12, -0.28), (0.23, -0.62), (0.32, -0.92)], (0.36, 0.22, 0.14, 0.11)),
        (0.24, -0.12),
        nod,
    )
    top = place([(0.32, -0.96)], (0.24, -0.12), nod)[0]
    step_size = t["cell"]
    patches = []
    for row, y in enumerate(np.arange(-1.4, 0.42, step_size)):
        for x in np.arange(-0.8 + (row % 2) * step_size / 2, 1.0, step_size * 1.05):
            at = rng.uniform(-0.12, 0.12, 2) * step_size
            corners = 6 if t.get("lace") else 9
            ring = blob(rng, x + at[0], y + at[1], step_size * t["fill"], t["rough"], corners)
            patches.append(ring[::3] if t.get("lace") else ring)
    coat = [marks(patches, dark)]
    head = curve(
        [
            (-0.06, -0.06),
            (0.05, -0.08),
            (0.17, 0.0),
            (0.29, 0.09),
            (0.31, 0.15),
            (0.24, 0.18),
            (0.1, 0.13),
            (-0.03, 0.08),
        ]
    )
    horns = [
        tube([(0.0, -0.06), (-0.02, -0.17)], (0.035, 0.03)),
        tube([(-0.04, -0.05), (-0.07, -0.15)], (0.035, 0.03)),
    ]
    mane = [
        leaf(tuple(p), tuple(p + np.array([-0.07, -0.02])), 0.09)
        for p in place(np.linspace((0.24, -0.96), (-0.13, -0.1), 16), (0.24, -0.12), nod)
    ]
    legs_pale = marks([ellipse(0.0, 0.95, 0.9, 0.32)], t["sock"], 0.95, 0.2)
    return [
        part(
            [leg(0.22, 0.0, 1.0, -step, fore, False), leg(-0.32, 0.05, 1.0, step, hind, True)],
            darker(hide, 0.3),
            marks=[*coat, legs_pale],
            texture="fur",
            grain=0.1,
        ),
        part(
            [
                tube([(-0.47, 0.0), (-0.56, 0.2), (-0.53, 0.42)], (0.04, 0.03, 0.02)),
                leaf((-0.53, 0.4), (-0.52, 0.62), 0.08),
            ],
            darker(dark, 0.4),
        ),
        part(mane, darker(dark, 0.2), texture="fur", line=0.4),
        part(
            [trunk, neck, leg(0.3, 0.0, 1.02, step, fore, False), leg(-0.4, 0.08, 1.02, -step, hind, True)],
            hide,
            texture="fur",
            grain=0.1,
            marks=[*coat, legs_pale],
        ),
        *moved(
            [
                part(horns, hide),
                part([ellipse(-0.02, -0.18, 0.028), ellipse(-0.07, -0.16, 0.026)], "#3a2a20"),
                part(leaf((-0.05, 0.0), (-0.2, -0.03), 0.09), hide, texture="fur"),
                part(
                    head,
                    lighter(hide, 0.1),
                    marks=[
                        marks(ellipse(0.28, 0.13, 0.07), "#8d7660", 0.7, 0.2),
                        marks(spots(rng, (-0.05, -0.08, 0.1, 0.1), 6, 0.02), dark, 0.6),
                    ],
                    texture="fur",
                    grain=0.1,
                ),
                *eye(0.06, -0.01, 0.028),
                part(ellipse(0.27, 0.105, 0.014, 0.01), "#1b120d", bulge=0),
            ],
            tuple(top),
            nod + 0.1,
            1.0,
        ),
    ]


FAMILY = Family(
    "animalia chordata mammalia artiodactyla giraffidae",
    _giraffe,
    ("savanna", "steppe", "dusk", "sky"),
    30,
    (
        species(
            "giraffa reticulata",
            fur="#f0dfba",
            dark="#8a4a22",
            cell=0.19,
            fill=0.52,
            rough=0.06,
            lace=True,
            sock="#f0e2c2",
        ),
        species(
            "giraffa tippelskirchi",
            fur="#e3c68b",
            dark="#6b3f1f",
            cell=0.17,
            fill=0.42,
            rough=0.4,
            sock="#d8b57a",
        ),
        species(
            "giraffa camelopardalis",
            fur="#e9d3a4",
            dark="#a3632e",
            cell=0.21,
            fill=0.45,
            rough=0.18,
            sock="#f5ecd8",
        ),
    ),
)
