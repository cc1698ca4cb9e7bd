"""Owls from the front, on a branch."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, eye, lighter, marks, moved, part, spots
from raravis.data.sources.bestiary._shapes import curve, ellipse, leaf, mirror
from raravis.data.sources.bestiary.families._perch import branch, claws

Rng = np.random.Generator


def _owl(rng: Rng, t: Traits) -> list[Part]:
    back, pale, dark = t["back"], t["pale"], t["dark"]
    stout = t["stout"]
    body = curve(
        [
            (0, -0.42),
            (0.34 * stout, -0.3),
            (0.46 * stout, 0.1),
            (0.38 * stout, 0.55),
            (0.16, 0.8),
            (-0.16, 0.8),
            (-0.38 * stout, 0.55),
            (-0.46 * stout, 0.1),
            (-0.34 * stout, -0.3),
        ]
    )
    wing = curve(
        [
            (0.3 * stout, -0.26),
            (0.5 * stout, 0.0),
            (0.5 * stout, 0.4),
            (0.38 * stout, 0.86),
            (0.3 * stout, 0.5),
            (0.26 * stout, 0.1),
        ]
    )
    drops = [
        leaf((x, y - 0.05), (x + rng.uniform(-0.01, 0.01), y + 0.05), t["drop"], 0.6)
        for row, y in enumerate(np.arange(-0.2, 0.75, 0.12))
        for x in np.arange(-0.36, 0.4, 0.12) + 0.06 * (row % 2)
    ]
    bars = [leaf((0.2, y), (0.56, y + 0.04), 0.05, 0.5) for y in np.arange(-0.15, 0.85, 0.13)]
    breast = [marks(drops, dark, t["mark"])]
    tail = [leaf((x * 0.5, 0.6), (x, 1.12), 0.16, 0.7) for x in (-0.14, 0.0, 0.14)]
    turn = rng.uniform(-0.3, 0.3)
    head = curve(
        [
            (0, -0.34),
            (0.28, -0.32),
            (0.43, -0.1),
            (0.38, 0.18),
            (0.16, 0.34),
            (-0.16, 0.34),
            (-0.38, 0.18),
            (-0.43, -0.1),
            (-0.28, -0.32),
        ]
    )
    discs = [ellipse(0.18 * s, 0.0, 0.2, 0.23, 0.2 * s) for s in (-1, 1)]
    rays = [
        leaf((0.17 * s, 0.0), (0.17 * s + 0.21 * np.cos(a), 0.23 * np.sin(a)), 0.02)
        for s in (-1, 1)
        for a in np.arange(0, 6.2, 0.42)
    ]
    face: list[Part] = []
    if t.get("tuft"):
        face += [
            part(
                [
                    curve(
                        [
                            (0.2 * s, -0.24),
                            (0.3 * s, -0.38 - t["tuft"] * 0.6),
                            (0.43 * s, -0.34 - t["tuft"]),
                            (0.4 * s, -0.12),
                        ]
                    )
                    for s in (-1, 1)
                ],
                darker(back, 0.15),
                texture="fur",
                flow=1.57,
            )
        ]
    face += [
        part(
            head,
            back,
            texture="feather",
            grain=0.2,
            cast=0.7,
            marks=[marks(spots(rng, (-0.4, -0.36, 0.4, -0.14), 26, 0.022), t["speck"], 0.8)],
        ),
        part(
            discs,
            pale,
            bulge=0.5,
            cast=0.3,
            marks=[
                marks(rays, dark, 0.35),
                marks([ellipse(0.18 * s, 0, 0.13) for s in (-1, 1)], dark, 0.4, 0.12),
            ],
        ),
        part(
            [leaf((0.03 * s, -0.06), (0.36 * s, -0.3), 0.09, 0.5) for s in (-1, 1)],
            lighter(pale, 0.4),
            bulge=0.4,
            line=0.4,
        ),
    ]
    for s in (-1, 1):
        face += eye(0.17 * s, 0.0, 0.115, t["iris"], 0.58, rim="#1c1512")
    face += [
        part(
            curve([(-0.055, 0.06), (0.055, 0.06), (0.045, 0.18), (0, 0.27), (-0.045, 0.18)]),
            t["beak"],
            darker(t["beak"]),
            gloss=0.4,
            cast=0.6,
        )
    ]
    return [
        part(tail, darker(back, 0.2), texture="feather"),
        part(body, pale, darker(pale, 0.15), texture="feather", grain=0.18, marks=breast),
        *[
            part(
                mirror(wing) if s < 0 else wing,
                back,
                darker(back, 0.2),
                texture="feather",
                grain=0.25,
                marks=[marks([mirror(b) for b in bars] if s < 0 else bars, dark, 0.6 * t["mark"])],
            )
            for s in (-1, 1)
        ],
        *branch(rng, 0.9),
        *claws((-0.14, 0.14), 0.85, t["foot"]),
        *moved(face, (turn * 0.15, -0.46), turn, t["face"]),
    ]


FAMILY = Family(
    "animalia chordata aves strigiformes strigidae",
    _owl,
    ("forest", "dusk", "night", "snow", "sky"),
    117,
    (
        species(
            "bubo bubo",
            back="#8a6238",
            pale="#d9b27a",
            dark="#3a2414",
            speck="#3a2414",
            iris="#f08a1c",
            beak="#2f2a28",
            foot="#cbb48a",
            tuft=0.16,
            drop=0.035,
            mark=0.9,
            stout=1.0,
            face=1.0,
        ),
        species(
            "bubo scandiacus",
            back="#ece9e4",
            pale="#faf8f4",
            dark="#5b5550",
            speck="#6b655f",
            iris="#f3c21b",
            beak="#26221f",
            foot="#f0ece4",
            drop=0.016,
            mark=0.6,
            stout=1.1,
            face=0.9,
        ),
        species(
            "athene noctua",
            back="#7d6248",
            pale="#e6dcc8",
            dark="#5a4330",
            speck="#f0e6d2",
            iris="#f2dc3c",
            beak="#d8c060",
            foot="#dccfae",
            drop=0.05,
            mark=0.8,
            stout=1.05,
            face=1.12,
        ),
        species(
            "strix aluco",
            back="#8f7c69",
            pale="#cbbba6",
            dark="#3f3127",
            speck="#4a3a2e",
            iris="#1a100b",
            beak="#d5c27a",
            foot="#cdbb9c",
            drop=0.028,
            mark=0.9,
            stout=1.12,
            face=1.08,
        ),
    ),
)
