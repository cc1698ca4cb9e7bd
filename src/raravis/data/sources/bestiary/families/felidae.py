"""Cats: in profile, the face towards you; stripes, rosettes, a mane or ear tufts."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, blend, darker, eye, marks, moved, part, spots
from raravis.data.sources.bestiary._shapes import curve, ellipse, leaf, tube
from raravis.data.sources.bestiary.families._quadruped import coat_marks, leg

Rng = np.random.Generator


def _cat_head(rng: Rng, t: Traits) -> list[Part]:
    """A cat's face from the front, about one unit wide."""
    fur, pale, dark = t["fur"], t["pale"], t.get("dark", "#1a1410")
    ears: list[Part] = []
    for side in (-1, 1):
        reach = t.get("ear", 0.0)
        outer = curve(
            [
                (0.2 * side, -0.38),
                (0.34 * side, -0.62 - reach),
                (0.5 * side, -0.45 - reach / 2),
                (0.47 * side, -0.16),
            ]
        )
        inner = curve(
            [
                (0.27 * side, -0.38),
                (0.34 * side, -0.54 - reach * 0.8),
                (0.44 * side, -0.4),
                (0.4 * side, -0.2),
            ]
        )
        ears += [
            part(outer, darker(fur, 0.25), texture="fur"),
            part(inner, blend(pale, "#d99a8a", 0.4), bulge=0.3),
        ]
        if reach > 0.08:
            ears.append(part(leaf((0.34 * side, -0.55 - reach), (0.37 * side, -0.86 - reach), 0.06), "#15100c"))
    stroke: list[np.ndarray] = []
    if t.get("coat") == "stripes":
        for side in (-1, 1):
            stroke += [leaf((0.5 * side, y), (0.24 * side, y + 0.04), 0.06) for y in (-0.12, 0.04, 0.2)]
            stroke += [leaf((0.04 * side, y), (0.2 * side, y - 0.07), 0.05) for y in (-0.4, -0.3, -0.2)]
    elif t.get("coat"):
        stroke = spots(rng, (-0.35, -0.45, 0.35, -0.18), 14, 0.03)
    face = curve(
        [
            (0, -0.46),
            (0.32, -0.38),
            (0.5, -0.08),
            (0.45, 0.22),
            (0.22, 0.42),
            (0, 0.46),
            (-0.22, 0.42),
            (-0.45, 0.22),
            (-0.5, -0.08),
            (-0.32, -0.38),
        ]
    )
    cheeks = [ellipse(0.13, 0.24, 0.17, 0.15), ellipse(-0.13, 0.24, 0.17, 0.15), ellipse(0, 0.36, 0.13, 0.1)]
    whiskers = [leaf((0.14 * s, 0.25), (0.62 * s, 0.16 + 0.11 * k), 0.012) for s in (-1, 1) for k in range(3)]
    parts = list(ears)
    if t.get("mane"):
        angles = np.linspace(0, 2 * np.pi, 30, endpoint=False)
        lock = [
            leaf(
                (0, 0),
                (np.cos(a) * rng.uniform(0.75, 0.92), 0.1 + np.sin(a) * rng.uniform(0.75, 0.95)),
                0.3,
                0.6,
            )
            for a in angles
        ]
        parts = [part(lock, t["mane"], texture="fur", grain=0.4, line=0.5), *ears]
    parts += [
        part(
            face,
            fur,
            marks=[
                marks(stroke, dark, 0.9),
                marks([ellipse(0.24 * s, -0.1, 0.13, 0.11) for s in (-1, 1)], pale, 0.8, 0.05),
            ],
            texture="fur",
            flow=1.57,
            cast=0.6,
        ),
        part(cheeks, pale, texture="fur", grain=0.15, line=0.5, cast=0.3),
        part(curve([(-0.1, 0.06), (0.1, 0.06), (0.05, 0.15), (0, 0.18), (-0.05, 0.15)]), "#b8675c", gloss=0.3),
        part(
            [
                leaf((0, 0.17), (0, 0.29), 0.03),
                leaf((0, 0.28), (0.13, 0.31), 0.03),
                leaf((0, 0.28), (-0.13, 0.31), 0.03),
            ],
            "#2a1712",
            bulge=0,
            cast=0,
            line=0,
        ),
    ]
    for side in (-1, 1):
        parts += [part(leaf((0.1 * side, -0.02), (0.38 * side, -0.14), 0.17, 0.5), "#1a120c", bulge=0)]
        parts += eye(0.24 * side, -0.08, 0.08, t.get("iris", "#c9a227"), 0.5)
    return [*parts, part(whiskers, "#f4efe4", bulge=0, line=0.3, cast=0)]


