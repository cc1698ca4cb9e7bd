"""One sun and the light from all sides: layers in, lit colours out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raravis.data.sources.bestiary._paint import Layers, Plane


@dataclass(frozen=True)
class Light:
    """Where the light comes from and how it is coloured.

    Attributes:
        towards: unit vector to the sun (x right, y down, z to the viewer).
        sun: its colour, 0–1 each.
        air: colour of the light from all sides.
    """

    towards: tuple[float, float, float]
    sun: tuple[float, float, float] = (1.0, 0.97, 0.9)
    air: tuple[float, float, float] = (0.8, 0.85, 0.92)


def strike(layers: Layers, light: Light) -> Plane:
    """How squarely the sun meets the surface: (H, W), 0–1."""
    x, y = layers.slope[..., 0], layers.slope[..., 1]
    z = np.sqrt(np.maximum(1 - x * x - y * y, 0))
    return np.asarray(np.clip(x * light.towards[0] + y * light.towards[1] + z * light.towards[2], 0, 1), np.float32)


def lit(layers: Layers, light: Light) -> Plane:
    """Colours in that light: diffuse, light from above, shade between parts, and highlights; (H, W, 3), 0–1."""
    square = strike(layers, light)
    direct = (0.82 * square * (0.4 + 0.6 * layers.open))[..., None] * np.asarray(light.sun, np.float32)
    around = ((0.47 - 0.13 * layers.slope[..., 1]) * layers.open)[..., None] * np.asarray(light.air, np.float32)
    sharp = square * square
    sharp = sharp * sharp * sharp
    spark = (layers.gloss * sharp * sharp * 0.8)[..., None]
    return np.asarray(np.clip(layers.colour * (direct + around) + spark, 0, 1), np.float32)


def over(picture: Plane, layers: Layers, light: Light) -> Plane:
    """The picture (H, W, 3) with the lit layers laid over it; only the window that they cover is worked on."""
    rows, columns = window(layers.cover)
    part = Layers(
        *(
            plane[rows, columns]
            for plane in (layers.colour, layers.slope, layers.gloss, layers.open, layers.cover, layers.ink)
        )
    )
    result = picture.copy()
    result[rows, columns] += part.cover[..., None] * (lit(part, light) - picture[rows, columns])
    return result


def window(cover: Plane) -> tuple[slice, slice]:
    """Rows and columns outside of which `cover` is zero."""
    rows, columns = (np.flatnonzero(cover.any(axis)) for axis in (1, 0))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
