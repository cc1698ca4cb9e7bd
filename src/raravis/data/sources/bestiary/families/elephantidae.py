"""Elephants in profile: trunk, ear, tusks."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, blend, darker, eye, lighter, marks, part
from raravis.data.sources.bestiary._shapes import curve, ellipse, leaf, place, tube
from raravis.data.sources.bestiary.families._quadruped import leg

Rng = np.random.Generator


def _elephant(rng: Rng, t: Traits) -> list[Part]:
    hide = t["fur"]
    step = rng.uniform(-0.1, 0.1)
    stump, ear = (0.27, 0.22, 0.2, 0.2, 0.22), t["ear"]
    trunk = curve(
        [
            (-0.66, -0.05),
            (-0.58, -0.32),
            (-0.3, -0.46),
            (0.0, t["back"]),
            (0.3, -0.42),
            (0.5, -0.2),
            (0.45, 0.12),
            (0.2, 0.22),
            (-0.2, 0.24),
            (-0.52, 0.16),
        ]
    )
    curl = rng.uniform(-0.25, 0.45)
    nose = tube(
        [
            (0.78, -0.18),
            (0.9, 0.06),
            (0.9 + curl * 0.2, 0.32),
            (0.88 + curl * 0.7, 0.5 - max(curl, 0) * 0.3),
            (0.9 + curl * 1.1, 0.58 - max(curl, 0) * 0.6),
        ],
        (0.28, 0.19, 0.14, 0.1, 0.085),
    )
    skull = curve(
        [
            (0.4, -0.35),
            (0.55, -0.52),
            (0.72, -0.5),
            (0.86, -0.32),
            (0.9, -0.1),
            (0.78, 0.1),
            (0.6, 0.12),
            (0.42, 0.0),
        ]
    )
    flap = curve(
        np.array(
            [
                (0.02, -0.32),
                (0.2, -0.42),
                (0.38, -0.3),
                (0.42, 0.0),
                (0.28, 0.26),
                (0.12, 0.34),
                (0.0, 0.14),
                (-0.1, -0.1),
            ]
        )
        * ear
        + np.array([0.62 - 0.36 * ear, -0.15])
    )
    wrinkle = [
        leaf((0.8 + 0.01 * k, -0.1 + k * 0.085), (1.0 + 0.01 * k, -0.12 + k * 0.085), 0.014, 0.5) for k in range(7)
    ]
    creases = [
        leaf((x, y), (x + 0.16, y + rng.uniform(-0.05, 0.05)), 0.014)
        for x, y in rng.uniform((-0.6, -0.3), (0.4, 0.5), (16, 2))
    ]
    back = [leg(0.24, 0.05, 0.66, -step, stump, False), leg(-0.34, 0.05, 0.66, step, stump, False)]
    near = [leg(0.36, 0.0, 0.7, step, stump, False), leg(-0.5, 0.0, 0.7, -step, stump, False)]
    nails = [ellipse(x + k * 0.06 + 0.03, 0.72, 0.026, 0.022) for x in (0.37 + step, -0.49 - step) for k in range(3)]
    tusk = t["tusk"]
    ivory = (
        [
            tube(
                [(0.76, 0.02), (0.88 + tusk * 0.1, 0.16), (0.96 + tusk * 0.3, 0.18 - tusk * 0.1)],
                (0.07, 0.06, 0.02),
            )
        ]
        if tusk
        else []
    )
    parts = [
        part(back, darker(hide, 0.35), texture="cells", grain=0.1),
        part(
            [
                tube([(-0.64, -0.18), (-0.72, 0.05), (-0.7, 0.24)], (0.05, 0.035, 0.02)),
                leaf((-0.7, 0.2), (-0.71, 0.36), 0.06),
            ],
            darker(hide, 0.3),
        ),
        part(
            [trunk, *near],
            hide,
            darker(hide, 0.12),
            texture="cells",
            grain=0.13,
            marks=[marks(creases, darker(hide), 0.5)],
        ),
        part(nails, lighter(hide, 0.45), bulge=0.5, cast=0.1),
        part(
            [skull, nose],
            hide,
            texture="cells",
            grain=0.12,
            marks=[marks(wrinkle, darker(hide), 0.6)],
            cast=0.6,
        ),
    ]
    if ivory:
        parts.append(part(ivory, "#efe6cd", gloss=0.3))
    parts += eye(0.68, -0.2, 0.03, "#3b2a18", rim=darker(hide, 0.3))
    return [
        *parts,
        part(
            flap,
            lighter(hide, 0.06),
            texture="cells",
            grain=0.12,
            bulge=0.6,
            cast=0.9,
            marks=[marks(place(flap, (0.12, -0.06), 0, 0.8), blend(hide, "#b98f84", 0.5), 0.35, 0.2)],
        ),
    ]


FAMILY = Family(
    "animalia chordata mammalia proboscidea elephantidae",
    _elephant,
    ("savanna", "forest", "steppe", "dusk"),
    39,
    (
        species("loxodonta africana", fur="#857c74", ear=1.05, tusk=1.0, back=-0.36),
        species("loxodonta cyclotis", fur="#75665a", ear=0.85, tusk=0.5, back=-0.4),
        species("elephas maximus", fur="#7f7d80", ear=0.65, tusk=0.0, back=-0.52),
    ),
)
