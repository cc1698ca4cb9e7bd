"""What perching birds share: a branch and the claws around it."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._parts import Part, part
from raravis.data.sources.bestiary._shapes import tube

Rng = np.random.Generator


def branch(rng: Rng, y: float, reach: float = 0.95, width: float = 0.12) -> list[Part]:
    """A perch from left to right at the height y."""
    wave = rng.uniform(-0.06, 0.06, 4)
    path = [(-reach, y + wave[0]), (-0.3, y + wave[1] * 0.3), (0.3, y), (reach, y + wave[2])]
    twig = tube([(0.45, y), (0.62, y - 0.16), (0.7, y - 0.3)], (0.06, 0.04, 0.02))
    return [
        part(
            [tube(path, (width, width * 0.9, width * 0.8, width * 0.6)), twig],
            "#6b5138",
            texture="rough",
            grain=0.4,
        )
    ]


def claws(xs: tuple[float, ...], y: float, colour: str, size: float = 0.05) -> list[Part]:
    toes = [
        tube([(x + k * size, y - size), (x + k * size * 1.2, y + size)], (size, size * 0.7))
        for x in xs
        for k in (-1, 0, 1)
    ]
    return [part(toes, colour, gloss=0.2)]
