"""Vipers from above, in bends."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Marks, Part, eye, marks, moved, part
from raravis.data.sources.bestiary._shapes import along, curve, leaf, round_at, tube

Rng = np.random.Generator


def _snake(rng: Rng, t: Traits) -> list[Part]:
    """A viper from above in S-bends, head to the right."""
    n = 7
    x = np.linspace(-1.05, 0.8, n)
    swing = (
        rng.uniform(0.3, 0.48)
        * np.where(np.arange(n) % 2 == 0, 1, -1)
        * rng.choice([-1, 1])
        * rng.uniform(0.7, 1.15, n)
    )
    swing[-1] *= 0.3
    path = np.column_stack([x + rng.uniform(-0.06, 0.06, n), swing])
    stout = t["stout"]
    widths = np.array([0.015, 0.1, 0.16, 0.19, 0.19, 0.16, 0.1]) * stout
    at, way = along(path, np.linspace(0.03, 0.96, t["n"]))
    side = np.column_stack([-way[:, 1], way[:, 0]])
    wide = np.interp(np.linspace(0.03, 0.96, t["n"]), np.linspace(0, 1, n), widths)[:, None]
    coat: list[Marks] = []
    if t["coat"] == "zigzag":
        flip = np.where(np.arange(t["n"]) % 2 == 0, 1, -1)[:, None]
        line = at + side * wide * 0.2 * flip
        coat.append(marks(tube(line, wide[:, 0] * 0.34, steps=2), t["dark"]))
        coat.append(marks([round_at(p, 0.022) for p in at + side * wide * 0.4 * -flip], t["dark"], 0.8))
    elif t["coat"] == "diamonds":
        for grow, colour in ((0.5, t["pale"]), (0.4, t["dark"]), (0.2, t["main"])):
            coat.append(
                marks(
                    [
                        np.stack(
                            [
                                p + s * w * grow,
                                p + d * w * grow * 0.85,
                                p - s * w * grow,
                                p - d * w * grow * 0.85,
                            ]
                        )
                        for p, d, s, w in zip(at[::2], way[::2], side[::2], wide[::2], strict=True)
                    ],
                    colour,
                )
            )
    else:
        coat += [
            marks(
                [
                    tube([p + s * w, p + d * 0.01, p - s * w], (0.07,))
                    for p, d, s, w in zip(at[::3], way[::3], side[::3], wide[::3], strict=True)
                ],
                t["dark"],
                0.85,
            )
        ]
    end, ahead = along(path, [0.99])
    angle = float(np.arctan2(ahead[0, 1], ahead[0, 0]))
    skull = curve(
        [
            (-0.1, 0.0),
            (-0.06, -0.1),
            (0.04, -0.13),
            (0.18, -0.08),
            (0.26, -0.03),
            (0.26, 0.03),
            (0.18, 0.08),
            (0.04, 0.13),
            (-0.06, 0.1),
        ]
    )
    tongue = [tube([(0.25, 0), (0.34, 0.01), (0.42, k)], (0.014, 0.012, 0.006)) for k in (-0.03, 0.03)]
    face = [
        part(tongue, "#b8202a", bulge=0, line=0.4),
        part(
            skull,
            t["main"],
            texture="scale",
            grain=0.2,
            gloss=0.1,
            cast=0.7,
            marks=[
                marks([leaf((0.14, 0.07 * s), (-0.12, 0.09 * s), 0.04) for s in (-1, 1)], t["dark"]),
                marks([leaf((0.08, 0.0), (-0.1, 0.06 * s), 0.035) for s in (-1, 1)], t["dark"]),
            ],
        ),
        *eye(0.12, -0.075, 0.024, t["iris"], 0.5),
        *eye(0.12, 0.075, 0.024, t["iris"], 0.5),
    ]
    horns = (
        [part([leaf((0.2, 0.05 * s), (0.28, 0.11 * s), 0.03) for s in (-1, 1)], t["pale"])] if t.get("horns") else []
    )
    return [
        part(
            tube(path, widths, steps=9),
            t["main"],
            texture="scale",
            grain=0.3,
            gloss=0.12,
            marks=coat,
            cast=0.7,
        ),
        *moved([*face, *horns], tuple(end[0]), angle, 1.0 + 0.25 * stout),
    ]


FAMILY = Family(
    "animalia chordata reptilia squamata viperidae",
    _snake,
    ("leaves", "sand", "rock", "meadow"),
    80,
    (
        species(
            "vipera berus",
            main="#8f8a7a",
            dark="#1d1a18",
            pale="#b8b2a0",
            coat="zigzag",
            n=34,
            stout=0.95,
            iris="#b8452a",
        ),
        species(
            "crotalus adamanteus",
            main="#9a8458",
            dark="#3a2c1c",
            pale="#e8d9a8",
            coat="diamonds",
            n=44,
            stout=1.1,
            iris="#c9a04a",
        ),
        species(
            "bitis gabonica",
            main="#b89a72",
            dark="#4a3220",
            pale="#e6d3b0",
            coat="diamonds",
            n=26,
            stout=1.5,
            iris="#cfc7b0",
            horns=True,
        ),
        species(
            "bothriechis schlegelii",
            main="#e3b528",
            dark="#a87818",
            pale="#f4dc7a",
            coat="bands",
            n=60,
            stout=0.8,
            iris="#d9c25a",
        ),
    ),
    "drop",
    0.6,
)
