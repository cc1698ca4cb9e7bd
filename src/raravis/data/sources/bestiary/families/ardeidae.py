"""Herons and egrets, wading."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, eye, feathers, lighter, marks, moved, part
from raravis.data.sources.bestiary._shapes import curve, leaf, tube

Rng = np.random.Generator


def _heron(rng: Rng, t: Traits) -> list[Part]:
    s = rng.uniform(-0.1, 0.16)
    body = curve([(-0.5, 0.2), (-0.3, 0.0), (-0.05, -0.12), (0.17, -0.1), (0.22, 0.06), (0.08, 0.2), (-0.2, 0.27)])
    path = [
        (0.12, 0.0),
        (0.3, -0.12),
        (0.2, -0.36),
        (0.06, -0.56 - s * 0.5),
        (0.16, -0.78),
        (0.26 + s, -0.84),
    ]
    neck = tube(path, (0.22, 0.14, 0.1, 0.08, 0.08, 0.1))
    wing = curve([(0.12, -0.05), (-0.1, -0.08), (-0.38, 0.1), (-0.62, 0.34), (-0.3, 0.26), (0.0, 0.17)])
    quills = [leaf((0.0, 0.05 + 0.03 * k), (-0.58, 0.3 + 0.02 * k), 0.035) for k in range(4)]
    stride = rng.uniform(-0.16, 0.16)
    legs = [
        tube(
            [(-0.06, 0.18), (-0.1 + stride, 0.52), (-0.04 + stride * 0.6, 0.98), (0.1 + stride * 0.6, 1.0)],
            (0.08, 0.045, 0.035, 0.025),
        ),
        tube(
            [(0.03, 0.18), (0.06 - stride, 0.5), (0.08 - stride * 0.7, 0.94), (0.22 - stride * 0.7, 0.95)],
            (0.08, 0.045, 0.035, 0.025),
        ),
    ]
    legs += [leaf((0.0 + stride * 0.6, 0.98), (-0.12 + stride * 0.6, 0.99), 0.025)]
    head = curve([(-0.12, 0.0), (-0.04, -0.08), (0.1, -0.06), (0.2, 0.0), (0.1, 0.06), (-0.04, 0.07)])
    bill = curve([(0.1, -0.045), (0.3, -0.015), (0.52, 0.03), (0.3, 0.05), (0.1, 0.05)])
    plumes = feathers((0.1, 0.02), [(0.16 + 0.05 * k, 0.4 + 0.03 * k) for k in range(3)], 0.035)
    stripe = [leaf((p[0] + 0.02, p[1]), (q[0] + 0.02, q[1]), 0.03) for p, q in pairwise(path)]
    return [
        part(legs, t["leg"], bulge=0.8),
        part(leaf((-0.4, 0.12), (-0.68, 0.3), 0.16, 0.5), darker(t["back"], 0.3), texture="feather"),
        part(
            [body, neck],
            t["neck"],
            t["belly"],
            axis=(-0.3, 1.0),
            texture="feather",
            grain=0.12,
            marks=[marks(stripe, t["stripe"], t["mark"])],
        ),
        part(
            wing,
            t["back"],
            darker(t["back"], 0.15),
            texture="feather",
            grain=0.2,
            bulge=0.8,
            marks=[marks(quills, "#23262c", 0.55 * t["mark"])],
        ),
        part(plumes, lighter(t["neck"], 0.35), texture="fur", line=0.5, cast=0.2),
        *moved(
            [
                part(
                    [leaf((-0.05, -0.05), (-0.36, 0.05 + 0.05 * k), 0.035) for k in range(2)],
                    t["crest"],
                    line=0.6,
                ),
                part(
                    head,
                    t["face"],
                    texture="fur",
                    grain=0.1,
                    marks=[marks(leaf((-0.14, -0.05), (0.08, -0.06), 0.07, 0.5), t["crest"])],
                ),
                part(bill, t["bill"], darker(t["bill"], 0.2), gloss=0.3),
                *eye(0.08, -0.015, 0.026, "#e6c229", 0.5),
            ],
            (0.27 + s, -0.84),
            rng.uniform(-0.1, 0.3),
            1.05,
        ),
    ]


FAMILY = Family(
    "animalia chordata aves pelecaniformes ardeidae",
    _heron,
    ("lake", "river", "meadow", "sky", "dusk"),
    30,
    (
        species(
            "ardea cinerea",
            back="#8b97a5",
            neck="#e9e7e2",
            belly="#c9ced3",
            stripe="#22252b",
            mark=1.0,
            crest="#1d2026",
            face="#f4f3f0",
            bill="#e0a93c",
            leg="#8a7f63",
        ),
        species(
            "egretta garzetta",
            back="#f6f5f2",
            neck="#fbfaf7",
            belly="#eceded",
            stripe="#f0efec",
            mark=0.1,
            crest="#fbfbf9",
            face="#fbfaf7",
            bill="#23211f",
            leg="#2a2826",
        ),
        species(
            "ardea purpurea",
            back="#6c5f6c",
            neck="#b5673c",
            belly="#6e3b2a",
            stripe="#1d1716",
            mark=0.9,
            crest="#221a1a",
            face="#c07845",
            bill="#d9a24a",
            leg="#a5763f",
        ),
    ),
)
