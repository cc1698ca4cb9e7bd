"""Hummingbirds, hovering."""

from __future__ import annotations

import numpy as np

from raravis.data.sources.bestiary._family import Family, Traits, species
from raravis.data.sources.bestiary._parts import Part, darker, eye, part
from raravis.data.sources.bestiary._shapes import curve, ellipse, leaf, tube

Rng = np.random.Generator


def _hummer(rng: Rng, t: Traits) -> list[Part]:
    beat = rng.uniform(-0.6, 0.5)
    body = curve(
        [
            (-0.42, 0.42),
            (-0.28, 0.12),
            (-0.06, -0.16),
            (0.14, -0.3),
            (0.26, -0.14),
            (0.16, 0.12),
            (-0.06, 0.34),
        ]
    )
    head = ellipse(0.22, -0.36, 0.19, 0.165, -0.3)
    reach = t["beak"]
    bill = tube(
        [(0.36, -0.4), (0.36 + reach * 0.6, -0.48 + t["droop"] * 0.3), (0.36 + reach, -0.52 + t["droop"])],
        (0.045, 0.03, 0.012),
    )
    fan = [
        leaf(
            (-0.34, 0.34),
            (-0.46 + t["tail"] * np.sin(a) * 0.6 - 0.22, 0.38 + t["tail"] * np.cos(a) * 0.75),
            0.1,
            0.65,
        )
        for a in np.linspace(-0.75, 0.55, 6)
    ]
    hub = np.array([0.0, -0.12])

    def wing(turn: float, colour: str, alpha: float) -> Part:
        tips = [
            hub + 0.85 * np.array([np.cos(a), np.sin(a)]) * (1 - 0.09 * k)
            for k, a in enumerate(np.linspace(turn, turn - 0.85, 7))
        ]
        return part(
            [leaf(tuple(hub), tuple(p), 0.15, 0.62) for p in tips],
            colour,
            bulge=0.3,
            texture="streak",
            grain=0.15,
            alpha=alpha,
            line=0.7,
        )

    throat = curve([(0.36, -0.42), (0.38, -0.28), (0.28, -0.1), (0.12, -0.14), (0.2, -0.3)])
    parts = [wing(-1.0 + beat * 0.5, darker(t["wing"], 0.1), 0.65)]
    parts += [part(fan, t["fan"], darker(t["fan"], 0.3), texture="feather", gloss=0.2)]
    if t.get("streamer"):
        parts.append(
            part(
                [
                    tube([(-0.4, 0.4), (-0.55, 0.75), (-0.42, 1.1)], (0.05, 0.05, 0.09)),
                    tube([(-0.38, 0.4), (-0.75, 0.65), (-0.85, 1.0)], (0.05, 0.05, 0.09)),
                ],
                t["fan"],
                gloss=0.2,
            )
        )
    return [
        *parts,
        part([body, head], t["back"], t["belly"], axis=(0.9, 0.5), texture="scale", grain=0.25, gloss=0.3),
        part(
            throat,
            t["throat"],
            darker(t["throat"], 0.35),
            texture="scale",
            grain=0.4,
            gloss=0.6,
            bulge=0.8,
            line=0.5,
            cast=0.2,
        ),
        part(bill, "#1b1718", gloss=0.3),
        *eye(0.25, -0.39, 0.035),
        part(ellipse(0.2, -0.4, 0.02, 0.014), "#ffffff", bulge=0, line=0, cast=0),
        wing(-2.0 - beat, t["wing"], 0.82),
        part([tube([(-0.02, 0.28), (0.0, 0.38)], (0.04, 0.05))], "#231c1a"),
    ]


FAMILY = Family(
    "animalia chordata aves apodiformes trochilidae",
    _hummer,
    ("foliage", "forest", "sky", "meadow"),
    67,
    (
        species(
            "archilochus colubris",
            back="#2f8a4a",
            belly="#e9e8e0",
            throat="#c81e3c",
            wing="#6d6a70",
            fan="#2c3a34",
            beak=0.42,
            droop=0.0,
            tail=0.5,
        ),
        species(
            "topaza pella",
            back="#a8203a",
            belly="#d8662e",
            throat="#e9b92e",
            wing="#5a4a50",
            fan="#7a2430",
            beak=0.36,
            droop=0.03,
            tail=0.42,
            streamer=True,
        ),
        species(
            "ensifera ensifera",
            back="#3f7a52",
            belly="#8a9a6a",
            throat="#2f9a6a",
            wing="#6a6660",
            fan="#4a5a40",
            beak=0.95,
            droop=-0.06,
            tail=0.46,
        ),
    ),
    "none",
    0.3,
)
