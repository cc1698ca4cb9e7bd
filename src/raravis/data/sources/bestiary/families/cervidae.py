"""Deer in profile, with branched or palmate antlers."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, blend, darker, eye, marks, moved, part
from raravis.data.sources.bestiary._shapes import curve, ellipse, leaf, place, tube
from raravis.data.sources.bestiary.families._quadruped import coat_marks, leg

Rng = np.random.Generator


def _deer(rng: Rng, t: Traits) -> list[Part]:
    hide, far = t["fur"], darker(t["fur"], 0.35)
    step, nod = rng.uniform(-0.16, 0.16), rng.uniform(-0.12, 0.18)
    fore, hind = (0.13, 0.08, 0.045, 0.04, 0.055), (0.19, 0.12, 0.055, 0.04, 0.055)
    trunk = curve(
        [
            (-0.52, -0.08),
            (-0.42, -0.2),
            (-0.15, -0.17),
            (0.15, -0.17),
            (0.34, -0.2),
            (0.44, -0.06),
            (0.4, 0.1),
            (0.15, 0.15),
            (-0.2, 0.1),
            (-0.45, 0.1),
        ]
    )
    neck = place(tube([(0, 0.02), (0.1, -0.18), (0.16, -0.36)], (0.28, 0.17, 0.13)), (0.3, -0.1), nod)
    top = place([(0.17, -0.38)], (0.3, -0.1), nod)[0]
    head = curve(
        [
            (-0.06, -0.06),
            (0.05, -0.07),
            (0.16, 0.0),
            (0.27, 0.06),
            (0.28, 0.11),
            (0.21, 0.14),
            (0.08, 0.1),
            (-0.04, 0.06),
        ]
    )
    size, palm = t["antler"], t.get("palm", 0.0)
    horn: list[np.ndarray] = []
    for shift in (-0.05, 0.03):
        beam = np.array([(0.0, -0.06), (-0.1, -0.2), (-0.17, -0.4), (-0.06, -0.62), (0.06, -0.74)]) * size + np.array(
            [shift, 0]
        )
        horn.append(tube(beam, (0.045, 0.04, 0.035, 0.03, 0.012)))
        tines = ((1, 0.2, -0.06), (2, 0.2, -0.16), (3, 0.18, -0.14), (3, -0.16, -0.18))
        horn += [
            tube(
                [
                    beam[k],
                    beam[k] + np.array([dx * 0.6, dy * 0.5]) * size,
                    beam[k] + np.array([dx, dy * 1.2]) * size,
                ],
                (0.03, 0.026, 0.008),
            )
            for k, dx, dy in tines
        ]
        if palm:
            horn.append(
                curve(
                    beam[2]
                    + size
                    * palm
                    * np.array(
                        [
                            (-0.02, 0.05),
                            (-0.24, -0.1),
                            (-0.3, -0.36),
                            (-0.14, -0.32),
                            (-0.02, -0.5),
                            (0.08, -0.36),
                            (0.24, -0.42),
                            (0.2, -0.14),
                        ]
                    )
                )
            )
    coat = coat_marks(rng, t)
    return [
        part(
            [leg(0.28, 0, 0.6, -step, fore, False), leg(-0.34, 0, 0.6, step, hind, True)],
            far,
            texture="fur",
        ),
        part(leaf((-0.48, -0.14), (-0.6, 0.02), 0.1, 0.5), t["pale"], texture="fur"),
        *moved(
            [
                part(horn[len(horn) // 2 :], darker(t["bone"], 0.25)),
                part(leaf((-0.04, -0.02), (-0.2, -0.1), 0.09), far, texture="fur"),
            ],
            tuple(top),
            nod,
        ),
        part(
            [trunk, neck, leg(0.34, 0, 0.62, step, fore, False), leg(-0.42, 0, 0.62, -step, hind, True)],
            hide,
            blend(hide, t["pale"], 0.3),
            texture="fur",
            grain=0.22,
            marks=[
                *coat,
                marks(ellipse(-0.52, 0.0, 0.07, 0.12), t["pale"], 0.9, 0.1),
                marks(
                    [place(ellipse(0.08, -0.02, 0.07, 0.2), (0.36, -0.1), nod)],
                    t.get("ruff", darker(hide, 0.4)),
                    0.6,
                    0.25,
                ),
            ],
        ),
        part([ellipse(x, 0.615, 0.036, 0.03) for x in (0.4 + step, -0.44 - step)], "#1d1712", cast=0.1),
        *moved(
            [
                part(horn[: len(horn) // 2], t["bone"], texture="rough", grain=0.15, gloss=0.1),
                part(leaf((-0.03, -0.02), (-0.19, -0.04), 0.085), hide, blend("#e6c7b4", hide, 0.4)),
                part(
                    head,
                    hide,
                    marks=[marks(ellipse(0.2, 0.13, 0.12, 0.05), t["pale"], 0.8, 0.2)],
                    texture="fur",
                ),
                *eye(0.07, -0.005, 0.026),
                part(ellipse(0.265, 0.075, 0.026, 0.022), "#120d0b", gloss=0.4),
            ],
            tuple(top),
            nod * 0.8 + 0.05,
        ),
    ]


FAMILY = Family(
    "animalia chordata mammalia artiodactyla cervidae",
    _deer,
    ("forest", "meadow", "snow", "steppe", "dusk"),
    100,
    (
        species("cervus elaphus", fur="#9a5f34", pale="#e5d2ae", bone="#a98b63", antler=0.85, ruff="#5a3820"),
        species(
            "dama dama",
            fur="#b9743a",
            pale="#f2e6cf",
            bone="#b59b76",
            antler=0.7,
            palm=0.9,
            coat="spots",
            n=130,
            w=0.02,
            dark="#f7ecd6",
        ),
        species(
            "rangifer tarandus",
            fur="#7d6a5a",
            pale="#efe8dc",
            bone="#bba98c",
            antler=1.0,
            palm=0.4,
            ruff="#f1ebe0",
        ),
    ),
)
