"""Hares and rabbits, sitting."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, blend, darker, eye, marks, moved, part
from raravis.data.sources.bestiary._shapes import curve, ellipse, leaf, place, tube
from raravis.data.sources.bestiary.families._quadruped import coat_marks

Rng = np.random.Generator


def _hare(rng: Rng, t: Traits) -> list[Part]:
    fur, far, pale = t["fur"], darker(t["fur"], 0.3), t["pale"]
    crouch = rng.uniform(-0.05, 0.12)
    trunk = curve(
        [
            (-0.55, 0.2),
            (-0.5, -0.08),
            (-0.28, -0.26),
            (0.0, -0.24),
            (0.24, -0.2 + crouch),
            (0.42, 0.0 + crouch),
            (0.36, 0.3),
            (0.1, 0.42),
            (-0.3, 0.44),
        ]
    )
    haunch = curve([(-0.5, 0.3), (-0.42, 0.0), (-0.18, -0.05), (0.0, 0.16), (-0.08, 0.38), (-0.3, 0.46)])
    foot = [tube([(-0.36, 0.42), (-0.1, 0.46), (0.1, 0.46)], (0.11, 0.09, 0.07))]
    arm = [tube([(0.28, 0.12), (0.36, 0.32), (0.38, 0.46), (0.45, 0.47)], (0.17, 0.09, 0.075, 0.07))]
    head = curve(
        [
            (-0.2, -0.02),
            (-0.1, -0.17),
            (0.06, -0.18),
            (0.2, -0.07),
            (0.26, 0.05),
            (0.2, 0.14),
            (0.04, 0.17),
            (-0.12, 0.14),
        ]
    )
    size, lean = t["ear"], rng.uniform(-0.45, 0.15)
    long_ear = curve(
        np.array(
            [
                (-0.03, 0.04),
                (-0.09, -0.2),
                (-0.05, -0.46),
                (0.0, -0.52),
                (0.055, -0.44),
                (0.08, -0.18),
                (0.04, 0.04),
            ]
        )
        * np.array([1.0, size])
    )
    tip = marks(ellipse(0, -0.52 * size, 0.09, 0.1), t.get("tip", fur), 0.95, 0.1)

    def hear(turn: float, colour: str) -> list[Part]:
        inner = place(long_ear, (0.01, -0.02), 0, (0.55, 0.88))
        return moved(
            [part(long_ear, colour, texture="fur", marks=[tip, marks(inner, "#d8a598", 0.6, 0.1)])],
            (-0.05, -0.12),
            turn,
        )

    face = [
        *hear(lean - 0.28, far),
        *hear(lean, fur),
        part(
            head,
            fur,
            blend(fur, pale, 0.6),
            texture="fur",
            cast=0.6,
            marks=[marks(ellipse(0.17, 0.08, 0.1, 0.07), pale, 0.6, 0.2)],
        ),
        part(ellipse(0.245, 0.02, 0.025, 0.02), "#c58a80"),
        *eye(0.06, -0.05, 0.04, t.get("iris", "#6b3d14"), rim=blend(fur, pale, 0.7)),
        part(
            [leaf((0.18, 0.06), (0.42, 0.02 + 0.07 * k), 0.009) for k in range(3)],
            "#f7f3ea",
            bulge=0,
            line=0.3,
            cast=0,
        ),
    ]
    return [
        part(
            [tube([(0.2, 0.16), (0.27, 0.34), (0.29, 0.46), (0.35, 0.47)], (0.15, 0.09, 0.075, 0.07))],
            far,
            texture="fur",
        ),
        part(ellipse(-0.56, 0.2, 0.12, 0.11), pale, texture="fur", grain=0.4),
        part(trunk, fur, pale, texture="fur", flow=0.3, grain=0.35, marks=coat_marks(rng, t)),
        part(arm, fur, pale, texture="fur", line=0.8),
        part(foot, blend(fur, pale, 0.4), texture="fur"),
        part(haunch, fur, blend(fur, pale, 0.4), texture="fur", flow=0.9, grain=0.35, line=0.7, cast=0.35),
        *moved(face, (0.36, -0.2 + crouch), rng.uniform(-0.2, 0.12), 1.05),
    ]


FAMILY = Family(
    "animalia chordata mammalia lagomorpha leporidae",
    _hare,
    ("meadow", "forest", "snow", "steppe"),
    31,
    (
        species("lepus europaeus", fur="#a67c4e", pale="#efe3cd", ear=1.15, tip="#17120e", iris="#b9802c"),
        species("lepus timidus", fur="#e9e6e1", pale="#fbfaf7", ear=0.85, tip="#1b1714"),
        species("oryctolagus cuniculus", fur="#857565", pale="#ded4c4", ear=0.7),
    ),
)
