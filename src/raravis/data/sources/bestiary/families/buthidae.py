"""Scorpions from above, the sting curled."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, lighter, moved, part
from raravis.data.sources.bestiary._shapes import Points, curve, ellipse, round_at, tube
from raravis.data.sources.bestiary.families._pincer import pincer

Rng = np.random.Generator


def _scorpion(rng: Rng, t: Traits) -> list[Part]:
    main, sway = t["main"], rng.uniform(-1, 1)
    legs: list[Points] = []
    for s in (-1, 1):
        for k, (root, dy) in enumerate(((-0.24, -0.22), (-0.17, 0.04), (-0.1, 0.26), (-0.04, 0.46))):
            wag = rng.uniform(-0.05, 0.05)
            legs += [
                tube(
                    [
                        (0.1 * s, root),
                        (0.3 * s, root + dy * 0.5 - 0.05),
                        (0.45 * s, root + dy + wag),
                        ((0.52 + 0.02 * k) * s, root + dy * 1.3 + wag + 0.06),
                    ],
                    (0.06, 0.055, 0.04, 0.015),
                )
            ]
    arms: list[Part] = []
    for s in (-1, 1):
        turn = rng.uniform(-0.2, 0.35)
        arm = [
            part(
                [
                    tube([(0.1, -0.3), (0.3, -0.36), (0.38, -0.48)], (0.08, 0.09, 0.07)),
                    tube([(0.38, -0.46), (0.36, -0.62), (0.3, -0.68)], (0.08, 0.1, 0.07)),
                ],
                main,
                gloss=0.4,
            ),
            *moved(
                [
                    part(
                        pincer(t["claw"], 0.2 + turn * 0.4, t["slim"]),
                        t["pincer"],
                        darker(t["pincer"], 0.25),
                        gloss=0.45,
                    )
                ],
                (0.3, -0.66),
                -0.35 - turn * 0.5,
            ),
        ]
        arms += moved(arm, scale=(s, 1))
    rings: list[Part] = []
    for k, y in enumerate(np.linspace(0.3, -0.12, 7)):
        w = (0.11, 0.15, 0.18, 0.2, 0.2, 0.19, 0.17)[k]
        rings.append(
            part(
                ellipse(0, y, w, 0.07),
                main if k % 2 else lighter(main, 0.06),
                darker(main, 0.3),
                gloss=0.4,
                texture="grain",
                grain=0.08,
                cast=0.5,
            )
        )
    angle = np.pi / 2
    spot = np.array([0.0, 0.4])
    tail: list[Part] = []
    for k in range(5):
        angle += (0.16 + 0.24 * k) * (sway * 0.35 + (0.55 if sway >= 0 else -0.55))
        step = 0.165 * np.array([np.cos(angle), np.sin(angle)])
        tail.append(
            part(
                round_at((spot + step / 2), 0.115, t["tail"] * (0.075 + 0.006 * k), angle),
                main,
                darker(main, 0.2),
                gloss=0.4,
                cast=0.5,
            )
        )
        spot = spot + step
    side = np.array([-np.sin(angle), np.cos(angle)]) * (1 if sway >= 0 else -1)
    ahead = np.array([np.cos(angle), np.sin(angle)])
    sting = [
        part(round_at((spot + ahead * 0.07), 0.095, 0.07, float(angle)), darker(main, 0.1), gloss=0.5),
        part(
            tube(
                [spot + ahead * 0.12, spot + ahead * 0.21 + side * 0.06, spot + ahead * 0.2 + side * 0.17],
                (0.06, 0.035, 0.008),
            ),
            "#2a1710",
            gloss=0.4,
        ),
    ]
    shield = curve(
        [
            (0, -0.42),
            (0.13, -0.42),
            (0.19, -0.26),
            (0.17, -0.12),
            (-0.17, -0.12),
            (-0.19, -0.26),
            (-0.13, -0.42),
        ]
    )
    return [
        part(legs, t["leg"], gloss=0.3),
        *arms,
        *tail,
        *sting,
        *rings,
        part(shield, darker(main, 0.12), gloss=0.45, texture="grain", grain=0.1, cast=0.6),
        part([ellipse(0.03, -0.29, 0.022), ellipse(-0.03, -0.29, 0.022)], "#0c0909", gloss=1.0),
        part([ellipse(0.05, -0.43, 0.045, 0.06), ellipse(-0.05, -0.43, 0.045, 0.06)], t["pincer"], gloss=0.3),
    ]


FAMILY = Family(
    "animalia arthropoda arachnida scorpiones buthidae",
    _scorpion,
    ("sand", "rock", "night"),
    42,
    (
        species(
            "leiurus quinquestriatus",
            main="#d8b24a",
            leg="#e8cf7a",
            pincer="#e0bd5a",
            claw=0.6,
            slim=0.6,
            tail=0.95,
        ),
        species(
            "androctonus crassicauda",
            main="#3a2a22",
            leg="#4a362a",
            pincer="#33241d",
            claw=0.62,
            slim=0.85,
            tail=1.35,
        ),
        species(
            "centruroides sculpturatus",
            main="#c08a4a",
            leg="#e0b878",
            pincer="#b0743a",
            claw=0.66,
            slim=0.55,
            tail=0.8,
        ),
    ),
    "drop",
    0.7,
)
