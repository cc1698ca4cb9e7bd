"""Chameleons on a branch, the tail rolled up."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, eye, lighter, marks, moved, part, spots
from raravis.data.sources.bestiary._shapes import curve, leaf, round_at, tube

Rng = np.random.Generator


def _chameleon(rng: Rng, t: Traits) -> list[Part]:
    """In profile on a branch, its tail rolled up."""
    main, nod = t["main"], rng.uniform(-0.12, 0.12)
    body = curve(
        [
            (-0.42, 0.12),
            (-0.34, -0.12),
            (-0.1, -0.3),
            (0.15, -0.28),
            (0.34, -0.14),
            (0.36, 0.1),
            (0.1, 0.22),
            (-0.2, 0.22),
        ]
    )
    turns = rng.uniform(1.5, 2.1)
    a = np.linspace(0, turns * 2 * np.pi, 26)
    reach = 0.27 * (1 - a / a[-1] * 0.86)
    roll = np.column_stack([-0.5 + reach * np.sin(-a) * 0.95, 0.42 - reach * np.cos(a)])
    coil = np.vstack([[(-0.3, 0.06), (-0.4, 0.08)], roll])
    widths = np.linspace(0.17, 0.035, len(coil))
    coil_parts = [
        part(
            tube(coil[k : k + 6], widths[k : k + 6], steps=3),
            main,
            darker(main, 0.15),
            texture="scale",
            grain=0.2,
            line=0.5,
            cast=0.4,
            marks=[
                marks(
                    [tube([np.add(p, (0.0, -0.1)), np.add(p, (0.0, 0.1))], (0.022,)) for p in coil[k + 2 : k + 5 : 2]],
                    t["bar"],
                    0.5,
                )
            ],
        )
        for k in range(len(coil) - 6, -1, -5)
    ]
    head = curve(
        [
            (-0.22, 0.12),
            (-0.26, -0.06),
            (-0.22 - 0.06 * t["casque"], -0.16 - 0.2 * t["casque"]),
            (-0.06, -0.2),
            (0.14, -0.1),
            (0.3, 0.0),
            (0.34, 0.07),
            (0.28, 0.13),
            (0.08, 0.2),
            (-0.1, 0.22),
        ]
    )
    horn = (
        [
            part(
                [
                    tube([(x, -0.03), (x + 0.14, -0.1), (x + 0.27, -0.13)], (0.05, 0.035, 0.012))
                    for x in (0.12, 0.2, 0.28)
                ],
                "#b8a070",
            )
        ]
        if t.get("horns")
        else []
    )
    bars = [leaf((x, -0.32), (x + 0.03, 0.26), 0.085, 0.45) for x in np.linspace(-0.34, 0.3, t["n"])]
    crest = [
        leaf((x, y), (x - 0.015, y - 0.06), 0.05)
        for x, y in curve([(-0.34, -0.12), (-0.1, -0.29), (0.15, -0.27), (0.32, -0.14)], closed=False, steps=5)
    ]

    def limb(x: float, foot: float, colour: str) -> Part:
        return part(
            [
                tube([(x, 0.1), (x + 0.06, 0.28), (foot, 0.36), (foot, 0.46)], (0.13, 0.085, 0.075, 0.07)),
                *[tube([(foot, 0.44), (foot + 0.09 * s, 0.53)], (0.06, 0.045)) for s in (-1, 1)],
            ],
            colour,
            texture="scale",
            grain=0.2,
        )

    twig = part(
        tube(
            [(-0.95, 0.57 + nod * 0.6), (-0.3, 0.53), (0.4, 0.53), (1.0, 0.48 - nod * 0.5)],
            (0.12, 0.11, 0.1, 0.07),
        ),
        "#6f5638",
        texture="rough",
        grain=0.35,
    )
    turret = (0.05 + rng.uniform(-0.02, 0.02), -0.02)
    look = rng.uniform(-0.025, 0.03, 2)
    return [
        limb(0.2, 0.14, darker(main, 0.35)),
        limb(-0.24, -0.3, darker(main, 0.35)),
        twig,
        part(crest, darker(main, 0.1), line=0.5),
        *coil_parts,
        part(
            body,
            main,
            t["belly"],
            texture="scale",
            grain=0.25,
            marks=[
                marks(bars, t["bar"], 0.75, 0.05),
                marks(tube([(-0.35, 0.0), (0, -0.03), (0.34, 0.0)], (0.05,)), t["stripe"], 0.7, 0.05),
                marks(spots(rng, (-0.4, -0.3, 0.4, 0.25), 30, 0.016), t["stripe"], 0.8),
            ],
        ),
        limb(0.26, 0.32, main),
        limb(-0.3, -0.14, main),
        *moved(
            [
                *horn,
                part(
                    head,
                    main,
                    t["belly"],
                    texture="scale",
                    grain=0.2,
                    cast=0.6,
                    marks=[
                        marks(tube([(0.33, 0.06), (0.15, 0.1), (-0.02, 0.08)], (0.012,)), darker(main, 0.6)),
                        marks(leaf((0.1, 0.02), (-0.2, -0.16), 0.08), t["stripe"], 0.7, 0.05),
                    ],
                ),
                part(round_at(turret, 0.1), lighter(main, 0.12), texture="scale", grain=0.2, cast=0.6),
                *eye(turret[0] + look[0] + 0.01, turret[1] + look[1], 0.036, "#3a2a10", 0.7),
            ],
            (0.46, -0.14),
            nod,
            1.0,
        ),
    ]


FAMILY = Family(
    "animalia chordata reptilia squamata chamaeleonidae",
    _chameleon,
    ("foliage", "forest", "savanna"),
    38,
    (
        species(
            "furcifer pardalis",
            main="#2fa07a",
            belly="#7ac8a8",
            bar="#c8402a",
            stripe="#eef2e0",
            n=6,
            casque=0.3,
        ),
        species(
            "chamaeleo calyptratus",
            main="#6aa83a",
            belly="#b8d07a",
            bar="#d9a82a",
            stripe="#e9e07a",
            n=5,
            casque=1.2,
        ),
        species(
            "trioceros jacksonii",
            main="#7a9a3a",
            belly="#a8b85a",
            bar="#4a6a2a",
            stripe="#b8c87a",
            n=7,
            casque=0.2,
            horns=True,
        ),
    ),
    "none",
)
