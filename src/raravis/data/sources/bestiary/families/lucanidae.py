"""Stag beetles from above."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, marks, part
from raravis.data.sources.bestiary._shapes import curve, ellipse, mirror, place, tube
from raravis.data.sources.bestiary.families._insect import both, six_legs

Rng = np.random.Generator


def _stag(rng: Rng, t: Traits) -> list[Part]:
    shell, gape, jaw = t["shell"], rng.uniform(-0.14, 0.2), t["jaw"]
    wing = curve([(0.0, -0.06), (0.22, -0.06), (0.34, 0.06), (0.36, 0.4), (0.24, 0.78), (0.02, 0.92), (0.0, 0.9)])
    thorax = curve(
        [
            (0, -0.32),
            (0.24, -0.3),
            (0.34, -0.2),
            (0.3, -0.06),
            (0, -0.04),
            (-0.3, -0.06),
            (-0.34, -0.2),
            (-0.24, -0.3),
        ]
    )
    head = curve(
        [
            (0, -0.56),
            (0.2, -0.54),
            (0.28, -0.46),
            (0.24, -0.32),
            (0, -0.28),
            (-0.24, -0.32),
            (-0.28, -0.46),
            (-0.2, -0.54),
        ]
    )
    arc = np.array(
        [
            (0.14, -0.5),
            (0.34 * (0.6 + jaw * 0.4), -0.5 - 0.24 * jaw),
            (0.36 * (0.6 + jaw * 0.4), -0.5 - 0.5 * jaw),
            (0.16, -0.5 - 0.74 * jaw),
        ]
    )
    fangs = [
        tube(arc, (0.14, 0.11, 0.09, 0.025)),
        tube(
            [
                np.add(arc[1], (0.0, -0.06 * jaw)),
                np.add(arc[1], (-0.1, -0.14 * jaw)),
                np.add(arc[1], (-0.15, -0.15 * jaw)),
            ],
            (0.07, 0.05, 0.015),
        ),
        tube([arc[2], np.add(arc[2], (-0.03, -0.1)), np.add(arc[2], (0.02, -0.2 * jaw))], (0.07, 0.05, 0.015)),
    ]
    pinch = [place(f - (0.14, -0.5), (0.14, -0.5), gape) for f in fangs]
    elbow = [
        tube([(0.24, -0.46), (0.42, -0.5), (0.46, -0.62)], (0.03, 0.025, 0.02)),
        *[ellipse(0.46 + 0.02 * k, -0.64 - 0.045 * k, 0.035, 0.02) for k in range(3)],
    ]
    lines = [tube([(x, 0.0), (x * 1.25, 0.4), (x * 0.7, 0.84)], (0.012,)) for x in (-0.2, -0.12, 0.12, 0.2)]
    return [
        six_legs(rng, (-0.16, 0.08, 0.3), 0.42, 0.075, darker(t["leg"], 0.1), (-0.36, 0.12, 0.42)),
        part(both(elbow), t["leg"], gloss=0.3),
        part(both(pinch), t["horn"], darker(t["horn"], 0.3), gloss=0.7, cast=0.6),
        part(head, darker(t["neck"], 0.1), gloss=0.5, texture="grain", grain=0.08),
        part(both([ellipse(0.25, -0.43, 0.04)]), "#0d0a0a", gloss=0.8),
        part(thorax, t["neck"], gloss=0.6, texture="grain", grain=0.06, cast=0.7),
        *[
            part(
                w,
                shell,
                darker(shell, 0.3),
                gloss=0.75,
                cast=0.5,
                texture="grain",
                grain=0.05,
                marks=[marks(lines, darker(shell, 0.5), 0.5)],
            )
            for w in (wing, mirror(wing))
        ],
        part(curve([(-0.06, -0.06), (0.06, -0.06), (0, 0.07)]), darker(shell, 0.2), gloss=0.4),
    ]


FAMILY = Family(
    "animalia arthropoda insecta coleoptera lucanidae",
    _stag,
    ("leaves", "bark", "forest", "rock"),
    30,
    (
        species("lucanus cervus", shell="#4a2418", neck="#1d1513", horn="#6a2a1c", leg="#1a1312", jaw=1.0),
        species("lamprima aurata", shell="#3fa04a", neck="#c8a02a", horn="#a8862a", leg="#3a5a3a", jaw=0.5),
        species(
            "cyclommatus metallifer",
            shell="#b0824a",
            neck="#9a6a3a",
            horn="#8a5a34",
            leg="#5a3c26",
            jaw=1.4,
        ),
    ),
    "drop",
    0.9,
)