def _cat(rng: Rng, t: Traits) -> list[Part]:
    fur, far = t["fur"], darker(t["fur"], 0.35)
    step = rng.uniform(-0.14, 0.14)
    coat = coat_marks(rng, t)
    fore, hind = (0.15, 0.1, 0.08, 0.075, 0.09), (0.2, 0.13, 0.075, 0.075, 0.09)
    trunk = curve(
        [
            (-0.6, -0.06),
            (-0.5, -0.2),
            (-0.2, -0.2),
            (0.1, -0.16),
            (0.35, -0.25),
            (0.55, -0.16),
            (0.58, 0.05),
            (0.42, 0.17),
            (0.1, 0.14),
            (-0.25, 0.09),
            (-0.5, 0.14),
        ]
    )
    lift = rng.uniform(-0.35, 0.3)
    length = t.get("tail", 1.0)
    tail = tube(
        [
            (-0.55, -0.08),
            (-0.55 - 0.2 * length, 0.08),
            (-0.55 - 0.38 * length, 0.1 + lift * 0.4),
            (-0.55 - 0.5 * length, lift),
        ],
        (0.1, 0.08, 0.075, 0.07),
    )
    near = [leg(0.42, 0.0, 0.56, step, fore, False), leg(-0.46, 0.0, 0.56, -step, hind, True)]
    head = moved(
        _cat_head(rng, t),
        (0.6 + rng.uniform(-0.03, 0.03), -0.27 + rng.uniform(-0.04, 0.08)),
        rng.uniform(-0.15, 0.15),
        0.5,
    )
    return [
        part(
            [leg(0.36, 0.0, 0.54, -step + 0.04, fore, False), leg(-0.38, 0.02, 0.54, step, hind, True)],
            far,
            texture="fur",
            marks=coat,
        ),
        part(
            tail,
            fur,
            texture="fur",
            marks=[*coat, marks(ellipse(-0.55 - 0.5 * length, lift, 0.09), t.get("dark", "#1a1410"))],
        ),
        part(
            [trunk, *near],
            fur,
            blend(fur, t["pale"], 0.55),
            texture="fur",
            grain=0.2,
            marks=[
                *coat,
                marks([ellipse(-0.3, 0.0, 0.03, 0.14, 0.3), ellipse(0.3, 0.02, 0.03, 0.12)], far, 0.35, 0.2),
            ],
        ),
        *head,
    ]


FAMILY = Family(
    "animalia chordata mammalia carnivora felidae",
    _cat,
    ("meadow", "forest", "savanna", "snow", "dusk"),
    300,
    (
        species("panthera tigris", fur="#d9822b", pale="#f3e6d0", coat="stripes", n=15, w=0.05, rings=0.5),
        species(
            "panthera pardus",
            fur="#d8a650",
            pale="#f1e4c8",
            coat="rosettes",
            heart="#b57d34",
            iris="#9db04a",
        ),
        species("panthera leo", fur="#c99a5b", pale="#ead7b2", mane="#6b3f1d", dark="#4a2c16"),
        species(
            "lynx lynx",
            fur="#b58f68",
            pale="#ece0cc",
            coat="spots",
            n=90,
            w=0.022,
            strength=0.7,
            ear=0.16,
            tail=0.35,
        ),
    ),
)
