"""Swimming crabs from above."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, lighter, marks, moved, part, spots
from raravis.data.sources.bestiary._shapes import Points, curve, ellipse, leaf, round_at, tube
from raravis.data.sources.bestiary.families._pincer import pincer

Rng = np.random.Generator


def _crab(rng: Rng, t: Traits) -> list[Part]:
    main, wide = t["main"], t["wide"]
    legs: list[Points] = []
    pads: list[Points] = []
    for s in (-1, 1):
        for root, dx, dy in ((-0.02, 0.5, -0.06), (0.1, 0.52, 0.12), (0.2, 0.46, 0.3), (0.28, 0.36, 0.42)):
            wag = rng.uniform(-0.06, 0.06)
            base = np.array([0.34 * s * wide, root])
            knee = np.add(base, (s * dx * 0.55, dy * 0.3 - 0.1 + wag))
            foot = np.add(base, (s * dx, dy + 0.05 + wag))
            legs += [tube([base, knee], (0.13, 0.1)), tube([knee, foot], (0.09, 0.06))]
            tip = np.add(foot, (s * 0.05, 0.14))
            legs.append(tube([foot, tip], (0.055, 0.012)))
            if root > 0.25 and t.get("paddle"):
                pads.append(round_at((np.add(foot, (s * 0.07, 0.06))), 0.12, 0.075, s * 0.7))
    arms: list[Part] = []
    for s in (-1, 1):
        size = t["claw"] * (t["big"] if s > 0 else 1.0)
        raise_ = rng.uniform(-0.25, 0.3)
        arm = [
            part(
                [tube([(0.3 * wide, -0.14), (0.52 * wide, -0.26), (0.6 * wide, -0.36)], (0.15, 0.16, 0.13))],
                main,
                darker(main, 0.2),
                gloss=0.4,
            ),
            *moved(
                [
                    part(
                        pincer(size, rng.uniform(0.0, 0.4)),
                        t["pincer"],
                        lighter(t["pincer"], 0.3),
                        axis=(0.2, -1.0),
                        gloss=0.5,
                        texture="grain",
                        grain=0.08,
                        cast=0.6,
                    )
                ],
                (0.6 * wide, -0.34),
                -0.5 + raise_,
            ),
        ]
        arms += moved(arm, scale=(s, 1))
    half = [
        (0, -0.24),
        (0.16, -0.27),
        (0.36, -0.22),
        (0.52, -0.06),
        (0.46, 0.14),
        (0.3, 0.34),
        (0.1, 0.4),
        (0, 0.4),
    ]
    shell = curve(np.array([*half, *[(-x, y) for x, y in half[-2:0:-1]]]) * np.array([wide, 1.0]))
    teeth = [
        leaf(
            (0.4 * wide * s + 0.02 * s * k, -0.18 + 0.05 * k),
            (0.47 * wide * s + 0.035 * s * k, -0.24 + 0.05 * k),
            0.06,
        )
        for s in (-1, 1)
        for k in range(4)
    ]
    lines = [tube([(0.0, 0.02), (0.14 * s, 0.06), (0.16 * s, 0.2), (0.08 * s, 0.32)], (0.016,)) for s in (-1, 1)] + [
        tube([(0.2 * s, -0.1), (0.34 * s * wide, -0.02)], (0.016,)) for s in (-1, 1)
    ]
    coat = [marks(lines, darker(main, 0.5), 0.6)]
    if t.get("dots"):
        coat.append(marks(spots(rng, (-0.6, -0.3, 0.6, 0.4), t["dots"], 0.03, 0.1), t["dot"], 0.85))
    stalks = [tube([(0.1 * s, -0.22), (0.13 * s, -0.26 - t["stalk"])], (0.05, 0.04)) for s in (-1, 1)]
    eyes = [ellipse(0.13 * s, -0.28 - t["stalk"], 0.045, 0.055) for s in (-1, 1)]
    feelers = [tube([(0.04 * s, -0.26), (0.07 * s, -0.36)], (0.018, 0.01)) for s in (-1, 1)]
    return [
        part(legs, t["leg"], gloss=0.3, texture="grain", grain=0.08, cast=0.5),
        *([part(pads, t["leg"], gloss=0.4, bulge=0.4)] if pads else []),
        *arms,
        part([*stalks, *feelers], main),
        part(eyes, "#131013", gloss=1.0),
        part([shell, *teeth], main, t["under"], gloss=0.55, texture="mottle", grain=0.2, marks=coat, cast=0.8),
    ]


FAMILY = Family(
    "animalia arthropoda malacostraca decapoda portunidae",
    _crab,
    ("sand", "shore", "reef", "rock"),
    59,
    (
        species(
            "callinectes sapidus",
            main="#5a7a8a",
            under="#8a9a8a",
            leg="#4a8ac0",
            pincer="#3f7fc8",
            claw=0.62,
            big=1.0,
            wide=1.22,
            stalk=0.06,
            paddle=True,
        ),
        species(
            "carcinus maenas",
            main="#5a6a3a",
            under="#8a7a4a",
            leg="#7a6a3f",
            pincer="#8a7a44",
            claw=0.6,
            big=1.15,
            wide=0.98,
            stalk=0.05,
            dots=50,
            dot="#c8c07a",
        ),
        species(
            "portunus sanguinolentus",
            main="#b85a3a",
            under="#d89a6a",
            leg="#c8643f",
            pincer="#c84a2f",
            claw=0.72,
            big=1.0,
            wide=1.15,
            stalk=0.08,
            paddle=True,
            dots=12,
            dot="#6a1f1a",
        ),
    ),
    "drop",
    0.5,
)
