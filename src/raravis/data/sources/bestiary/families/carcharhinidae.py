"""Requiem sharks from the side."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, eye, lighter, marks, part, spots
from raravis.data.sources.bestiary._shapes import curve, leaf, place, round_at, tube

Rng = np.random.Generator


def _shark(rng: Rng, t: Traits) -> list[Part]:
    sway = rng.uniform(-0.1, 0.1)
    back, pale = t["back"], t["pale"]
    tail = np.array([-0.78, -0.02 + sway])
    body = curve(
        [
            (0.86, 0.0),
            (0.7, -0.09),
            (0.4, -0.17),
            (0.08, -0.19),
            (-0.3, -0.11),
            (-0.62, -0.045 + sway * 0.6),
            np.add(tail, (0, -0.03)),
            np.add(tail, (0, 0.03)),
            (-0.6, 0.035 + sway * 0.6),
            (-0.25, 0.11),
            (0.1, 0.17),
            (0.45, 0.14),
            (0.74, 0.075),
        ]
    )
    white = curve(
        [
            (0.86, 0.03),
            (0.6, 0.02),
            (0.2, 0.055),
            (-0.25, 0.04),
            (-0.7, 0.02 + sway * 0.6),
            (-0.6, 0.3),
            (0.2, 0.4),
            (0.8, 0.3),
        ]
    )
    tip = [marks(round_at(t["tips"][k], 0.13, 0.1), t["tip"], 0.95, 0.2) for k in range(3)] if t.get("tip") else []
    dorsal = curve([(0.22, -0.14), (0.08, -0.3), (-0.03, -0.45), (-0.06, -0.42), (-0.04, -0.26), (-0.02, -0.15)])
    rear = [
        curve([(-0.42, -0.08), (-0.5, -0.16), (-0.53, -0.14), (-0.51, -0.06)]),
        curve([(-0.4, 0.06), (-0.5, 0.15), (-0.53, 0.13), (-0.5, 0.04)]),
    ]
    fluke = curve(
        [
            np.add(tail, (0.04, -0.03)),
            np.add(tail, (-0.1, -0.16)),
            np.add(tail, (-0.24, -0.36)),
            np.add(tail, (-0.27, -0.34)),
            np.add(tail, (-0.17, -0.06)),
            np.add(tail, (-0.16, 0.1)),
            np.add(tail, (-0.2, 0.22)),
            np.add(tail, (-0.17, 0.22)),
            np.add(tail, (-0.06, 0.08)),
            np.add(tail, (0.03, 0.03)),
        ]
    )
    pectoral = curve(
        [(0.38, 0.07), (0.26, 0.06), (0.02, 0.32), (-0.06, 0.45), (-0.02, 0.45), (0.2, 0.28), (0.36, 0.14)]
    )
    far = place(pectoral, (0.14, 0.03), -0.35, (0.8, 0.7))
    gills = [
        tube([(0.46 - 0.04 * k, -0.07), (0.44 - 0.04 * k, 0.0), (0.46 - 0.04 * k, 0.07)], (0.014,)) for k in range(5)
    ]
    grin = tube([(0.78, 0.055), (0.68, 0.085), (0.6, 0.06)], (0.014,))
    dots = (
        [marks(spots(rng, (-0.9, -0.5, 0.9, 0.05), t["dots"], 0.017), lighter(back, 0.55), 0.7)]
        if t.get("dots")
        else []
    )
    lines = (
        [
            marks(
                [leaf((x, -0.2), (x + 0.02, 0.06), 0.035) for x in np.arange(-0.6, 0.4, 0.1)],
                darker(back, 0.4),
                0.6,
            )
        ]
        if t.get("lines")
        else []
    )
    return [
        part(far, darker(back, 0.3), gloss=0.1, bulge=0.5),
        part([dorsal, *rear, fluke], back, darker(back, 0.2), marks=tip, bulge=0.6, gloss=0.15),
        part(
            body,
            back,
            lighter(back, 0.15),
            gloss=0.35,
            texture="grain",
            grain=0.05,
            marks=[
                *dots,
                *lines,
                marks(white, pale, 0.95, 0.05),
                marks([*gills, grin], darker(back, 0.6), 0.85),
            ],
        ),
        *eye(0.66, -0.03, 0.025, "#14161a", 0.5),
        part(pectoral, lighter(back, 0.06), darker(back, 0.15), marks=tip, bulge=0.6, gloss=0.2, cast=0.6),
    ]


FAMILY = Family(
    "animalia chordata chondrichthyes carcharhiniformes carcharhinidae",
    _shark,
    ("ocean", "reef", "deep"),
    52,
    (
        species(
            "carcharhinus melanopterus",
            back="#8a8272",
            pale="#efece4",
            tip="#16161a",
            tips=((-0.05, -0.45), (-1.02, -0.38), (-0.04, 0.44)),
        ),
        species("prionace glauca", back="#2f5fa8", pale="#eef1f4"),
        species("galeocerdo cuvier", back="#6a7a80", pale="#f0eee6", lines=True),
        species(
            "triaenodon obesus",
            back="#77746e",
            pale="#dddad2",
            tip="#f6f4ee",
            tips=((-0.05, -0.45), (-1.02, -0.38), (-1.0, 0.2)),
        ),
    ),
    "none",
    0.3,
)
