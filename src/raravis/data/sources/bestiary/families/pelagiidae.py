"""Jellyfish with frilled arms and threads."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Marks, Part, darker, lighter, marks, part
from raravis.data.sources.bestiary._shapes import curve, ellipse, leaf, tube

Rng = np.random.Generator


def _jelly(rng: Rng, t: Traits) -> list[Part]:
    pulse, drift = rng.uniform(-0.1, 0.12), rng.uniform(-0.25, 0.25)
    w = 0.52 + pulse
    lobes = 12
    edge = [(x * w, 0.02 + 0.035 * (k % 2)) for k, x in enumerate(np.linspace(1, -1, 2 * lobes + 1))]
    dome = [
        (-1.02 * w, -0.12),
        (-0.85 * w, -0.36 + pulse * 0.5),
        (-0.45 * w, -0.54 + pulse * 0.5),
        (0, -0.6 + pulse * 0.5),
        (0.45 * w, -0.54 + pulse * 0.5),
        (0.85 * w, -0.36 + pulse * 0.5),
        (1.02 * w, -0.12),
    ]
    bell = curve([*edge, *dome], steps=4)
    threads, frills = [], []
    for x in np.linspace(-0.9, 0.9, t["threads"]):
        wave = rng.uniform(-0.09, 0.09, 4)
        long = rng.uniform(0.75, 1.05) * t["long"]
        threads.append(
            tube(
                [
                    (x * w, 0.0),
                    (x * w * 0.95 + wave[0] + drift * 0.1, long * 0.33),
                    (x * w + wave[1] + drift * 0.4, long * 0.66),
                    (x * w + wave[2] + drift, long),
                ],
                (0.022, 0.02, 0.016, 0.006),
            )
        )
    for x in np.linspace(-0.34, 0.34, 4):
        zig = rng.uniform(0.03, 0.07, 9) * np.where(np.arange(9) % 2, 1, -1)
        y = np.linspace(-0.06, t["arms"] * rng.uniform(0.85, 1.1), 9)
        frills.append(
            tube(
                np.column_stack([x * w * 1.1 + zig + drift * 0.7 * y, y]),
                (0.13, 0.17, 0.15, 0.16, 0.12, 0.12, 0.08, 0.07, 0.02),
            )
        )
    top = np.array([0, -0.58 + pulse * 0.5])
    rays: list[Marks] = []
    if t.get("rays"):
        rays = [
            marks(
                [
                    leaf(tuple(np.add(top, (0, 0.03))), (x * w * 1.05, 0.0 - 0.12 * abs(x) ** 3), 0.075, 0.75)
                    for x in np.linspace(-0.98, 0.98, t["rays"])
                ],
                t["ray"],
                0.75,
                0.02,
            )
        ]
    rings = [marks([ellipse(x, -0.3, 0.075, 0.1) for x in (-0.2, -0.07, 0.07, 0.2)], t["organ"], 0.55, 0.06)]
    return [
        part(threads[::2], t["thread"], bulge=0.5, alpha=0.7, line=0.5, cast=0),
        part(
            frills,
            t["frill"],
            lighter(t["frill"], 0.3),
            bulge=0.7,
            alpha=0.8,
            texture="rough",
            grain=0.2,
            line=0.7,
            cast=0.2,
        ),
        part(threads[1::2], t["thread"], bulge=0.5, alpha=0.75, line=0.5, cast=0),
        part(ellipse(0, 0.02, w * 0.97, 0.07), darker(t["bell"], 0.35), alpha=0.75, bulge=0.3, cast=0.2),
        part(
            bell,
            lighter(t["bell"], 0.25),
            t["bell"],
            gloss=0.5,
            alpha=0.86,
            marks=[*rings, *rays, marks(tube(edge, (0.05,), steps=2), t["rim"], 0.8, 0.02)],
            cast=0.2,
        ),
        part(ellipse(-0.2 * w, -0.4, 0.16, 0.05, -0.5), "#ffffff", bulge=0, alpha=0.3, line=0, cast=0),
    ]


FAMILY = Family(
    "animalia cnidaria scyphozoa semaeostomeae pelagiidae",
    _jelly,
    ("deep", "ocean", "deep"),
    30,
    (
        species(
            "chrysaora fuscescens",
            bell="#e08a32",
            thread="#8a3a2a",
            frill="#f3d8b8",
            rim="#a84a22",
            organ="#c86a2a",
            long=1.3,
            arms=0.9,
            threads=14,
        ),
        species(
            "chrysaora hysoscella",
            bell="#f0dcc0",
            thread="#b86a4a",
            frill="#f5e8d8",
            rim="#7a3a26",
            organ="#d8a888",
            ray="#9a4a2a",
            rays=11,
            long=1.1,
            arms=0.75,
            threads=13,
        ),
        species(
            "pelagia noctiluca",
            bell="#b06ac0",
            thread="#8a4aa0",
            frill="#e0b8e8",
            rim="#7a3a8a",
            organ="#d88ac8",
            long=0.9,
            arms=0.6,
            threads=8,
        ),
    ),
    "none",
    0.7,
)
