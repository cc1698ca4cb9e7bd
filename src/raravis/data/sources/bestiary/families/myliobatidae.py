"""Eagle rays and mantas from above."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Marks, Part, darker, eye, marks, part, spots
from raravis.data.sources.bestiary._shapes import curve, ellipse, leaf, tube

Rng = np.random.Generator


def _ray(rng: Rng, t: Traits) -> list[Part]:
    flap = rng.uniform(-0.12, 0.14)
    half = [
        (0.0, -0.42),
        (0.14, -0.4),
        (0.24, -0.3),
        (0.5, -0.2 + flap),
        (0.78, -0.16 + flap),
        (1.0, 0.02 + flap * 2.2),
        (0.66, 0.1 + flap),
        (0.36, 0.26),
        (0.14, 0.42),
        (0.0, 0.44),
    ]
    outline = curve(np.array([*half, *[(-x, y) for x, y in half[-2:0:-1]]]))
    sway = rng.uniform(-0.3, 0.3)
    tail = tube([(0, 0.38), (0.03 + sway * 0.2, 0.7), (sway, 1.0), (sway * 1.6, 1.3)], (0.06, 0.03, 0.02, 0.01))
    head = curve([(-0.13, -0.3), (-0.12, -0.5), (-0.05, -0.58), (0.05, -0.58), (0.12, -0.5), (0.13, -0.3)])
    horns = [
        curve([(0.12 * s, -0.36), (0.2 * s, -0.5), (0.17 * s, -0.64), (0.1 * s, -0.6), (0.08 * s, -0.4)])
        for s in (-1, 1)
    ]
    coat: list[Marks] = []
    if t.get("dots"):
        coat.append(marks(spots(rng, (-1, -0.4, 1, 0.5), t["dots"], t["dot"], 0.15), t["pale"], 0.95))
        if t.get("rings"):
            coat.append(marks(spots(rng, (-1, -0.4, 1, 0.5), t["dots"] // 2, t["dot"] * 0.6), t["back"], 0.8))
    if t.get("shoulder"):
        coat.append(
            marks(
                [curve([(0.12 * s, -0.28), (0.4 * s, -0.22), (0.5 * s, -0.08), (0.2 * s, -0.1)]) for s in (-1, 1)],
                t["pale"],
                0.9,
                0.06,
            )
        )
    spine = marks(ellipse(0, 0.0, 0.12, 0.4), darker(t["back"], 0.3), 0.5, 0.2)
    gills = [leaf((0.1 * s, -0.12 + 0.05 * k), (0.17 * s, -0.14 + 0.05 * k), 0.012) for s in (-1, 1) for k in range(4)]
    front = horns if t.get("horns") else head
    return [
        part(tail, darker(t["back"], 0.2)),
        part(
            [curve([(0.08 * s, 0.34), (0.17 * s, 0.46), (0.1 * s, 0.56), (0.02 * s, 0.44)]) for s in (-1, 1)],
            t["back"],
            bulge=0.5,
        ),
        part(
            [outline, *([front] if isinstance(front, np.ndarray) else front)],
            t["back"],
            gloss=0.3,
            texture="grain",
            grain=0.06,
            bulge=0.8,
            marks=[spine, *coat, marks(gills, "#12141a", 0.6)],
        ),
        *[p for s in (-1, 1) for p in eye(0.14 * s, -0.4, 0.032, "#1b1a1c", 0.5)],
    ]


FAMILY = Family(
    "animalia chordata chondrichthyes myliobatiformes myliobatidae",
    _ray,
    ("ocean", "sand", "deep", "reef"),
    44,
    (
        species("aetobatus narinari", back="#2b3440", pale="#f3f1ea", dots=90, dot=0.032, rings=True),
        species("mobula birostris", back="#22262d", pale="#c9ced2", shoulder=True, horns=True),
        species("myliobatis aquila", back="#75603f", pale="#a28a60"),
    ),
    "drop",
    0.7,
)
