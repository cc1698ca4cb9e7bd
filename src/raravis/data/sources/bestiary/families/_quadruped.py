"""What four-legged mammals share: legs and coats."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Traits
from raravis.data.sources.bestiary._parts import Marks, marks, spots, stripes
from raravis.data.sources.bestiary._shapes import leaf, place, tube

Rng = np.random.Generator


def leg(x: float, y: float, foot: float, swing: float, widths: tuple[float, ...], back: bool) -> np.ndarray:
    """A leg from hip or shoulder (x, y) down to `foot`; hind legs bend backwards at the hock."""
    drop = foot - y
    bend = -0.09 if back else 0.03
    knee = (x + swing * 0.3 + (0.05 if back else 0.01), y + drop * 0.42)
    hock = (x + swing * 0.75 + bend * drop * 2, y + drop * 0.72)
    ankle = (x + swing + bend * drop * 0.6, foot - 0.03)
    return tube([(x, y), knee, hock, ankle, (ankle[0] + 0.05, foot)], widths)


def coat_marks(rng: Rng, t: Traits) -> list[Marks]:
    """The pattern of a coat over the whole trunk and legs."""
    kind, dark = t.get("coat", ""), t.get("dark", "#1a1410")
    if kind == "stripes":
        return [marks(stripes(rng, (-0.75, -0.5, 0.7, 0.3), t["n"], t["w"], 0.1, 0.5), dark), *rings(rng, t)]
    if kind == "rosettes":
        found = spots(rng, (-0.8, -0.5, 0.8, 0.6), 130, 0.042, 0.3)
        return [
            marks(found, dark),
            marks([place((p - p.mean(0)) * 0.5, p.mean(0)) for p in found], t["heart"]),
        ]
    if kind == "spots":
        return [marks(spots(rng, (-0.8, -0.6, 0.8, 0.6), t["n"], t["w"]), dark, t.get("strength", 1.0))]
    return []


def rings(rng: Rng, t: Traits) -> list[Marks]:
    """Bars across the legs."""
    rows = np.arange(0.2, t.get("rings", 0.5), 0.06)
    bars = [
        leaf((x - 0.15, y), (x + 0.16, y + rng.uniform(-0.02, 0.02)), 0.028, 0.5) for y in rows for x in (-0.5, 0.42)
    ]
    return [marks(bars, t.get("dark", "#1a1410"))]
