"""Orb-weaving spiders, with or without the web."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Marks, Part, darker, marks, part, spots
from raravis.data.sources.bestiary._shapes import Points, curve, ellipse, leaf, round_at, tube

Rng = np.random.Generator


def _spider(rng: Rng, t: Traits) -> list[Part]:
    legs: list[Points] = []
    rings: list[Points] = []
    for s in (-1, 1):
        for root, angle, reach in (
            (-0.3, -1.15, 0.95),
            (-0.24, -0.6, 0.8),
            (-0.16, 0.12, 0.62),
            (-0.1, 0.85, 0.95),
        ):
            a = angle + rng.uniform(-0.12, 0.12)
            out = np.array([np.cos(a) * s, np.sin(a)])
            start = np.array([0.1 * s, root])
            knee = np.add(start + out * reach * 0.45, (0, -0.1 if angle < 0.5 else 0.06))
            foot = start + out * reach
            legs += [
                tube([start, (start + knee) / 2, knee], (0.085, 0.085, 0.06)),
                tube([knee, np.add((knee + foot) / 2, (0.03 * s, 0)), foot], (0.065, 0.05, 0.018)),
            ]
            rings += [
                round_at(
                    (start + (foot - start) * f + (knee - (start + foot) / 2) * 4 * f * (1 - f) * 0.9),
                    0.05,
                    0.032,
                    a,
                )
                for f in (0.3, 0.52, 0.72, 0.88)
            ]
    belly = curve(
        np.array(
            [
                (0, -0.16),
                (0.24, -0.12),
                (0.4, 0.1),
                (0.34, 0.46),
                (0.14, 0.72),
                (0, 0.76),
                (-0.14, 0.72),
                (-0.34, 0.46),
                (-0.4, 0.1),
                (-0.24, -0.12),
            ]
        )
        * np.array([t["wide"], t["long"]])
    )
    coat: list[Marks] = []
    if t["coat"] == "cross":
        coat = [
            marks(
                curve(
                    [
                        (0, -0.06),
                        (0.22, 0.1),
                        (0.12, 0.3),
                        (0.18, 0.42),
                        (0, 0.7),
                        (-0.18, 0.42),
                        (-0.12, 0.3),
                        (-0.22, 0.1),
                    ]
                ),
                t["dark"],
                0.7,
                0.03,
            ),
            marks(
                [ellipse(0, 0.02 + 0.075 * k, 0.028, 0.036) for k in range(6)]
                + [ellipse(0.07 * k, 0.16, 0.032, 0.024) for k in (-2, -1, 1, 2)],
                t["pale"],
            ),
        ]
    elif t["coat"] == "wasp":
        coat = [
            marks(
                [
                    tube([(-0.5, y), (0, y + 0.05 * np.sin(9 * y)), (0.5, y)], (0.06, 0.075, 0.06))
                    for y in np.arange(0.0, 0.8, 0.16)
                ],
                t["dark"],
            ),
            marks(
                [tube([(-0.5, y + 0.055), (0.5, y + 0.055)], (0.025,)) for y in np.arange(0.0, 0.8, 0.16)],
                t["pale"],
            ),
        ]
    else:
        coat = [
            marks(
                [tube([(0.05 * s, -0.1), (0.16 * s, 0.3), (0.05 * s, 0.7)], (0.06, 0.08, 0.03)) for s in (-1, 1)],
                t["dark"],
                0.8,
            ),
            marks(spots(rng, (-0.4, 0, 0.4, 0.7), 30, 0.02), t["pale"], 0.8),
        ]
    chest = curve(
        [
            (0, -0.5),
            (0.12, -0.47),
            (0.22, -0.28),
            (0.16, -0.1),
            (0, -0.06),
            (-0.16, -0.1),
            (-0.22, -0.28),
            (-0.12, -0.47),
        ]
    )
    palps = [tube([(0.06 * s, -0.46), (0.15 * s, -0.6), (0.09 * s, -0.7)], (0.06, 0.055, 0.06)) for s in (-1, 1)]
    eyes = [
        ellipse(x, y, 0.021, n=12)
        for x, y in (
            (0.03, -0.44),
            (-0.03, -0.44),
            (0.035, -0.39),
            (-0.035, -0.39),
            (0.095, -0.41),
            (-0.095, -0.41),
        )
    ]
    silk: list[Part] = []
    if rng.random() < 0.45:
        hub = np.array([0.0, 0.1])
        spokes = np.linspace(0, 2 * np.pi, 18, endpoint=False) + rng.uniform(-0.06, 0.06, 18)
        lines = [leaf(tuple(hub), tuple(hub + 1.15 * np.array([np.cos(a), np.sin(a)])), 0.01, 0.5) for a in spokes]
        for r in np.arange(0.3, 1.15, 0.1):
            knots = hub + r * np.column_stack([np.cos(spokes), np.sin(spokes)])
            lines += [leaf(tuple(p), tuple(q), 0.009, 0.5) for p, q in zip(knots, np.roll(knots, -1, 0), strict=True)]
        silk = [part(lines, "#f2f4f5", bulge=0, alpha=0.75, line=0.3, cast=0)]
    return [
        *silk,
        part(legs, t["leg"], texture="fur", grain=0.2, marks=[marks(rings, t["ring"], 0.9)], cast=0.4),
        part(palps, t["leg"], texture="fur"),
        part(
            chest,
            t["chest"],
            texture="fur",
            flow=1.57,
            marks=[marks(ellipse(0, -0.28, 0.05, 0.16), darker(t["chest"]), 0.6, 0.1)],
            cast=0.5,
        ),
        part(eyes, "#100c0c", gloss=1.0, line=0.3, cast=0.1),
        part(
            belly,
            t["main"],
            darker(t["main"], 0.15),
            texture="fur",
            grain=0.14,
            gloss=0.15,
            marks=coat,
            cast=0.7,
        ),
    ]


FAMILY = Family(
    "animalia arthropoda arachnida araneae araneidae",
    _spider,
    ("foliage", "meadow", "bark", "night"),
    48,
    (
        species(
            "araneus diadematus",
            main="#a8703a",
            dark="#5a3018",
            pale="#f5ead2",
            leg="#a8743f",
            ring="#4a2a16",
            chest="#9a7a52",
            coat="cross",
            wide=1.0,
            long=0.95,
        ),
        species(
            "argiope bruennichi",
            main="#f0d03a",
            dark="#17130f",
            pale="#f6f2e6",
            leg="#3a2f26",
            ring="#d8b85a",
            chest="#d8d8d6",
            coat="wasp",
            wide=0.85,
            long=1.15,
        ),
        species(
            "araniella cucurbitina",
            main="#a8d04a",
            dark="#e8e07a",
            pale="#f3f0a8",
            leg="#a8682a",
            ring="#8ab03a",
            chest="#c07a3a",
            coat="plain",
            wide=0.95,
            long=0.88,
        ),
    ),
    "drop",
    0.5,
)
