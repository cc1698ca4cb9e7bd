"""Penguins from the front, the head turned."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, eye, lighter, marks, moved, part
from raravis.data.sources.bestiary._shapes import curve, ellipse, leaf, mirror, place, tube

Rng = np.random.Generator


def _penguin(rng: Rng, t: Traits) -> list[Part]:
    stout, flap, look = t["stout"], rng.uniform(0.05, 0.7), rng.choice([-1, 1])
    body = curve(
        [
            (0, -0.62),
            (0.2 * stout, -0.52),
            (0.34 * stout, -0.1),
            (0.38 * stout, 0.4),
            (0.24 * stout, 0.86),
            (0, 0.92),
            (-0.24 * stout, 0.86),
            (-0.38 * stout, 0.4),
            (-0.34 * stout, -0.1),
            (-0.2 * stout, -0.52),
        ]
    )
    belly = place(body, (0.0, 0.12), 0, (0.76, 0.86))
    arm = curve([(0.0, -0.04), (0.1, 0.1), (0.13, 0.4), (0.06, 0.66), (0.0, 0.62), (-0.05, 0.3)])
    feet = [
        curve([(x - 0.12, 0.98), (x - 0.06, 0.86), (x + 0.08, 0.86), (x + 0.14, 0.98), (x, 1.0)]) for x in (-0.16, 0.16)
    ]
    head = curve([(-0.2, 0.2), (-0.21, -0.04), (-0.1, -0.2), (0.07, -0.21), (0.2, -0.08), (0.19, 0.1), (0.16, 0.24)])
    bill = curve([(0.14, -0.08), (0.3, -0.04), (0.3 + t["bill"], 0.02), (0.28, 0.05), (0.14, 0.06)])
    face: list[Part] = []
    coat = [marks(curve([(0.02, 0.0), (0.2, 0.04), (0.2, 0.4), (-0.1, 0.4)]), "#f5f2ea", t["chin"], 0.05)]
    if t.get("patch"):
        coat.append(
            marks(
                curve([(-0.14, -0.04), (-0.04, -0.06), (-0.03, 0.14), (0.06, 0.3), (-0.08, 0.3), (-0.16, 0.12)]),
                t["patch"],
                1,
                0.05,
            )
        )
    if t.get("cap"):
        coat.append(
            marks(
                curve([(-0.14, -0.22), (0.0, -0.2), (0.1, -0.06), (0.02, 0.0), (-0.1, -0.06)]),
                "#f5f2ea",
                1,
                0.03,
            )
        )
    if t.get("brow"):
        face.append(
            part(
                [leaf((0.1, -0.1), (-0.34, -0.2 - 0.08 * k), 0.05) for k in range(4)],
                t["brow"],
                texture="fur",
                line=0.6,
            )
        )
    if t.get("ring"):
        coat.append(marks(ellipse(0.08, -0.05, 0.07), "#f5f2ea"))
    face = [
        part(head, t["hood"], texture="fur", grain=0.15, marks=coat, cast=0.3),
        part(bill, t["beak"], darker(t["beak"], 0.4), gloss=0.3),
        *face,
        *eye(0.08, -0.05, 0.032, t["iris"], 0.6),
    ]
    stripe = (
        [
            marks(mirror(p) if s < 0 else p, t["back"], 1, 0.02)
            for s in (-1, 1)
            for p in (tube([(0.36, 0.9), (0.3, 0.2), (0.2, -0.26), (0.0, -0.36)], (0.05, 0.06, 0.05, 0.05)),)
        ]
        if t.get("stripe")
        else []
    )
    turned = moved(face, (0.0, -0.64), rng.uniform(-0.12, 0.12), t["face"])
    return [
        part([leaf((-0.1, 0.75), (-0.02, 1.08), 0.16)], t["back"]),
        part(feet, t["foot"], texture="rough", grain=0.2),
        part(body, t["back"], texture="fur", flow=1.57, grain=0.18, gloss=0.1),
        part(
            belly,
            lighter(t["bib"], 0.2),
            "#f4f1ea",
            texture="fur",
            flow=1.57,
            grain=0.06,
            line=0.6,
            cast=0,
            marks=[marks(ellipse(0, -0.44, 0.28, 0.22), t["bib"], 1, 0.25), *stripe],
        ),
        *[
            p
            for s in (-1, 1)
            for p in moved(
                [part(mirror(arm) if s < 0 else arm, t["back"], texture="fur", flow=1.57, grain=0.15)],
                (0.3 * stout * s, -0.3),
                -s * flap,
            )
        ],
        *(turned if look > 0 else moved(turned, scale=(-1, 1))),
    ]


FAMILY = Family(
    "animalia chordata aves sphenisciformes spheniscidae",
    _penguin,
    ("snow", "ice", "shore", "shore"),
    30,
    (
        species(
            "aptenodytes forsteri",
            back="#2c323c",
            bib="#f3d98a",
            hood="#14161b",
            patch="#f0b63a",
            chin=0.0,
            beak="#8a5a7a",
            iris="#3a2412",
            foot="#26242a",
            stout=1.08,
            bill=0.16,
            face=0.9,
        ),
        species(
            "pygoscelis papua",
            back="#23272f",
            bib="#f5f3ee",
            hood="#181a20",
            cap=True,
            chin=0.0,
            beak="#e0602a",
            iris="#5a3a22",
            foot="#e88a3a",
            stout=1.05,
            bill=0.08,
            face=1.0,
        ),
        species(
            "pygoscelis adeliae",
            back="#1a1d24",
            bib="#f6f4f0",
            hood="#12141a",
            ring=True,
            chin=0.0,
            beak="#5a2f2a",
            iris="#1b1310",
            foot="#e5a5a0",
            stout=1.15,
            bill=0.03,
            face=1.05,
        ),
        species(
            "spheniscus demersus",
            back="#2a2b2e",
            bib="#f5f2ec",
            hood="#1d1d20",
            patch="#f3efe8",
            stripe=True,
            chin=0.0,
            beak="#2a2729",
            iris="#6a3a2a",
            foot="#2b292a",
            stout=1.0,
            bill=0.1,
            face=1.0,
        ),
    ),
)
