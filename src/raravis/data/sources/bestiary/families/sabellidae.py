"""Fan worms in their tubes."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, marks, part
from raravis.data.sources.bestiary._shapes import Points, along, ellipse, leaf, tube

Rng = np.random.Generator


def _fan_worm(rng: Rng, t: Traits) -> list[Part]:
    sway = rng.uniform(-0.3, 0.3)
    house = tube([(sway * 0.3, 1.0), (sway * 0.4, 0.6), (-sway * 0.2, 0.25), (0, -0.02)], (0.2, 0.19, 0.17, 0.2))
    parts = [
        part(
            house,
            t["tube"],
            darker(t["tube"], 0.2),
            axis=(1, 0),
            texture="rough",
            grain=0.35,
            marks=[
                marks(
                    [tube([(-0.4, y), (0.4, y + 0.03)], (0.016,)) for y in np.arange(0, 1, 0.07)],
                    darker(t["tube"]),
                    0.5,
                )
            ],
        )
    ]
    n = t["plumes"]
    for squash, shift, shade in ((0.62, -0.14, 0.25), (0.42, -0.02, 0.0)):
        rays: list[Points] = []
        for a in np.linspace(np.pi * 1.03, np.pi * 1.97, n) if shade else np.linspace(np.pi * 0.96, np.pi * 2.04, n):
            tip = np.array(
                [
                    np.cos(a) * rng.uniform(0.8, 0.92),
                    np.sin(a) * squash * 1.25 + shift - (0.18 if shade else 0.2),
                ]
            )
            root = np.array([np.cos(a) * 0.07, -0.02])
            bend = np.add(root + (tip - root) * 0.55, (0, -0.1))
            path = [root, bend, tip]
            rays.append(tube(path, (0.034, 0.034, 0.016)))
            at, way = along(path, np.linspace(0.2, 1, 8))
            rays += [
                leaf(tuple(p), tuple(p + s * 0.055 * np.array([-d[1], d[0]]) + d * 0.05), 0.034)
                for p, d in zip(at, way, strict=True)
                for s in (-1, 1)
            ]
        bands = [
            marks(
                tube(
                    [
                        (np.cos(a) * r, np.sin(a) * squash * r * 1.4 + shift * 0.5 - 0.08)
                        for a in np.linspace(np.pi * 0.9, np.pi * 2.1, 12)
                    ],
                    (0.085,),
                ),
                t["band"],
                0.85,
                0.01,
            )
            for r in (0.34, 0.55, 0.76)
        ]
        parts.append(part(rays, darker(t["plume"], shade), bulge=0.5, marks=bands, line=0.35, cast=0.4))
    return [*parts, part(ellipse(0, -0.02, 0.1, 0.05), darker(t["plume"], 0.5), cast=0.2)]


FAMILY = Family(
    "animalia annelida polychaeta sabellida sabellidae",
    _fan_worm,
    ("reef", "sand", "rock"),
    30,
    (
        species("sabella spallanzanii", tube="#a8987a", plume="#f3e6c8", band="#b8642a", plumes=19),
        species("bispira volutacornis", tube="#8a8070", plume="#f5f2ec", band="#d8d0d8", plumes=23),
        species("sabellastarte magnifica", tube="#7a6a58", plume="#d8a0a8", band="#7a2f42", plumes=17),
    ),
    "none",
    0.2,
)
