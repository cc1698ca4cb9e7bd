"""The operations that TrivialAugment, RandAugment and AugMix draw from: each image's own, a whole batch at once.

What enters and leaves: `(B, H, W, 3)` float32 in 0–255 (a tone may pass the range; layers clip). `kind` `(B,)` holds
positions in `OPERATIONS` as float32, `amount` `(B,)` strengths in −1…1. An operation that is not an image's own leaves
that image as it is. Why one graph for all: no image waits for another, and every backend compiles it.

The bank is that of Cubuk et al., "RandAugment", 2020, without equalize, with their greatest strengths but for the shift
(theirs: 0.45 of the side). What a movement uncovers is mid-grey.
"""

from __future__ import annotations

import math
from typing import Any, Final

from raravis import engine

keras = engine.keras()

MOVES: Final = ("rotate", "shear_x", "shear_y", "shift_x", "shift_y")
TONES: Final = ("brightness", "contrast", "colour", "sharpness", "posterize", "solarize", "autocontrast")
OPERATIONS: Final = ("identity", *MOVES, *TONES)
GREY: Final = 127.5


def applied(images: Any, kind: Any, amount: Any) -> Any:
    """The images, each after its own operation."""
    return toned(moved(images, kind, amount), kind, amount)


def moved(images: Any, kind: Any, amount: Any) -> Any:
    """Rotated up to 30°, sheared up to 0.3, shifted by up to a third of the side, about the middle."""
    ops = keras.ops
    height, width = images.shape[1], images.shape[2]
    turn, shear_x, shear_y, shift_x, shift_y = (_only(kind, name) * amount for name in MOVES)
    angle = turn * math.radians(30)
    cos, sin = ops.cos(angle), ops.sin(angle)
    a, b = cos, 0.3 * shear_x + sin
    c, d = 0.3 * shear_y - sin, cos
    x, y = (width - 1) / 2, (height - 1) / 2
    right = x - a * x - b * y + shift_x * width / 3
    down = y - c * x - d * y + shift_y * height / 3
    none = ops.zeros_like(a)
    maps = ops.stack([a, b, right, c, d, down, none, none], axis=-1)
    return ops.image.affine_transform(images, maps, interpolation="bilinear", fill_mode="constant", fill_value=GREY)


def toned(images: Any, kind: Any, amount: Any) -> Any:
    """Brightness, contrast, colour, sharpness more or less; fewer levels; bright parts inverted; range stretched."""
    own = {name: _wide(_only(kind, name)) for name in TONES}
    amount = _wide(amount)
    images = _blended(images, own, 0.9 * amount)
    images = _levelled(images, own, keras.ops.abs(amount))
    return _stretched(images, own)


def _blended(images: Any, own: dict[str, Any], amount: Any) -> Any:
    """Away from, or towards: black, the mean grey, grey, blur."""
    ops = keras.ops
    grey = ops.sum(images * ops.convert_to_tensor([0.299, 0.587, 0.114], "float32"), axis=-1, keepdims=True)
    middle = ops.mean(grey, axis=(1, 2, 3), keepdims=True)
    blurred = ops.average_pool(images, 3, strides=1, padding="same")
    flat = own["contrast"] * middle + own["colour"] * grey
    share = amount * (own["brightness"] + own["contrast"] + own["colour"] + own["sharpness"])
    return images + share * (images - flat - own["sharpness"] * blurred)


def _levelled(images: Any, own: dict[str, Any], strength: Any) -> Any:
    """Down to 4 bits; inverted from a threshold on."""
    ops = keras.ops
    step = ops.power(2.0, ops.floor(own["posterize"] * strength * 4.999))
    coarse = ops.where(step > 1, ops.floor(images / step) * step, images)
    threshold = 256 - 256 * own["solarize"] * strength
    return ops.where(coarse >= threshold, 255 - coarse, coarse)


def _stretched(images: Any, own: dict[str, Any]) -> Any:
    """Each channel over the whole range."""
    ops = keras.ops
    low, high = (take(images, axis=(1, 2), keepdims=True) for take in (ops.min, ops.max))
    scale = 255 / ops.maximum(high - low, 1.0)
    return images + own["autocontrast"] * (images * (scale - 1) - low * scale)


def _only(kind: Any, name: str) -> Any:
    return keras.ops.cast(keras.ops.equal(kind, OPERATIONS.index(name)), "float32")


def _wide(values: Any) -> Any:
    return values[:, None, None, None]
