"""Ladybirds from above."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, marks, moved, part
from raravis.data.sources.bestiary._shapes import curve, ellipse, leaf, place, tube
from raravis.data.sources.bestiary.families._insect import both, six_legs

Rng = np.random.Generator


def _ladybird(rng: Rng, t: Traits) -> list[Part]:
    spread = rng.uniform(0.0, 0.14)
    wing = curve([(0, -0.3), (0.26, -0.3), (0.52, -0.1), (0.58, 0.2), (0.42, 0.54), (0.16, 0.7), (0, 0.72)])
    dots = [ellipse(x, y, t["dot"] * rng.uniform(0.9, 1.1), t["dot"] * rng.uniform(0.9, 1.1)) for x, y in t["at"]]
    middle = [ellipse(0, -0.22, t["dot"] * 0.9, t["dot"] * 1.3)] if t.get("middle") else []
    coat = [marks([*dots, *middle], t["spot"])]
    if t.get("halo"):
        coat.insert(
            0,
            marks([place(d - d.mean(0), d.mean(0), scale=1.5) for d in (*dots, *middle)], t["halo"], 0.9, 0.02),
        )
    flat = part(wing, t["shell"], darker(t["shell"], 0.15), gloss=0.95, cast=0.7, marks=coat)
    right = moved(moved([flat], (0, 0.3)), (0, -0.3), -spread)
    left = moved(right, scale=(-1, 1))
    shield = curve(
        [
            (0, -0.52),
            (0.24, -0.48),
            (0.36, -0.32),
            (0.3, -0.22),
            (0, -0.24),
            (-0.3, -0.22),
            (-0.36, -0.32),
            (-0.24, -0.48),
        ]
    )
    feelers = both([tube([(0.1, -0.62), (0.2, -0.72), (0.25, -0.72)], (0.025, 0.025, 0.045))])
    gauze = (
        [part(both([leaf((0.08, 0.2), (0.3 + spread, 0.95), 0.2, 0.6)]), "#c9b9a0", bulge=0.1, alpha=0.7)]
        if spread > 0.07
        else []
    )
    return [
        six_legs(rng, (-0.26, 0.02, 0.3), 0.5, 0.065, "#1d1715", (-0.22, 0.06, 0.26)),
        *gauze,
        part(ellipse(0, 0.2, 0.4, 0.46), "#191413"),
        part(feelers, "#1d1715", cast=0.2),
        part(
            ellipse(0, -0.54, 0.17, 0.13),
            "#171212",
            gloss=0.5,
            marks=[marks(both([ellipse(0.1, -0.56, 0.035)]), "#f5efe2")],
        ),
        part(
            shield,
            "#171212",
            gloss=0.7,
            marks=[marks(both([ellipse(0.26, -0.4, 0.1, 0.08, 0.6)]), t["cheek"])],
        ),
        *left,
        *right,
    ]


FAMILY = Family(
    "animalia arthropoda insecta coleoptera coccinellidae",
    _ladybird,
    ("foliage", "leaves", "meadow"),
    30,
    (
        species(
            "coccinella septempunctata",
            shell="#d3261c",
            spot="#151011",
            cheek="#f5efe2",
            dot=0.1,
            middle=True,
            at=((0.34, 0.02), (0.22, 0.28), (0.36, 0.44)),
        ),
        species(
            "psyllobora vigintiduopunctata",
            shell="#f2cf1f",
            spot="#151011",
            cheek="#f2d84a",
            dot=0.055,
            at=(
                (0.18, -0.16),
                (0.38, -0.06),
                (0.5, 0.12),
                (0.3, 0.12),
                (0.12, 0.1),
                (0.44, 0.32),
                (0.24, 0.34),
                (0.1, 0.44),
                (0.3, 0.5),
                (0.14, 0.6),
            ),
        ),
        species(
            "anatis ocellata",
            shell="#a83a1f",
            spot="#1a1110",
            cheek="#efe6d4",
            halo="#efd9b0",
            dot=0.06,
            at=(
                (0.2, -0.12),
                (0.42, 0.0),
                (0.14, 0.14),
                (0.34, 0.2),
                (0.5, 0.26),
                (0.2, 0.4),
                (0.36, 0.46),
            ),
        ),
        species(
            "harmonia axyridis",
            shell="#1a1516",
            spot="#d8341f",
            cheek="#f5efe2",
            dot=0.13,
            at=((0.3, 0.04), (0.26, 0.42)),
        ),
    ),
    "drop",
    1.1,
)
