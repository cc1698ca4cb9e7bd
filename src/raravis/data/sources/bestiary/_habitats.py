"""The places where animals are seen, by name: colours, what stands behind and in front, and the light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from raravis.data.sources.bestiary._scenery import (
    Props,
    bokeh,
    corals,
    hills,
    leaves,
    motes,
    rays,
    stones,
    sun_disc,
    trees,
    tufts,
    waves,
)


@dataclass(frozen=True)
class Habitat:
    """A kind of place.

    Attributes:
        top: colours that the upper edge may have.
        low: colours at the horizon (or the lower edge where there is none).
        ground: colours of the ground, from the horizon to the lower edge; empty for none.
        props: what stands behind; takes rng, width, height, horizon in pixels.
        front: kinds of things in front: `grass`, `reeds`, `leaves`, `rocks`, `drift`, `weed`, `bubbles`, `twig`.
        texture: of the ground, or of all where there is no horizon.
        grain: strength of that texture.
        sun: colour of the light.
        air: colour of the light from all sides.
        airy: True where nothing can take a shadow.
    """

    top: tuple[str, ...]
    low: tuple[str, ...]
    ground: tuple[str, ...] = ()
    props: tuple[Props, ...] = ()
    front: tuple[str, ...] = ()
    texture: str = "mottle"
    grain: float = 0.1
    sun: str = "#fff4e0"
    air: str = "#c8d4e4"
    airy: bool = False


_GREENS: Final = ("#4f8a3a", "#79b04f", "#2f6a34", "#a8c86a", "#d8e08a")
_LITTER: Final = ("#8a5a32", "#a8743f", "#6a4426", "#b8924f", "#5a3a24", "#7a7a3a")
_REEF: Final = ("#b85a6a", "#d88a52", "#8a5a9a", "#c8a84f", "#4f8a7a", "#c87a8a")
HABITATS: Final = {
    "meadow": Habitat(
        ("#8ab8e0", "#a8cfe8", "#c8dce8"),
        ("#dcebe6", "#e8efd8"),
        ("#6f9a3f", "#8aa84f", "#5f8a3a"),
        (
            hills("#8aa89a", "#6f9a62"),
            tufts(("#5f8a36", "#88ac52", "#a8bc62"), 26),
            bokeh(("#f0e05a", "#e88ab0", "#f5f2ea"), 5, 0.02),
        ),
        ("grass", "grass", "leaves"),
    ),
    "forest": Habitat(
        ("#3f5f42", "#5a7a52", "#2f4a38"),
        ("#7a9a62", "#8aa87a"),
        ("#5a5a34", "#4a5a30", "#6a5a3a"),
        (bokeh(_GREENS, 14), trees("trunk", "#5a4a38", 6), tufts(("#4f7a36", "#6a8a42"), 16, 0.12)),
        ("grass", "leaves", "twig"),
        sun="#fbf2d0",
        air="#b8ccb0",
    ),
    "savanna": Habitat(
        ("#7fb0dc", "#a8c8e0", "#d8d8c8"),
        ("#eee0b8", "#f3e6c8"),
        ("#c8a858", "#b89a4f", "#d0b46a"),
        (hills("#b0a888"), trees("acacia", "#7a8a3f", 3), tufts(("#b8964a", "#d8bc70", "#9a8442"), 28)),
        ("straw",),
        sun="#fff0cc",
    ),
    "snow": Habitat(
        ("#a8c4e0", "#c8d4e0", "#8aa8c8"),
        ("#e8eef3", "#f0f2f5"),
        ("#eef2f7", "#e2eaf3"),
        (hills("#b8c8d8", "#d0dce8"), trees("fir", "#3f5a4f", 6)),
        ("drift", "drift", "twig"),
        grain=0.03,
        air="#cddcf0",
    ),
    "ice": Habitat(
        ("#5f9ad0", "#8ab8dc", "#b8d0e0"),
        ("#d8e8f0", "#e8f0f5"),
        ("#e6eff6", "#d8e6f0"),
        (hills("#b8d8e8"), stones(("#c8e0ee", "#eaf4fa"), 6, 0.14)),
        ("drift",),
        grain=0.04,
        air="#c8dcf2",
    ),
    "dusk": Habitat(
        ("#4a3f6a", "#6a4f7a", "#2f3a62"),
        ("#f0a05a", "#e8825a", "#f3bc7a"),
        ("#5a4a4a", "#4a4438", "#6a5442"),
        (sun_disc("#ffe0a0"), hills("#6a4f66", "#4a3f4f"), tufts(("#5a4a3a", "#7a6446"), 20)),
        ("grass", "straw"),
        sun="#ffcf98",
        air="#b0a0c0",
    ),
    "steppe": Habitat(
        ("#9ac0e0", "#c0d0dc", "#b0b8c0"),
        ("#dfe4e0", "#e8e2d0"),
        ("#a89a68", "#8a8a5a", "#b8a878"),
        (
            hills("#98a0b0", "#a8a088"),
            tufts(("#9a8c58", "#b8a874"), 22, 0.1),
            stones(("#8a8478", "#a89a84"), 5, 0.05),
        ),
        ("straw", "rocks"),
    ),
    "sky": Habitat(
        ("#4f8ad0", "#6fa8e0", "#9ac0e8"),
        ("#c8def0", "#e8eef2"),
        (),
        (bokeh(("#ffffff", "#f3f6fa"), 12, 0.3),),
        ("leaves", "twig"),
        grain=0.0,
        airy=True,
    ),
    "lake": Habitat(
        ("#a8c8e0", "#c8d8e0", "#8ab0cc"),
        ("#cfdfd8", "#dfe6da"),
        ("#6f98a8", "#5a8a9a", "#7aa0a0"),
        (hills("#7a9a7a"), tufts(("#6a8a42", "#8a9a52"), 6, 0.1), waves),
        ("reeds", "grass"),
        grain=0.05,
    ),
    "river": Habitat(
        ("#4f6f4a", "#6a8a5a", "#88a888"),
        ("#8aa87a", "#a8b88a"),
        ("#5a7a62", "#6f8a72", "#4f6f6a"),
        (bokeh(_GREENS, 10), waves, stones(("#7a7468", "#938a7c"), 6, 0.08)),
        ("reeds", "rocks", "leaves"),
        grain=0.06,
    ),
    "shore": Habitat(
        ("#7fb0d8", "#a0c0d8", "#c0ccd4"),
        ("#c8dce0", "#dce6e4"),
        ("#c8b898", "#a89a84", "#b8b0a0"),
        (hills("#5f8aa8"), stones(("#8a8478", "#a89e90", "#6a665f", "#c0b4a0"), 22, 0.07)),
        ("rocks",),
        "rough",
        0.12,
    ),
    "foliage": Habitat(
        ("#4f8a42", "#6aa04f", "#3a6a3a", "#88b062"),
        ("#88b85a", "#5f9a4a", "#a0c070"),
        (),
        (bokeh(_GREENS, 16, 0.2), leaves(("#3f7a36", "#5a9a42", "#2f6030"), 7, 0.45)),
        ("leaves", "grass", "twig"),
        grain=0.03,
        air="#c4d8b8",
    ),
    "night": Habitat(
        ("#0f1626", "#1a2238", "#16242a"),
        ("#2a3a52", "#22343a", "#3a3f5a"),
        (),
        (sun_disc("#dfe4f0"), bokeh(("#3f5a7a", "#4f6a5a"), 9), leaves(("#1f3326", "#2a3f30"), 9, 0.4)),
        ("leaves", "twig", "grass"),
        grain=0.02,
        sun="#d4def4",
        air="#7c8cb0",
    ),
    "leaves": Habitat(
        ("#5a4630", "#4f4a30", "#6a5438"),
        ("#6a5236", "#5f5a38"),
        (),
        (leaves(_LITTER, 30, 0.42, 0.6),),
        ("grass", "twig", "leaves"),
        "rough",
        0.1,
    ),
    "bark": Habitat(
        ("#6a5642", "#7a6a58", "#54463a"),
        ("#5a4a3a", "#6f5f4f"),
        (),
        (bokeh(("#7a8a5a", "#9aa884", "#4a3a2c"), 10, 0.1),),
        ("leaves", "twig"),
        "streak",
        0.35,
    ),
    "rock": Habitat(
        ("#8a847a", "#7a7670", "#9a8a74"),
        ("#7f786e", "#8f8270"),
        (),
        (stones(("#8a8478", "#9a9080", "#746e66"), 8, 0.3), bokeh(("#a8a884", "#6a6a5a"), 6, 0.08)),
        ("rocks", "grass"),
        "rough",
        0.2,
    ),
    "sand": Habitat(
        ("#d8c298", "#c8b088", "#e0cfa8", "#b8aa8c"),
        ("#cdb68a", "#d8c8a0", "#bfae8a"),
        (),
        (stones(("#a89878", "#e8dcc4", "#8f8068"), 9, 0.04),),
        ("rocks", "weed"),
        "rough",
        0.13,
    ),
    "reef": Habitat(
        ("#3f9ac8", "#2f7ab0", "#5ab0c8"),
        ("#1f5a8a", "#2a6a90", "#2f7a88"),
        (),
        (rays, corals(_REEF, 7), motes),
        ("weed", "rocks", "bubbles"),
        grain=0.02,
        sun="#eef8f5",
        air="#98c4d8",
        airy=True,
    ),
    "deep": Habitat(
        ("#1a4a7a", "#123a62", "#1f5a7a"),
        ("#071a33", "#0a2238", "#0a2a3a"),
        (),
        (rays, motes),
        ("bubbles",),
        grain=0.0,
        sun="#dcecf5",
        air="#7fa8c8",
        airy=True,
    ),
    "ocean": Habitat(
        ("#5ab0d8", "#3f9ad0", "#7ac0d0"),
        ("#1f5f9a", "#1a5088", "#2a6f98"),
        (),
        (rays, rays, motes),
        ("bubbles",),
        grain=0.0,
        sun="#f0f8fa",
        air="#98c8e0",
        airy=True,
    ),
    "kelp": Habitat(
        ("#6aa08a", "#4f8a7a", "#88b088"),
        ("#2a5a4f", "#1f4a42"),
        (),
        (rays, tufts(("#4f6a2f", "#6a7a32", "#3a5a34"), 5, 5.0), motes),
        ("weed", "weed", "bubbles"),
        grain=0.02,
        air="#a0c8b0",
        airy=True,
    ),
}
