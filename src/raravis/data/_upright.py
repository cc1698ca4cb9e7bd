"""A decoded image, made plain: any mode and any orientation enter, upright L or RGB of 8 bits leaves.

One place for the rules, so that a scan in 16-bit grey, a drawing with a transparent ground and a photograph
from a telephone held sideways all reach a model the way a person sees them.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image

SIDEWAYS: Final = (5, 6, 7, 8)
"""The EXIF orientations that swap width and height."""

_TAG: Final = 0x0112
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation(image: Image.Image) -> int:
    """Read the EXIF orientation, 1–8; 1 where there is none or it is damaged (the pixels may still be whole).

    Ask after the pixels were loaded: Pillow turns TIFF itself while loading, and then reports 1.
    """
    try:
        turn = image.getexif().get(_TAG, 1)
    except Exception:  # any bytes may stand in EXIF, and Pillow raises as many kinds
        return 1
    return turn if turn in _TURNS else 1


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """Turn an image of this EXIF orientation upright; it no longer carries EXIF that could be applied again."""
    image = image if orientation == 1 else image.transpose(_TURNS[orientation])
    image.info = {}
    return image


def flat(image: Image.Image) -> Image.Image:
    """Bring a loaded image of any mode to L or RGB of 8 bits, transparency laid on white."""
    if image.mode.startswith(("I", "F")):
        return _narrow(image)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        layer = image.convert("RGBA")
        ground = Image.new("RGB", layer.size, "white")
        ground.paste(layer, mask=layer.getchannel("A"))
        return ground
    if image.mode in ("L", "RGB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _narrow(image: Image.Image) -> Image.Image:
    """Scale grey of 16 bits, 32 bits or floating point to 8 bits.

    White is 65535 for 16 bits; else the first of 1 (floating point alone), 255 and 65535 that no value passes,
    and failing these the largest value.
    """
    values = np.nan_to_num(np.asarray(image, np.float32), posinf=0.0, neginf=0.0)
    highest = float(values.max(initial=0))
    whites = (65535.0,) if image.mode.startswith("I;16") else (255.0, 65535.0, highest)
    if image.mode == "F":
        whites = (1.0, *whites)
    white = next(w for w in whites if highest <= w)
    values *= np.float32(255 / white)
    return Image.fromarray(values.clip(0, 255, out=values).round(out=values).astype(np.uint8))
