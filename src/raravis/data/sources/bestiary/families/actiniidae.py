"""Sea anemones."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, lighter, marks, part, spots
from raravis.data.sources.bestiary._shapes import Points, curve, ellipse, round_at, tube

Rng = np.random.Generator


def _anemone(rng: Rng, t: Traits) -> list[Part]:
    column = curve(
        [
            (-0.46, 0.74),
            (-0.36, 0.5),
            (-0.36, 0.1),
            (-0.44, -0.1),
            (0.44, -0.1),
            (0.36, 0.1),
            (0.36, 0.5),
            (0.46, 0.74),
            (0, 0.8),
        ]
    )
    folds = [tube([(x, -0.1), (x * 0.9, 0.3), (x * 1.15, 0.78)], (0.02,)) for x in np.linspace(-0.4, 0.4, 9)]
    sway = rng.uniform(-0.25, 0.25)

    def ring(n: int, rx: float, ry: float, y: float, long: float) -> list[Points]:
        found = []
        for a in np.linspace(0, 2 * np.pi, n, endpoint=False) + rng.uniform(0, 1):
            root = np.array([rx * np.cos(a), y + ry * np.sin(a)])
            out = np.array([np.cos(a) * 0.85 + sway, np.sin(a) * 0.55 - 0.55])
            tip = root + out * long * rng.uniform(0.75, 1.15)
            bend = np.add((root + tip) / 2, (rng.uniform(-0.06, 0.06), -0.09))
            found.append(tube([root, bend, tip], (t["thick"], t["thick"] * 0.9, t["thick"] * t["knob"])))
        return found

    def arms(shapes: list[Points], colour: str) -> Part:
        tips = [round_at(s[len(s) // 2 - 2], t["thick"] * 0.75, n=10) for s in shapes]
        return part(
            shapes,
            colour,
            lighter(colour, 0.12),
            gloss=0.3,
            marks=[marks(tips, t["tip"], 0.95, 0.1)],
            line=0.8,
            cast=0.5,
        )

    disc = ellipse(0, -0.14, 0.42, 0.2)
    back, mid, front = (
        ring(16, 0.38, 0.16, -0.2, 0.62 * t["long"]),
        ring(15, 0.28, 0.1, -0.16, 0.56 * t["long"]),
        ring(12, 0.18, 0.06, -0.08, 0.44 * t["long"]),
    )
    low = [
        tube(
            [
                (x, -0.04 + 0.08 * (1 - abs(x) * 2)),
                (x * 1.35 + sway * 0.2, 0.02),
                (x * 1.7 + sway * 0.4, 0.14 + rng.uniform(-0.08, 0.08)),
            ],
            (t["thick"], t["thick"] * 0.9, t["thick"] * t["knob"]),
        )
        for x in np.linspace(-0.42, 0.42, 11)
    ]
    return [
        part(
            column,
            t["column"],
            darker(t["column"], 0.2),
            texture="rough",
            grain=0.15,
            gloss=0.2,
            marks=[
                marks(folds, darker(t["column"], 0.4), 0.5, 0.01),
                marks(spots(rng, (-0.5, 0, 0.5, 0.8), t["warts"], 0.022), t["wart"], 0.8),
            ],
        ),
        arms(back, darker(t["arm"], 0.25)),
        part(
            disc,
            darker(t["arm"], 0.35),
            texture="streak",
            marks=[marks(ellipse(0, -0.13, 0.12, 0.05), darker(t["arm"], 0.65), 1, 0.05)],
        ),
        arms(mid, darker(t["arm"], 0.1)),
        arms(front, t["arm"]),
        arms(low, lighter(t["arm"], 0.06)),
    ]


FAMILY = Family(
    "animalia cnidaria anthozoa actiniaria actiniidae",
    _anemone,
    ("reef", "rock", "sand"),
    30,
    (
        species(
            "actinia equina",
            column="#8a1f22",
            arm="#c8323a",
            tip="#d84a52",
            wart="#3a6ac8",
            warts=0,
            thick=0.09,
            knob=0.45,
            long=0.75,
        ),
        species(
            "anemonia viridis",
            column="#7a6a4a",
            arm="#7ac05a",
            tip="#b84ac8",
            wart="#8a7a5a",
            warts=20,
            thick=0.07,
            knob=0.5,
            long=1.2,
        ),
        species(
            "entacmaea quadricolor",
            column="#b0603a",
            arm="#d8a878",
            tip="#f3d8e0",
            wart="#8a4a2a",
            warts=0,
            thick=0.085,
            knob=1.3,
            long=1.0,
        ),
        species(
            "urticina felina",
            column="#b83a4a",
            arm="#e8c8c0",
            tip="#c84a5a",
            wart="#efe6d8",
            warts=60,
            thick=0.11,
            knob=0.4,
            long=0.7,
        ),
    ),
    "none",
    0.15,
)
