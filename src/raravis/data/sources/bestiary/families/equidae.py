"""Horses and zebras in profile."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Marks, Part, darker, eye, lighter, marks, moved, part, stripes
from raravis.data.sources.bestiary._shapes import curve, ellipse, leaf, place, tube
from raravis.data.sources.bestiary.families._quadruped import leg

Rng = np.random.Generator


def _horse(rng: Rng, t: Traits) -> list[Part]:
    hide, dark = t["fur"], t["dark"]
    step = rng.uniform(-0.16, 0.16)
    nod = rng.uniform(-0.12, 0.3)
    fore, hind = (0.17, 0.1, 0.065, 0.055, 0.075), (0.22, 0.15, 0.07, 0.06, 0.075)
    trunk = curve(
        [
            (-0.6, -0.1),
            (-0.48, -0.26),
            (-0.2, -0.24),
            (0.1, -0.22),
            (0.34, -0.28),
            (0.52, -0.14),
            (0.5, 0.08),
            (0.3, 0.18),
            (0, 0.2),
            (-0.3, 0.14),
            (-0.52, 0.12),
        ]
    )
    neck = place(tube([(0, 0), (0.18, -0.24), (0.3, -0.44)], (0.4, 0.25, 0.19)), (0.36, -0.1), nod)
    pole = place([(0.3, -0.47)], (0.36, -0.1), nod)[0]
    head = curve(
        [
            (-0.07, -0.07),
            (0.06, -0.09),
            (0.2, 0.03),
            (0.35, 0.17),
            (0.4, 0.25),
            (0.35, 0.32),
            (0.27, 0.3),
            (0.14, 0.2),
            (0, 0.13),
            (-0.08, 0.07),
        ]
    )
    lean = nod * 0.7 + 0.12
    band: list[Marks] = []
    face: list[Marks] = []
    if t.get("coat") == "stripes":
        lines = stripes(rng, (-0.7, -0.4, 0.6, 0.35), t["n"], t["w"], -0.12, 0.4)
        throat = [place(q, (0.36, -0.1), nod) for q in stripes(rng, (-0.2, -0.05, 0.5, 0.05), 1, 0.01)]
        collar = [
            place(
                leaf((-0.3 + s * 0.1, -0.02 - 0.075 * s * 1.25), (0.45 + s * 0.1, -0.06 - 0.1 * s), 0.055, 0.5),
                (0.36, -0.1),
                nod,
            )
            for s in np.arange(0.2, 5.2, 0.85)
        ]
        bars = [
            leaf((x - 0.2, y), (x + 0.2, y), 0.033, 0.5)
            for y in np.arange(0.16, t["rings"], 0.065)
            for x in (-0.52, 0.4)
        ]
        band = [marks([*lines, *throat[:0], *collar, *bars], dark)]
        face = [
            marks(
                [
                    leaf((0.0 + 0.055 * k, -0.14 + 0.045 * k), (-0.02 + 0.06 * k, 0.22 + 0.03 * k), 0.028, 0.5)
                    for k in range(6)
                ],
                dark,
            )
        ]
    mane_path = place([(0.26, -0.54), (0.13, -0.4), (0.02, -0.22), (-0.08, -0.06)], (0.36, -0.1), nod)
    mane_tips = [
        leaf(
            tuple(p),
            tuple(p + place([(-0.17, 0.02)], turn=nod + rng.uniform(-0.2, 0.5))[0] * t.get("mane", 0.7)),
            0.14,
        )
        for p in np.linspace(mane_path[0], mane_path[-1], 12)
    ]
    muzzle = marks(ellipse(0.36, 0.26, 0.1), darker(dark, 0.2), 0.9, 0.12)
    ears = [leaf((0.0, -0.04), (-0.01, -0.22), 0.075), leaf((-0.06, -0.02), (-0.1, -0.2), 0.075)]
    swish = rng.uniform(-0.15, 0.15)
    return [
        part(
            [leg(0.34, 0, 0.66, -step, fore, False), leg(-0.4, 0, 0.66, step, hind, True)],
            darker(hide, 0.3),
            texture="fur",
            marks=band,
        ),
        part(
            tube(
                [(-0.58, -0.18), (-0.7, -0.05), (-0.74 + swish, 0.2), (-0.7 + swish * 1.6, 0.42)],
                (0.05, 0.08, 0.13, 0.03),
            ),
            t.get("hair", dark),
            texture="fur",
            flow=1.57,
            grain=0.4,
        ),
        part(mane_tips, t.get("hair", dark), texture="fur", flow=0.8, grain=0.4, line=0.6),
        part(
            [trunk, neck, leg(0.42, 0, 0.68, step, fore, False), leg(-0.48, 0, 0.68, -step, hind, True)],
            hide,
            t.get("pale", lighter(hide, 0.25)),
            texture="fur",
            grain=0.12,
            gloss=0.12,
            marks=[
                *band,
                marks(
                    [ellipse(-0.3, -0.02, 0.03, 0.16, 0.3), ellipse(0.28, 0, 0.03, 0.15)],
                    darker(hide),
                    0.4,
                    0.2,
                ),
            ],
        ),
        part([ellipse(x, 0.67, 0.05, 0.04) for x in (0.49 + step, -0.51 - step)], "#2a211c", cast=0.1),
        *moved(
            [
                part(ears, hide, texture="fur"),
                part(head, hide, marks=[*face, muzzle], texture="fur", grain=0.12),
                *eye(0.08, 0.0, 0.03),
                part(ellipse(0.355, 0.235, 0.022, 0.016), "#120c0a", bulge=0),
            ],
            tuple(pole),
            lean,
            1.0,
        ),
    ]


FAMILY = Family(
    "animalia chordata mammalia perissodactyla equidae",
    _horse,
    ("savanna", "meadow", "steppe", "dusk"),
    63,
    (
        species(
            "equus quagga",
            fur="#efe9de",
            dark="#191614",
            coat="stripes",
            n=13,
            w=0.06,
            rings=0.62,
            mane=0.55,
        ),
        species(
            "equus grevyi",
            fur="#f1ece2",
            dark="#241d18",
            coat="stripes",
            n=22,
            w=0.03,
            rings=0.66,
            mane=0.6,
        ),
        species("equus przewalskii", fur="#bd8d5a", dark="#3a281b", pale="#e8d5b5", mane=0.5),
    ),
)
