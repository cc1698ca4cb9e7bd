"""Fins with rays."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._parts import Part, darker, marks, part
from raravis.data.sources.bestiary._shapes import curve, leaf, tube


def fin(
    points: list[tuple[float, float]], root: tuple[float, float], colour: str, edge: str = "", rays: int = 9
) -> Part:
    """A fin whose rays run out from `root`."""
    outline = curve(points)
    far = outline[:: max(1, len(outline) // (2 * rays))]
    lines = [leaf(root, tuple(p), 0.014, 0.5) for p in far]
    rim = [marks([tube(np.vstack([outline, outline[:1]])[::4], (0.05, 0.05))], edge, 0.95, 0.05)] if edge else []
    return part(
        outline,
        colour,
        bulge=0.25,
        gloss=0.2,
        alpha=0.95,
        marks=[marks(lines, darker(colour, 0.5), 0.45), *rim],
    )
