"""Ducks and swans, afloat."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, eye, marks, moved, part
from raravis.data.sources.bestiary._shapes import curve, ellipse, leaf, place, tube

Rng = np.random.Generator


def _duck(rng: Rng, t: Traits) -> list[Part]:
    neck, lift = t["neck"], rng.uniform(-0.04, 0.06)
    body = curve(
        [
            (-0.72, -0.08),
            (-0.5, -0.1),
            (-0.2, -0.2),
            (0.15, -0.2),
            (0.42, -0.08),
            (0.52, 0.1),
            (0.42, 0.26),
            (0, 0.3),
            (-0.4, 0.26),
            (-0.62, 0.1),
        ]
    )
    wing = curve([(0.28, -0.1), (0.0, -0.22), (-0.35, -0.16), (-0.68, -0.12), (-0.4, 0.06), (-0.05, 0.16), (0.22, 0.1)])
    base, top = np.array([0.4, 0.0]), np.array([0.42 + 0.04 * neck, -0.24 - neck])
    bow = t["bow"]
    throat = tube(
        [base, np.add(base, (0.1 + bow * 0.5, -0.12)), np.add((base + top) / 2, (-bow * 0.45, 0)), top],
        (0.34, 0.26, t["thick"], t["thick"]),
    )
    head = curve(
        np.array(
            [
                (-0.15, 0.06),
                (-0.13, -0.1),
                (0.02, -0.16),
                (0.15, -0.06),
                (0.17, 0.05),
                (0.06, 0.12),
                (-0.06, 0.15),
            ]
        )
        * t["skull"]
    )
    bill = curve([(0.1, -0.05), (0.22, -0.01), (0.36, 0.02), (0.37, 0.07), (0.22, 0.1), (0.1, 0.09)])
    quills = [leaf((0.05, 0.05 - 0.05 * k), (-0.62, 0.02 - 0.05 * k), 0.05) for k in range(4)]
    crown = [*eye(0.05, -0.035, 0.028)]
    extra: list[Part] = []
    if t.get("sail"):
        extra = [
            part(
                curve([(-0.3, -0.08), (-0.44, -0.26), (-0.4, -0.4), (-0.18, -0.3), (-0.04, -0.1)]),
                t["sail"],
                texture="fur",
                flow=1.57,
                marks=[marks(leaf((-0.44, -0.4), (-0.14, -0.28), 0.05), "#f2ead8")],
            )
        ]
        crown = [
            part(
                curve([(-0.24, 0.12), (-0.2, -0.06), (0.06, -0.1), (0.12, 0.02), (-0.02, 0.08)]),
                "#f7f3e6",
                bulge=0.4,
            ),
            part(
                [leaf((0.05, 0.06), (-0.24 + 0.04 * k, 0.22 + 0.03 * k), 0.05) for k in range(5)],
                "#d9792b",
                texture="fur",
            ),
            *crown,
        ]
    knob = [part([ellipse(0.12, -0.05, 0.05, 0.04)], "#16110f", gloss=0.3)] if t.get("knob") else []
    curls = [tube([(-0.62, -0.05), (-0.76, -0.12), (-0.74, -0.22)], (0.06, 0.04, 0.02))]
    ripples = [
        leaf((-0.95 + rng.uniform(0, 0.2), y), (0.85 - rng.uniform(0, 0.2), y + 0.01), 0.025, 0.5)
        for y in (0.28, 0.35, 0.43)
    ]
    water = curve([(-0.85, 0.24), (-0.4, 0.21), (0.1, 0.23), (0.65, 0.21), (0.8, 0.3), (0.3, 0.4), (-0.5, 0.39)])
    return [
        part(curls, t["tail"], texture="fur"),
        part(
            body,
            t["flank"],
            t["belly"],
            texture="feather",
            grain=0.15,
            marks=[
                marks(ellipse(0.45, 0.08, 0.24, 0.3), t["breast"], 1.0, 0.06),
                marks(ellipse(-0.62, 0.02, 0.12, 0.16), t["tail"], 1, 0.08),
            ],
        ),
        part(
            wing,
            t["wing"],
            darker(t["wing"], 0.2),
            texture="feather",
            grain=0.2,
            bulge=0.7,
            marks=[
                marks(quills, darker(t["wing"], 0.5), 0.45),
                marks(leaf((-0.12, 0.04), (-0.42, 0.0), 0.09, 0.5), t["patch"], 0.95),
            ],
        ),
        *extra,
        part(
            [throat, place(head, np.add(top, (0, lift)))],
            t["head"],
            texture="fur",
            grain=0.1,
            gloss=t["gloss"],
            cast=0.35,
            marks=[
                marks(ellipse(0.45, 0.02, 0.3, 0.12, 0.2), t["breast"], 1, 0.06),
                *(
                    [marks([place(ellipse(0, 0, 0.17, 0.035), np.add(base, (0.06, -0.14)), 0.1)], t["ring"])]
                    if t.get("ring")
                    else []
                ),
            ],
        ),
        *moved(
            [
                part(bill, t["bill"], darker(t["bill"], 0.2), gloss=0.3),
                *knob,
                *crown,
                part(leaf((0.13, 0.055), (0.35, 0.05), 0.012), "#241812", bulge=0, cast=0),
            ],
            tuple(np.add(top, (0, lift))),
            0.1,
        ),
        part(water, t.get("water", "#6f94a3"), alpha=0.62, bulge=0.2, gloss=0.2, line=0.3, cast=0),
        part(ripples, "#dfeef0", alpha=0.6, bulge=0, line=0.5, cast=0),
    ]


FAMILY = Family(
    "animalia chordata aves anseriformes anatidae",
    _duck,
    ("lake", "lake", "river", "dusk"),
    142,
    (
        species(
            "anas platyrhynchos",
            flank="#b9b3aa",
            belly="#d8d4cb",
            breast="#5b3220",
            wing="#8d8278",
            patch="#2f4fb0",
            tail="#1b1a1c",
            head="#165c3a",
            bill="#e0b52c",
            gloss=0.4,
            ring="#f4f1ea",
            neck=0.12,
            bow=0.0,
            thick=0.2,
            skull=1.0,
        ),
        species(
            "cygnus olor",
            flank="#f5f3ee",
            belly="#e2e4e6",
            breast="#f7f5f0",
            wing="#f8f6f2",
            patch="#f1efea",
            tail="#efeeea",
            head="#f6f4ef",
            bill="#e8742a",
            knob=True,
            gloss=0.0,
            neck=0.5,
            bow=0.28,
            thick=0.13,
            skull=0.85,
        ),
        species(
            "aix galericulata",
            flank="#c98a4a",
            belly="#efe8da",
            breast="#5a2a5a",
            wing="#6f5a48",
            patch="#2a6f8a",
            tail="#5a4436",
            head="#7a3a22",
            bill="#cc3b3b",
            sail="#e08a3a",
            gloss=0.2,
            neck=0.06,
            bow=0.0,
            thick=0.22,
            skull=1.1,
        ),
    ),
    "none",
)
