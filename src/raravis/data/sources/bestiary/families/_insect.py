"""What insects share: mirrored pairs and three pairs of legs."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._parts import Part, part
from raravis.data.sources.bestiary._shapes import Points, mirror, tube

Rng = np.random.Generator


def both(shapes: list[Points]) -> list[Points]:
    """The shapes and their mirror images."""
    return [*shapes, *(mirror(s) for s in shapes)]


def six_legs(
    rng: Rng, roots: tuple[float, ...], reach: float, width: float, colour: str, lean: tuple[float, ...]
) -> Part:
    """Three pairs of jointed legs to both sides."""
    found = []
    for s in (-1, 1):
        for root, k in zip(roots, lean, strict=True):
            wag = rng.uniform(-0.06, 0.06)
            knee = (s * (0.2 + reach * 0.5), root + k * 0.55 + wag - 0.04)
            foot = (s * (0.2 + reach), root + k * 1.3 + wag)
            found += [
                tube([(s * 0.12, root), knee], (width, width * 0.8)),
                tube([knee, foot], (width * 0.75, width * 0.4)),
                tube([foot, (foot[0] + s * 0.09, foot[1] + k * 0.3)], (width * 0.35, width * 0.2)),
            ]
    return part(found, colour, gloss=0.4, cast=0.4)
