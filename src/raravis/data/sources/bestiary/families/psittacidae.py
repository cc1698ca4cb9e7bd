"""Parrots on a branch."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, blend, darker, eye, marks, moved, part
from raravis.data.sources.bestiary._shapes import curve, leaf
from raravis.data.sources.bestiary.families._perch import branch, claws

Rng = np.random.Generator


def _parrot(rng: Rng, t: Traits) -> list[Part]:
    main, lean = t["main"], rng.uniform(-0.15, 0.2)
    size = t["tail"]
    body = curve([(-0.22, 0.5), (-0.3, 0.1), (-0.2, -0.28), (0.04, -0.4), (0.24, -0.22), (0.28, 0.12), (0.12, 0.46)])
    wing = curve([(-0.02, -0.3), (-0.22, -0.2), (-0.36, 0.15), (-0.38, 0.6), (-0.2, 0.42), (0.02, 0.12), (0.08, -0.14)])
    tail = [leaf((-0.14, 0.36), (-0.3 - 0.05 * k, 0.55 + size * (1 - 0.13 * k)), 0.13, 0.55) for k in range(4)]
    bands = [
        marks(curve([(-0.4, 0.0), (0.2, -0.05), (0.2, 0.2), (-0.4, 0.26)]), t["band"], 1, 0.08),
        marks(curve([(-0.5, 0.2), (0.2, 0.14), (0.1, 0.8), (-0.5, 0.8)]), t["quill"], 1, 0.1),
        marks([leaf((-0.1, 0.1), (-0.38 + 0.03 * k, 0.6 - 0.05 * k), 0.018) for k in range(6)], "#15151d", 0.5),
    ]
    head = curve([(-0.27, 0.1), (-0.25, -0.14), (-0.05, -0.27), (0.16, -0.2), (0.24, 0.0), (0.14, 0.2), (-0.1, 0.26)])
    upper = curve([(0.1, -0.15), (0.28, -0.14), (0.4, 0.02), (0.38, 0.22), (0.32, 0.27), (0.27, 0.1), (0.12, 0.08)])
    lower = curve([(0.1, 0.06), (0.26, 0.1), (0.28, 0.2), (0.16, 0.22)])
    cheek = curve([(-0.04, -0.1), (0.13, -0.14), (0.16, 0.08), (0.06, 0.2), (-0.08, 0.1)])
    lines = [leaf((-0.06, 0.02 + 0.05 * k), (0.14, -0.02 + 0.05 * k), 0.012) for k in range(4)]
    crest = (
        [
            part(
                [leaf((-0.05, -0.16), (-0.18 - 0.11 * k, -0.58 + 0.11 * k), 0.11) for k in range(4)],
                t["crest"],
                texture="fur",
            )
        ]
        if t.get("crest")
        else []
    )
    face = [
        *crest,
        part(lower, darker(t["beak"], 0.3)),
        part(head, t["head"], main, texture="feather", grain=0.15, cast=0.4),
        part(cheek, t["cheek"], bulge=0.4, line=0.6, cast=0.1, marks=[marks(lines, t["head"], 0.8)]),
        part(upper, t["beak"], blend(t["beak"], t["hook"], 0.9), gloss=0.4, cast=0.5),
        *eye(0.06, -0.05, 0.042, t["iris"], 0.55),
    ]
    return moved(
        [
            part(tail, t["tail_colour"], t["quill"], texture="feather", grain=0.15, gloss=0.1),
            part(body, main, t["belly"], axis=(0.8, 0.5), texture="feather", grain=0.18),
            *moved(branch(rng, 0.54, 0.75, 0.13), (0, 0), -lean),
            *claws((0.0, 0.14), 0.5, "#3c3a3c", 0.045),
            part(wing, main, texture="feather", grain=0.22, bulge=0.7, gloss=0.1, marks=bands, cast=0.5),
            *moved(face, (0.1, -0.48), rng.uniform(-0.25, 0.2), 1.1),
        ],
        turn=lean,
    )


FAMILY = Family(
    "animalia chordata aves psittaciformes psittacidae",
    _parrot,
    ("foliage", "forest", "sky"),
    50,
    (
        species(
            "ara macao",
            main="#d3232b",
            belly="#b81f2b",
            band="#f2c02a",
            quill="#2456b8",
            head="#d8262c",
            cheek="#f5ece0",
            beak="#efe4cf",
            hook="#201a18",
            iris="#e8d98a",
            tail=0.75,
            tail_colour="#c8232c",
        ),
        species(
            "ara ararauna",
            main="#2276c9",
            belly="#f2b21f",
            band="#2a86d6",
            quill="#1b4fa0",
            head="#2b8a6a",
            cheek="#f7f3ea",
            beak="#26211f",
            hook="#151211",
            iris="#e6dfa0",
            tail=0.72,
            tail_colour="#2470c0",
        ),
        species(
            "amazona ochrocephala",
            main="#3f9a3c",
            belly="#6fb84a",
            band="#4fa544",
            quill="#2f6f4a",
            head="#f0cf3a",
            cheek="#5fae48",
            beak="#d9cdb0",
            hook="#5a4a40",
            iris="#d9862c",
            tail=0.32,
            tail_colour="#3f8f40",
        ),
    ),
    "none",
)
