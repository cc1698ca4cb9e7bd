"""Sea turtles from above."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, eye, lighter, marks, moved, part, spots
from raravis.data.sources.bestiary._shapes import curve, leaf, place, star, tube

Rng = np.random.Generator


def _turtle(rng: Rng, t: Traits) -> list[Part]:
    """A sea turtle from above, head up."""
    stroke = rng.uniform(-0.5, 0.45)
    shell = curve(
        [
            (0, -0.5),
            (0.26, -0.46),
            (0.43, -0.2),
            (0.42, 0.12),
            (0.26, 0.42),
            (0, 0.62),
            (-0.26, 0.42),
            (-0.42, 0.12),
            (-0.43, -0.2),
            (-0.26, -0.46),
        ]
    )
    flipper = curve(
        [
            (0, -0.06),
            (0.2, -0.16),
            (0.46, -0.08),
            (0.72, 0.2),
            (0.76, 0.32),
            (0.6, 0.26),
            (0.36, 0.1),
            (0.1, 0.1),
        ]
    )
    paddle = curve([(0, 0), (0.16, 0.02), (0.3, 0.18), (0.3, 0.3), (0.18, 0.28), (0.02, 0.12)])
    skin = [marks(spots(rng, (-0.2, -0.3, 0.9, 0.4), 90, 0.036, 0.1), t["patch"], 0.9)]
    scutes = [
        place(ring, (0, y))
        for y, ring in zip(
            (-0.34, -0.14, 0.08, 0.28, 0.45),
            (place(star(0, 0, w, w * 0.86, 3, np.pi / 2), scale=(1.25, 0.92)) for w in (0.13, 0.15, 0.15, 0.13, 0.09)),
            strict=True,
        )
    ]
    ribs = [
        curve(
            [
                (0.17 * s, y),
                (0.34 * s, y - 0.04),
                (0.385 * s, y + 0.1),
                (0.3 * s, y + 0.19),
                (0.16 * s, y + 0.17),
            ]
        )
        for s in (-1, 1)
        for y in (-0.34, -0.12, 0.1)
    ]
    ribs += [curve([(0.13 * s, 0.32), (0.26 * s, 0.3), (0.2 * s, 0.42), (0.08 * s, 0.5)]) for s in (-1, 1)]
    rays = [leaf(tuple(p.mean(0)), tuple(q), 0.02) for p in (*scutes, *ribs) for q in p[::6]]
    keel = [
        marks(
            tube([(x, -0.44), (x * 1.1, 0), (x * 0.3, 0.56)], (0.02, 0.03, 0.01)),
            lighter(t["plate"], 0.35),
            0.8,
        )
        for x in (-0.28, -0.14, 0, 0.14, 0.28)
    ]
    coat = keel if t.get("keel") else [marks([*scutes, *ribs], t["plate"]), marks(rays, t["ray"], t["rays"])]
    head = curve([(0, -0.26), (0.1, -0.2), (0.15, -0.02), (0.1, 0.14), (-0.1, 0.14), (-0.15, -0.02), (-0.1, -0.2)])
    face = [
        part(
            head,
            t["skin"],
            texture="rough",
            grain=0.1,
            marks=[marks(spots(rng, (-0.13, -0.16, 0.13, 0.14), 14, 0.034, 0.1), t["patch"], 0.9)],
        ),
        *eye(0.11, -0.07, 0.028),
        *eye(-0.11, -0.07, 0.028),
    ]
    parts: list[Part] = []
    for s in (-1, 1):
        fore = moved(
            [
                part(
                    flipper,
                    t["skin"],
                    lighter(t["skin"], 0.2),
                    texture="rough",
                    grain=0.12,
                    bulge=0.6,
                    marks=skin,
                )
            ],
            (0.32, -0.28),
            stroke + rng.uniform(-0.12, 0.12),
        )
        hind = moved(
            [part(paddle, t["skin"], texture="rough", grain=0.12, bulge=0.6, marks=skin)],
            (0.24, 0.34),
            rng.uniform(-0.3, 0.3),
        )
        parts += [*moved(fore, scale=(s, 1)), *moved(hind, scale=(s, 1))]
    return [
        *parts,
        part(leaf((0, 0.5), (0, 0.74), 0.08), t["skin"]),
        *moved(face, (0, -0.56), rng.uniform(-0.3, 0.3), 1.05),
        part(shell, t["rim"], gloss=0.25, texture="mottle", grain=0.12, cast=0.8, marks=coat),
    ]


FAMILY = Family(
    "animalia chordata reptilia testudines cheloniidae",
    _turtle,
    ("reef", "ocean", "sand"),
    41,
    (
        species(
            "chelonia mydas",
            skin="#6f7a58",
            patch="#3a3a2a",
            rim="#8a7a4a",
            plate="#5a4a28",
            ray="#c9a45a",
            rays=0.6,
        ),
        species(
            "eretmochelys imbricata",
            skin="#c9b27a",
            patch="#3a2a1c",
            rim="#a86a2a",
            plate="#6a3414",
            ray="#e8b65a",
            rays=0.95,
        ),
        species(
            "caretta caretta",
            skin="#d0a060",
            patch="#8a5a30",
            rim="#8a4a26",
            plate="#7a3c1e",
            ray="#a86a3a",
            rays=0.3,
        ),
    ),
    "drop",
    0.9,
)
