"""Land snails with banded shells."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Marks, Part, darker, lighter, marks, moved, part, spots
from raravis.data.sources.bestiary._shapes import Points, curve, ellipse, leaf, round_at, tube

Rng = np.random.Generator


def _whorls(turns: float, radius: float, decay: float, start: float, n: int = 14) -> list[tuple[Points, Points]]:
    """A shell's spiral from the mouth inwards, in quarter pieces: (centre points (K, 3: x, y, width), outline)."""
    a = np.linspace(0, turns * 2 * np.pi, int(turns * n))
    reach = radius * np.exp(-decay * a)
    width = reach * (1 - np.exp(-decay * 2 * np.pi)) * 1.18
    middle = reach - width * 0.42
    x, y = middle * np.cos(start - a), middle * np.sin(start - a)
    nodes = np.column_stack([x, y, width])
    pieces = []
    for k in range(0, len(a) - 2, 3):
        piece = nodes[k : k + 5]
        if len(piece) > 1:
            pieces.append((piece, tube(piece[:, :2], piece[:, 2], steps=3)))
    return pieces


def _snail(rng: Rng, t: Traits) -> list[Part]:
    stretch = rng.uniform(0.85, 1.15)
    flesh = t["flesh"]
    foot = curve(
        [
            (-0.85 * stretch, 0.42),
            (-0.5, 0.3),
            (0, 0.2),
            (0.42, 0.12),
            (0.62, -0.04),
            (0.78 * stretch, -0.1),
            (0.92 * stretch, 0.02),
            (0.86 * stretch, 0.2),
            (0.66, 0.36),
            (0.4, 0.44),
            (-0.3, 0.46),
        ]
    )
    lean = rng.uniform(-0.1, 0.12)
    horns, tips = [], []
    for x, y, dx, dy, w in (
        (0.84, -0.06, 0.16, -0.38, 0.045),
        (0.76, -0.07, -0.02, -0.42, 0.045),
        (0.9, 0.08, 0.15, 0.0, 0.035),
        (0.86, 0.12, 0.14, 0.06, 0.03),
    ):
        end = (x * stretch + dx + lean, y + dy)
        horns.append(tube([(x * stretch, y), (x * stretch + dx * 0.4, y + dy * 0.5), end], (w * 1.3, w, w * 0.8)))
        if w > 0.04:
            tips.append(round_at(end, 0.036))
    grooves = spots(rng, (-0.9, -0.1, 1.0, 0.46), 110, 0.016)
    shell = [part(ellipse(0, 0, 0.3), darker(t["shell"], 0.25), cast=0.3)]
    core = part(ellipse(0, 0, 0.085), darker(t["shell"], 0.1), gloss=0.45, line=0.5, cast=0.4)
    base = np.array([-0.12, -0.14])
    for piece, outline in reversed(_whorls(2.6, 0.52, t["decay"], 0.85)):
        coat: list[Marks] = [
            marks(
                [leaf(tuple(p[:2] * 0.6), tuple(p[:2] * 1.5), 0.012, 0.5) for p in piece[::2]],
                darker(t["shell"], 0.4),
                0.5,
            )
        ]
        for shift, width in t["bands"]:
            scaled = piece[:, :2] * (
                1 + shift * piece[:, 2:] / np.maximum(np.linalg.norm(piece[:, :2], axis=1, keepdims=True), 1e-6)
            )
            coat.append(marks(tube(scaled, np.maximum(piece[:, 2] * width, 0.008), steps=3), t["band"], 0.9))
        shell.append(
            part(outline, t["shell"], gloss=0.45, texture="grain", grain=0.07, marks=coat, line=0.45, cast=0.12)
        )
    mouth = [part(ellipse(0.22, 0.22, 0.2, 0.13, -0.5), t["lip"], gloss=0.3)]
    return [
        part(horns[1::2], darker(flesh, 0.2), texture="grain"),
        part(tips[1:], "#1b1512", gloss=0.5),
        part(
            foot,
            flesh,
            lighter(flesh, 0.2),
            texture="cells",
            grain=0.2,
            gloss=0.3,
            marks=[marks(grooves, darker(flesh, 0.35), 0.5)],
        ),
        part(horns[::2], flesh),
        part(tips[:1], "#1b1512", gloss=0.5),
        *mouth,
        *moved([*shell, core], tuple(base), rng.uniform(-0.2, 0.15), 1.12),
    ]


FAMILY = Family(
    "animalia mollusca gastropoda stylommatophora helicidae",
    _snail,
    ("leaves", "meadow", "bark", "rock"),
    33,
    (
        species(
            "helix pomatia",
            shell="#b8945f",
            band="#8a6238",
            bands=((0.1, 0.2),),
            lip="#e8d8c0",
            flesh="#a89a80",
            decay=0.11,
        ),
        species(
            "cepaea nemoralis",
            shell="#f0cf4a",
            band="#4a2a1a",
            bands=((0.28, 0.13), (0.0, 0.13), (-0.26, 0.1)),
            lip="#3a2218",
            flesh="#8a8070",
            decay=0.115,
        ),
        species(
            "cornu aspersum",
            shell="#8a6a42",
            band="#3a2818",
            bands=((0.24, 0.2), (-0.1, 0.22)),
            lip="#f0e6d4",
            flesh="#6a6458",
            decay=0.12,
        ),
        species(
            "arianta arbustorum",
            shell="#5f4228",
            band="#2a1a10",
            bands=((0.18, 0.12),),
            lip="#f3ead8",
            flesh="#33302c",
            decay=0.11,
        ),
    ),
)
