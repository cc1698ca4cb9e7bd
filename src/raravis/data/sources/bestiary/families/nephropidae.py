"""Lobsters from above."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, marks, moved, part
from raravis.data.sources.bestiary._shapes import curve, ellipse, leaf, place, tube
from raravis.data.sources.bestiary.families._pincer import pincer

Rng = np.random.Generator


def _lobster(rng: Rng, t: Traits) -> list[Part]:
    main, bend = t["main"], rng.uniform(-0.16, 0.16)
    legs = [
        tube([(0.08 * s, y), (0.28 * s, y - 0.02 + k), (0.4 * s, y + 0.1 + 1.6 * k)], (0.05, 0.04, 0.012))
        for s in (-1, 1)
        for y, k in ((-0.2, -0.08), (-0.12, 0.0), (-0.04, 0.05), (0.04, 0.09))
    ]
    whips = [
        tube(
            [
                (0.05 * s, -0.5),
                (0.26 * s, -0.8 + rng.uniform(-0.1, 0.1)),
                (0.56 * s, -0.86),
                (0.8 * s, -0.5 + rng.uniform(-0.3, 0.3)),
            ],
            (0.025, 0.018, 0.014, 0.006),
        )
        for s in (-1, 1)
    ]
    arms: list[Part] = []
    for s in (-1, 1):
        size = t["claw"] * (1.12 if s > 0 else 0.92)
        arm = [
            part(tube([(0.1, -0.3), (0.28, -0.4), (0.32, -0.56)], (0.08, 0.1, 0.09)), main, gloss=0.4),
            *moved(
                [
                    part(
                        pincer(size, rng.uniform(0.05, 0.35)),
                        main,
                        t["tip"],
                        axis=(0, -1),
                        gloss=0.55,
                        texture="mottle",
                        grain=0.2,
                        cast=0.6,
                    )
                ],
                (0.32, -0.54),
                rng.uniform(-0.1, 0.2),
            ),
        ]
        arms += moved(arm, scale=(s, 1))
    tail: list[Part] = []
    for k in range(6, -1, -1):
        y, w = 0.14 + 0.095 * k, 0.175 - 0.011 * k
        x = bend * (k / 6) ** 2
        tail.append(
            part(
                curve(
                    [
                        (x - w, y - 0.06),
                        (x, y - 0.09),
                        (x + w, y - 0.06),
                        (x + w + 0.03, y + 0.07),
                        (x, y + 0.05),
                        (x - w - 0.03, y + 0.07),
                    ]
                ),
                main,
                darker(main, 0.25),
                gloss=0.45,
                texture="mottle",
                grain=0.18,
                cast=0.5,
            )
        )
    fan = [place(leaf((0, 0), (0, 0.3), 0.17, 0.7), (bend * 1.1, 0.74), a) for a in (-0.95, 0.95, -0.5, 0.5, 0)]
    shell = curve(
        [
            (0, -0.58),
            (0.05, -0.5),
            (0.15, -0.4),
            (0.19, -0.16),
            (0.17, 0.1),
            (0, 0.14),
            (-0.17, 0.1),
            (-0.19, -0.16),
            (-0.15, -0.4),
            (-0.05, -0.5),
        ]
    )
    groove = [
        tube([(-0.16, -0.12), (0, -0.04), (0.16, -0.12)], (0.02,)),
        tube([(0, -0.5), (0, 0.1)], (0.014,)),
    ]
    return [
        part(whips, t["whip"], line=0.6),
        part(legs, t["leg"], gloss=0.3),
        *arms,
        *[part(f, main, t["tip"], gloss=0.3, bulge=0.4, texture="streak", grain=0.1) for f in fan],
        *tail,
        part([ellipse(0.11 * s, -0.46, 0.035, 0.04) for s in (-1, 1)], "#0d0b0d", gloss=1.0),
        part(
            shell,
            main,
            darker(main, 0.1),
            gloss=0.55,
            texture="mottle",
            grain=0.2,
            marks=[marks(groove, darker(main, 0.5), 0.7)],
            cast=0.6,
        ),
    ]


FAMILY = Family(
    "animalia arthropoda malacostraca decapoda nephropidae",
    _lobster,
    ("sand", "reef", "rock", "deep"),
    36,
    (
        species("homarus gammarus", main="#2f4a7a", tip="#5a7ab0", leg="#8a4a3a", whip="#c8502f", claw=0.78),
        species("homarus americanus", main="#6a3a26", tip="#a85a32", leg="#a8602f", whip="#b0502a", claw=0.95),
        species("nephrops norvegicus", main="#e88a52", tip="#f5c8a0", leg="#f0a878", whip="#e87a4a", claw=0.66),
    ),
    "drop",
    0.7,
)
