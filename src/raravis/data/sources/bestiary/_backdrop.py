"""A habitat in pixels: what lies behind the animal, and what stands before it.

Backdrops are painted at half size and enlarged, which gives the softness of things behind the plane of focus.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from raravis.data.sources.bestiary._fronts import FRONTS
from raravis.data.sources.bestiary._habitats import Habitat
from raravis.data.sources.bestiary._light import Light, over
from raravis.data.sources.bestiary._noise import clouds, texture
from raravis.data.sources.bestiary._paint import Plane, paint
from raravis.data.sources.bestiary._parts import Part, rgb

Rng = np.random.Generator


def backdrop(place: Habitat, size: tuple[int, int], rng: Rng, light: Light, blur: float = 0.0) -> Plane:
    """Paint the place, out of focus by `blur` pixels: (H, W, 3) float32, 0–1."""
    width, height = (n // 2 for n in size)
    top, low = (np.asarray(rgb(str(rng.choice(c))), np.float32) for c in (place.top, place.low))
    horizon = height * (rng.uniform(0.38, 0.68) if place.ground else 1.0)
    t = np.clip(np.arange(height, dtype=np.float32) / horizon, 0, 1)[:, None, None]
    sheet = np.broadcast_to(top + (low - top) * t, (height, width, 3)).copy()
    sheet *= 1 + 0.09 * clouds((height, width), rng, 70, 3)[..., None]
    if place.ground:
        near = np.asarray(rgb(str(rng.choice(place.ground))), np.float32)
        far = near * 0.55 + low * 0.45
        t = np.clip((np.arange(height, dtype=np.float32) - horizon) / max(height - horizon, 1), 0, 1)[:, None, None]
        edge = horizon + 4 * clouds((1, width), rng, 40, 2)
        below = np.clip(np.arange(height, dtype=np.float32)[:, None] - edge, 0, 1)[..., None]
        soil = (far + (near - far) * t) * (1 + 0.12 * clouds((height, width), rng, 26, 3)[..., None])
        sheet += below * (soil - sheet)
    things = [p for prop in place.props for p in prop(rng, float(width), float(height), float(horizon))]
    if things:
        sheet = over(sheet, paint(things, (width, height), rng), light)
    image = Image.fromarray(np.clip(sheet * 255, 0, 255).astype(np.uint8))
    if blur > 0:
        image = image.filter(ImageFilter.GaussianBlur(blur / 2))
    full = np.asarray(image.resize(size, Image.Resampling.BICUBIC), np.float32) / 255
    rough = place.grain * texture(place.texture, full.shape[:2], rng, np.pi / 2)
    if place.ground:
        rough = rough * np.clip((np.arange(size[1], dtype=np.float32) - 2 * horizon) / 30, 0, 1)[:, None]
    return np.asarray(np.clip(full * (1 + rough[..., None]), 0, 1), np.float32)


def foreground(place: Habitat, size: tuple[int, int], rng: Rng) -> list[Part]:
    """Things in front of the animal, in pixels; often none. They leave most of it free."""
    if not place.front or rng.random() < 0.4:
        return []
    return FRONTS[str(rng.choice(place.front))](rng, float(size[0]), float(size[1]))
