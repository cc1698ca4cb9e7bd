"""Tree frogs that look at you over their knees."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, lighter, marks, moved, part, spots
from raravis.data.sources.bestiary._shapes import curve, ellipse, leaf, tube

Rng = np.random.Generator


def _frog(rng: Rng, t: Traits) -> list[Part]:
    """A tree frog that looks at you over its knees."""
    main, wide = t["main"], t["wide"]
    body = curve(
        [
            (0, -0.32),
            (0.3 * wide, -0.28),
            (0.42 * wide, 0.04),
            (0.38 * wide, 0.36),
            (0, 0.48),
            (-0.38 * wide, 0.36),
            (-0.42 * wide, 0.04),
            (-0.3 * wide, -0.28),
        ]
    )
    head = curve(
        [
            (0, -0.3),
            (0.24, -0.28),
            (0.44 * wide, -0.08),
            (0.42 * wide, 0.08),
            (0.2, 0.2),
            (0, 0.23),
            (-0.2, 0.2),
            (-0.42 * wide, 0.08),
            (-0.44 * wide, -0.08),
            (-0.24, -0.28),
        ]
    )
    throat = curve([(0.34, 0.04), (0.2, 0.19), (0, 0.26), (-0.2, 0.19), (-0.34, 0.04), (0, 0.13)])
    smile = tube(
        [(-0.4 * wide, 0.02), (-0.18, 0.11), (0, 0.13), (0.18, 0.11), (0.4 * wide, 0.02)],
        (0.012, 0.02, 0.012),
    )
    parts: list[Part] = []
    for s in (-1, 1):
        spread = rng.uniform(-0.05, 0.07)
        thigh = [
            tube([(0.22 * s, 0.34), (0.56 * s, 0.12 + spread), (0.62 * s, 0.06 + spread)], (0.22, 0.22, 0.16)),
            tube([(0.6 * s, 0.06 + spread), (0.62 * s, 0.34), (0.5 * s, 0.5)], (0.16, 0.13, 0.09)),
        ]
        toes = [tube([(0.5 * s, 0.49), ((0.58 + 0.13 * k) * s, 0.58 - 0.03 * k)], (0.05, 0.035)) for k in range(3)]
        pads = [ellipse((0.58 + 0.13 * k) * s, 0.58 - 0.03 * k, 0.042) for k in range(3)]
        parts += [
            part(
                thigh,
                main,
                t["flank"],
                axis=(s, 1.2),
                gloss=0.4,
                texture="grain",
                grain=0.08,
                marks=[
                    marks(
                        [tube([(0.4 * s, 0.05 + 0.12 * k), (0.75 * s, 0.05 + 0.12 * k)], (0.035,)) for k in range(4)],
                        t["bar"],
                        t["bars"],
                    )
                ],
            ),
            part([*toes, *pads], t["toe"], gloss=0.4, line=0.7),
        ]
    parts += [part(body, t["belly"], gloss=0.2)]
    for s in (-1, 1):
        reach = rng.uniform(-0.05, 0.06)
        toes = [
            tube([((0.2 + reach) * s, 0.55), ((0.2 + reach + 0.1 * k) * s, 0.66)], (0.05, 0.035)) for k in (-1, 0, 1)
        ]
        pads = [ellipse((0.2 + reach + 0.1 * k) * s, 0.67, 0.04) for k in (-1, 0, 1)]
        parts += [
            part(
                tube([(0.3 * s, 0.2), (0.36 * s, 0.38), ((0.2 + reach) * s, 0.55)], (0.15, 0.11, 0.08)),
                main,
                lighter(main, 0.1),
                gloss=0.4,
            ),
            part([*toes, *pads], t["toe"], gloss=0.4, line=0.7),
        ]
    skin = (
        [marks(spots(rng, (-0.45, -0.4, 0.45, 0.1), t["spots"], t["spot"], 0.35), t["bar"], 0.8)]
        if t.get("spots")
        else []
    )
    face = [
        part(
            head,
            main,
            lighter(main, 0.12),
            gloss=0.4,
            texture="grain",
            grain=0.06,
            cast=0.6,
            marks=[
                *skin,
                marks(throat, t["belly"], 0.9, 0.08),
                marks([smile, ellipse(0.06, -0.04, 0.014), ellipse(-0.06, -0.04, 0.014)], darker(main, 0.7)),
            ],
        )
    ]
    for s in (-1, 1):
        face += [
            part(ellipse(0.29 * s, -0.24, 0.17, 0.16), main, gloss=0.3, cast=0.4),
            part(ellipse(0.3 * s, -0.24, 0.125), t["iris"], gloss=0.6, bulge=0.6),
            part(leaf((0.3 * s, -0.34), (0.3 * s, -0.14), 0.09, 0.5), "#0b0808", bulge=0, line=0, cast=0),
            part(ellipse(0.26 * s - 0.01, -0.28, 0.03, n=12), "#ffffff", bulge=0, line=0, cast=0),
        ]
    return [*parts, *moved(face, (0, -0.16), rng.uniform(-0.12, 0.12))]


FAMILY = Family(
    "animalia chordata amphibia anura hylidae",
    _frog,
    ("foliage", "leaves", "river", "night"),
    46,
    (
        species(
            "agalychnis callidryas",
            main="#5fbf2a",
            flank="#2f5fc0",
            belly="#f4efd8",
            toe="#f08a2a",
            iris="#d8201a",
            bar="#e8d85a",
            bars=0.8,
            wide=0.95,
        ),
        species(
            "hyla arborea",
            main="#7ac23a",
            flank="#8aca4a",
            belly="#f2efdc",
            toe="#a8c86a",
            iris="#c9a23a",
            bar="#5a7a2a",
            bars=0.2,
            wide=1.0,
        ),
        species(
            "trachycephalus resinifictrix",
            main="#8a7a68",
            flank="#d9cdb8",
            belly="#e8e2d4",
            toe="#7ab0a8",
            iris="#e0b84a",
            bar="#3a2f28",
            bars=0.9,
            wide=1.08,
            spots=16,
            spot=0.06,
        ),
        species(
            "dryophytes cinereus",
            main="#3f9a4a",
            flank="#e8e8b8",
            belly="#f5f2e4",
            toe="#4fa050",
            iris="#b8902a",
            bar="#f0e08a",
            bars=0.1,
            wide=0.88,
            spots=12,
            spot=0.018,
        ),
    ),
)
