"""Swallowtails, wings spread."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, marks, moved, part
from raravis.data.sources.bestiary._shapes import curve, ellipse, leaf, place, round_at, tube
from raravis.data.sources.bestiary.families._insect import both

Rng = np.random.Generator


def _swallowtail(rng: Rng, t: Traits) -> list[Part]:
    lift, length = rng.uniform(-0.12, 0.12), t["tail"]
    fore = curve(
        [
            (0.02, -0.2),
            (0.24, -0.5),
            (0.62, -0.78),
            (0.95, -0.86),
            (0.98, -0.7),
            (0.86, -0.34),
            (0.72, -0.04),
            (0.4, 0.06),
            (0.05, 0.02),
        ]
    )
    hind = curve(
        [
            (0.03, 0.0),
            (0.34, 0.02),
            (0.62, 0.08),
            (0.7, 0.26),
            (0.62, 0.44),
            (0.5, 0.56),
            (0.45 + 0.1 * length, 0.62 + 0.3 * length),
            (0.42 + 0.1 * length, 0.66 + 0.42 * length),
            (0.36 + 0.06 * length, 0.62 + 0.34 * length),
            (0.34, 0.6),
            (0.18, 0.56),
            (0.06, 0.32),
        ]
    )
    fore = place(fore, turn=lift)
    veins = [
        leaf((0.04, -0.12), tuple(p), 0.022, 0.5)
        for p in place([(0.9, -0.78), (0.92, -0.6), (0.88, -0.42), (0.82, -0.26), (0.76, -0.1), (0.5, 0.02)], turn=lift)
    ]
    low = [
        leaf((0.05, 0.08), p, 0.02, 0.5) for p in ((0.68, 0.18), (0.68, 0.34), (0.58, 0.5), (0.44, 0.58), (0.26, 0.58))
    ]
    rim = tube(place([(1.0, -0.9), (0.95, -0.58), (0.82, -0.2), (0.66, 0.06)], turn=lift), (0.16, 0.16, 0.16, 0.13))
    moons = [
        round_at(p, 0.034, 0.028)
        for p in place([(0.92, -0.72), (0.9, -0.56), (0.855, -0.4), (0.8, -0.24), (0.73, -0.08)], turn=lift)
    ]
    hem = tube([(0.76, 0.1), (0.68, 0.34), (0.52, 0.54), (0.3, 0.62), (0.1, 0.48)], (0.18, 0.2, 0.2, 0.18, 0.12))
    pearls = [round_at(p, 0.042, 0.034) for p in ((0.66, 0.26), (0.59, 0.42), (0.46, 0.53), (0.31, 0.56))]
    tiger = (
        [
            tube(
                place([(x, -0.72 + 0.42 * (0.7 - x)), (x - 0.08, -0.3), (x - 0.12, 0.05)], turn=lift),
                (0.07, 0.05, 0.02),
            )
            for x in (0.3, 0.48, 0.66)
        ]
        if t.get("tiger")
        else []
    )
    parts: list[Part] = []
    for s in (-1, 1):
        wing = [
            part(
                hind,
                t["wing"],
                t["inner"],
                axis=(-1, 0.2),
                bulge=0.12,
                texture="grain",
                grain=0.1,
                cast=0.4,
                marks=[
                    marks(low, t["vein"], 0.8),
                    marks(hem, t["vein"], 1, 0.06),
                    marks(pearls, t["pearl"]),
                    marks(ellipse(0.19, 0.5, 0.07), t["spot"]),
                    marks(ellipse(0.19, 0.52, 0.03), "#1a1018"),
                ],
            ),
            part(
                fore,
                t["wing"],
                t["inner"],
                axis=(-1, 0.3),
                bulge=0.12,
                texture="grain",
                grain=0.1,
                cast=0.5,
                marks=[
                    marks([*veins, *tiger], t["vein"], 0.9),
                    marks(rim, t["vein"], 1, 0.06),
                    marks(moons, t["moon"]),
                ],
            ),
        ]
        parts += moved(wing, scale=(s * t.get("span", 1.0), 1))
    feelers = both(
        [
            tube([(0.03, -0.36), (0.12, -0.56), (0.26, -0.74)], (0.016, 0.014, 0.014)),
            ellipse(0.27, -0.75, 0.03, 0.02, -0.8),
        ]
    )
    rings = [leaf((-0.08, y), (0.08, y), 0.025, 0.5) for y in np.arange(0.08, 0.5, 0.07)]
    return [
        *parts,
        part(feelers, "#17120f", bulge=0.5, cast=0.2),
        part(
            leaf((0, -0.06), (0, 0.58), 0.12, 0.4),
            t["body"],
            texture="fur",
            marks=[marks(rings, t["moon"], 0.4)],
        ),
        part(ellipse(0, -0.14, 0.085, 0.15), t["body"], texture="fur", flow=1.57, grain=0.4),
        part(ellipse(0, -0.32, 0.06), darker(t["body"], 0.2)),
        part([ellipse(0.045, -0.34, 0.027), ellipse(-0.045, -0.34, 0.027)], "#2a201c", gloss=0.6),
    ]


FAMILY = Family(
    "animalia arthropoda insecta lepidoptera papilionidae",
    _swallowtail,
    ("meadow", "foliage", "sky", "leaves"),
    187,
    (
        species(
            "papilio machaon",
            wing="#f2d66a",
            inner="#f6e6a0",
            vein="#1d1917",
            pearl="#5a86c8",
            moon="#f5e28a",
            spot="#d8452a",
            body="#4a4030",
            tail=0.55,
        ),
        species(
            "papilio glaucus",
            wing="#f0c82a",
            inner="#f5dc5a",
            vein="#17130f",
            pearl="#4a7ac0",
            moon="#f6e07a",
            spot="#e07a2a",
            body="#5a4a26",
            tail=0.6,
            tiger=True,
        ),
        species(
            "papilio ulysses",
            wing="#2a86e8",
            inner="#4fb8f5",
            vein="#0d0e14",
            pearl="#2f6fc0",
            moon="#15171f",
            spot="#1b2a4a",
            body="#1a1c22",
            tail=0.7,
        ),
        species(
            "graphium agamemnon",
            wing="#8ad05a",
            inner="#b8e87a",
            vein="#1d1a14",
            pearl="#a8e06a",
            moon="#9ae05a",
            spot="#d84a3a",
            body="#4a4a3a",
            tail=0.25,
        ),
    ),
    "drop",
    0.7,
)
