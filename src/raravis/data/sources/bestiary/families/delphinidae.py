"""Dolphins and orcas, leaping or swimming."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, eye, marks, part
from raravis.data.sources.bestiary._shapes import curve, place, tube

Rng = np.random.Generator


def _dolphin(rng: Rng, t: Traits) -> list[Part]:
    arch = rng.uniform(0.05, 0.4)

    def bend(points: list[tuple[float, float]]) -> np.ndarray:
        p = np.array(points, dtype=np.float64)
        p[:, 1] += arch * (p[:, 0] ** 2) - 0.08
        return p

    snout = t["snout"]
    body = curve(
        bend(
            [
                (0.66 + snout, 0.06),
                (0.66, 0.02),
                (0.58, -0.06),
                (0.42, -0.17),
                (0.1, -0.22),
                (-0.25, -0.16),
                (-0.6, -0.06),
                (-0.8, -0.03),
                (-0.8, 0.03),
                (-0.6, 0.05),
                (-0.2, 0.15),
                (0.2, 0.18),
                (0.5, 0.13),
                (0.66, 0.085),
                (0.66 + snout, 0.085),
            ]
        )
    )
    fluke = place(
        curve(
            [
                (0.06, 0),
                (-0.06, -0.08),
                (-0.2, -0.24),
                (-0.26, -0.22),
                (-0.18, -0.02),
                (-0.24, 0.16),
                (-0.18, 0.18),
                (-0.05, 0.06),
            ]
        ),
        bend([(-0.8, 0.0)])[0],
        -1.2 * arch,
    )
    dorsal = curve(
        bend(
            [
                (0.08, -0.19),
                (-0.02, -0.32),
                (-0.1 - t["hook"], -0.34 - t["fin"]),
                (-0.12, -0.24),
                (-0.14, -0.17),
            ]
        )
    )
    flipper = curve(bend([(0.36, 0.08), (0.26, 0.08), (0.12, 0.3), (0.1, 0.38), (0.18, 0.36), (0.34, 0.2)]))
    belly = curve(
        bend(
            [
                (0.9, 0.08),
                (0.6, 0.08),
                (0.3, 0.05 + t["line"]),
                (-0.1, 0.07 + t["line"]),
                (-0.45, 0.02),
                (-0.4, 0.4),
                (0.3, 0.5),
                (0.9, 0.3),
            ]
        )
    )
    coat = [marks(belly, t["pale"], 1, t["soft"])]
    if t.get("side"):
        coat.append(
            marks(
                curve(
                    bend(
                        [
                            (0.55, -0.01),
                            (0.3, -0.07),
                            (0.0, 0.02),
                            (-0.3, -0.1),
                            (-0.55, 0.0),
                            (-0.2, 0.1),
                            (0.1, 0.06),
                            (0.4, 0.06),
                        ]
                    )
                ),
                t["side"],
                0.9,
                0.05,
            )
        )
    if t.get("patch"):
        coat += [
            marks(curve(bend([(0.5, -0.07), (0.34, -0.12), (0.3, -0.06), (0.46, -0.02)])), t["pale"]),
            marks(
                curve(bend([(-0.16, -0.19), (-0.3, -0.14), (-0.22, -0.06), (-0.08, -0.13)])),
                "#9aa0a8",
                0.7,
                0.08,
            ),
        ]
    mouth = marks(tube(bend([(0.66 + snout, 0.07), (0.66, 0.07), (0.54, 0.06), (0.5, 0.03)]), (0.012,)), "#14161b", 0.8)
    spot = bend([(0.48, 0.0)])[0]
    return [
        part(fluke, darker(t["back"], 0.15), gloss=0.3, bulge=0.5),
        part(dorsal, t["back"], darker(t["back"], 0.2), gloss=0.3, bulge=0.6),
        part(body, t["back"], gloss=0.55, marks=[*coat, mouth]),
        *eye(spot[0], spot[1], 0.02, "#17120e", 0.5),
        part(flipper, darker(t["back"], 0.1), gloss=0.4, bulge=0.6, cast=0.5),
    ]


FAMILY = Family(
    "animalia chordata mammalia artiodactyla delphinidae",
    _dolphin,
    ("ocean", "ocean", "deep"),
    35,
    (
        species(
            "tursiops truncatus",
            back="#66788c",
            pale="#d3d8dc",
            snout=0.17,
            hook=0.06,
            fin=0.03,
            line=0.03,
            soft=0.12,
        ),
        species(
            "orcinus orca",
            back="#17191f",
            pale="#f6f6f4",
            snout=0.02,
            hook=0.0,
            fin=0.24,
            line=0.06,
            soft=0.02,
            patch=True,
        ),
        species(
            "delphinus delphis",
            back="#39424f",
            pale="#f2efe6",
            snout=0.2,
            hook=0.05,
            fin=0.02,
            line=0.06,
            soft=0.05,
            side="#d6b56a",
        ),
    ),
    "none",
    0.35,
)
