"""Seahorses."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, eye, lighter, marks, moved, part, spots
from raravis.data.sources.bestiary._shapes import along, curve, leaf, round_at, tube
from raravis.data.sources.bestiary.families._fins import fin

Rng = np.random.Generator


def _seahorse(rng: Rng, t: Traits) -> list[Part]:
    nod, hook = rng.uniform(-0.15, 0.2), rng.uniform(0.8, 1.15)
    path = np.array(
        [
            (0.02, -0.46),
            (-0.1, -0.24),
            (0.0, 0.0),
            (0.04, 0.22),
            (-0.06, 0.5),
            (-0.1, 0.72),
            (0.04, 0.9),
            (0.2, 0.84),
            (0.2, 0.7),
            (0.1, 0.69),
        ]
    )
    path[5:] = path[4] + (path[5:] - path[4]) * hook
    widths = (0.22, 0.26, 0.36, 0.3, 0.16, 0.12, 0.1, 0.08, 0.06, 0.04)
    trunk = tube(path, widths)
    at, direction = along(path, np.linspace(0.05, 0.95, 26))
    wide = np.interp(np.linspace(0.05, 0.95, 26), np.linspace(0, 1, 10), widths)
    rings = [
        leaf(
            tuple(p + np.array([-d[1], d[0]]) * w * 0.6),
            tuple(p - np.array([-d[1], d[0]]) * w * 0.6),
            0.022,
            0.5,
        )
        for p, d, w in zip(at, direction, wide, strict=True)
    ]
    knobs = [
        round_at((p + s * np.array([-d[1], d[0]]) * w * 0.5), 0.024 * t["knob"])
        for p, d, w in zip(at[::2], direction[::2], wide[::2], strict=True)
        for s in (-1, 1)
    ]
    fan = fin(
        [(-0.15, -0.12), (-0.34, -0.14), (-0.42, 0.04), (-0.34, 0.22), (-0.13, 0.16)],
        (-0.1, 0.03),
        t["fin"],
        "",
        8,
    )
    head = curve(
        [
            (-0.18, 0.05),
            (-0.16, -0.14),
            (0.0, -0.2),
            (0.14, -0.12),
            (0.22, -0.02),
            (0.42, 0.03),
            (0.5, 0.0),
            (0.52, 0.1),
            (0.42, 0.11),
            (0.2, 0.13),
            (0.06, 0.16),
        ]
    )
    crown = [
        leaf((0.0, -0.14), (np.sin(a) * 0.2 - 0.02, -0.18 - 0.17 * np.cos(a)), 0.06) for a in np.linspace(-0.9, 0.7, 5)
    ]
    skin = [marks(rings, darker(t["main"], 0.5), 0.55)]
    if t.get("stripe"):
        skin.append(marks(stripe_lines(rng), t["stripe"], 0.7))
    if t.get("dots"):
        skin.append(marks(spots(rng, (-0.4, -0.6, 0.5, 0.9), t["dots"], 0.016), lighter(t["main"], 0.6), 0.8))
    frill = (
        [
            part(
                [
                    leaf(
                        tuple(p - np.array([-d[1], d[0]]) * 0.08),
                        tuple(p - np.array([-d[1] - 0.3 * d[0], d[0]]) * (0.3 + rng.uniform(0, 0.14))),
                        0.07,
                    )
                    for p, d in zip(at[2:18:3], direction[2:18:3], strict=True)
                ],
                t["fin"],
                bulge=0.4,
            )
        ]
        if t.get("frill")
        else []
    )
    return [
        fan,
        *frill,
        part(knobs, lighter(t["main"], 0.15), gloss=0.3),
        part(trunk, t["main"], t["belly"], axis=(1.0, 0.1), texture="rough", grain=0.12, gloss=0.25, marks=skin),
        *moved(
            [
                part(crown, t["main"], gloss=0.2),
                part(
                    head,
                    t["main"],
                    lighter(t["main"], 0.15),
                    gloss=0.25,
                    texture="rough",
                    grain=0.1,
                    marks=[
                        marks(
                            [leaf((0.24 + 0.07 * k, -0.05), (0.25 + 0.07 * k, 0.16), 0.015) for k in range(3)],
                            darker(t["main"]),
                            0.5,
                        )
                    ],
                ),
                *eye(0.06, -0.05, 0.055, t["iris"], 0.5, rim=darker(t["main"], 0.3)),
                fin([(-0.1, 0.02), (-0.24, -0.03), (-0.26, 0.1), (-0.12, 0.1)], (-0.08, 0.06), t["fin"], "", 4),
            ],
            (0.04, -0.52),
            nod,
            1.05,
        ),
    ]


def stripe_lines(rng: Rng) -> list[np.ndarray]:
    """Wavy lines along a seahorse's trunk."""
    return [
        tube(
            [(x, -0.6), (x - 0.06 + rng.uniform(-0.03, 0.03), -0.2), (x + 0.03, 0.1), (x, 0.5)],
            (0.02, 0.03, 0.02),
        )
        for x in np.arange(-0.24, 0.25, 0.08)
    ]


FAMILY = Family(
    "animalia chordata actinopterygii syngnathiformes syngnathidae",
    _seahorse,
    ("reef", "kelp", "sand"),
    37,
    (
        species(
            "hippocampus kuda",
            main="#d9a02a",
            belly="#f2cf6a",
            fin="#e8b84a",
            iris="#5a2f10",
            knob=0.7,
            dots=60,
        ),
        species(
            "hippocampus guttulatus",
            main="#7a5a3a",
            belly="#b08a5a",
            fin="#8a6a44",
            iris="#2a1a10",
            knob=0.9,
            dots=160,
            frill=True,
        ),
        species(
            "hippocampus barbouri",
            main="#efe6cf",
            belly="#f9f4e6",
            fin="#d9c9a0",
            iris="#8a3a1a",
            knob=1.5,
            stripe="#a85a2a",
        ),
    ),
    "none",
    0.25,
)
