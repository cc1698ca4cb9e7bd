"""A sheet of pictures and words, placed pixel by pixel from its upper left corner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis import drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Pixels = NDArray[np.uint8]

_MAP: Final = "magma"
_EVIDENCE: Final = "plasma"
_THICK: Final = 0.85


class Sheet:
    """An empty sheet; `image` and `write` fill it.

    Args:
        width: in pixels.
        height: in pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        from matplotlib.figure import Figure

        self._height = height
        size = (width / drawing.DPI, height / drawing.DPI)
        self.figure: Figure = Figure(figsize=size, dpi=drawing.DPI, facecolor="white")

    def image(self, left: int, top: int, pixels: Pixels) -> None:
        """Put a picture, RGB uint8 `(H, W, 3)`, with its upper left corner there."""
        self.figure.figimage(pixels, left, self._height - top - pixels.shape[0])

    def write(self, left: int, top: int, text: str, *, size: float = 7.5, **look: Any) -> None:
        """Write words whose first line begins below `top`; `size` is in points, `look` is matplotlib's."""
        from matplotlib.transforms import IdentityTransform

        look = {"color": drawing.INK, "va": "top", "fontsize": size, **look}
        words = _drawable(text).replace("$", r"\$")
        self.figure.text(left, self._height - top, words, transform=IdentityTransform(), **look)


def _drawable(text: str) -> str:
    """The text with ▯ for whatever the font has no sign for."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties()))
    return "".join(sign if sign.isprintable() and font.get_char_index(ord(sign)) else "▯" for sign in text)


def heat(values: NDArray[np.float32], side: int) -> Pixels:
    """One map as a square picture: black its lowest value (0, if none is below), bright its highest; spots stay sharp.

    Args:
        values: float32 `(h, w)`.
        side: of the picture in pixels.
    """
    from matplotlib import colormaps
    from PIL import Image

    low, high = min(0.0, float(values.min())), float(values.max())
    scaled = (values - low) / (high - low) if high > low else np.zeros_like(values)
    shades = np.asarray(colormaps[_MAP](scaled)[..., :3] * 255 + 0.5, np.uint8)
    return np.asarray(Image.fromarray(shades).resize((side, side), Image.Resampling.NEAREST), np.uint8)


def strip(width: int, height: int) -> Pixels:
    """The colours of `heat` from weak to strong, RGB uint8 `(height, width, 3)`."""
    from matplotlib import colormaps

    shades = np.asarray(colormaps[_MAP](np.linspace(0, 1, width))[:, :3] * 255 + 0.5, np.uint8)
    return np.repeat(shades[None], height, axis=0)


def scaled(pixels: Pixels, side: int, *, sharp: bool = False) -> Pixels:
    """A picture as a square `side` pixels wide; `sharp` keeps its pixels visible where it grows."""
    from PIL import Image

    how = Image.Resampling.NEAREST if sharp else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(pixels).resize((side, side), how), np.uint8)


def soft(values: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """A map of patches without their edges: blurred by a share of its side, its strongest place 1 again.

    Args:
        values: float32 `(h, w)`, ≥ 0; all 0 stays so.
        share: of the side; the standard deviation of the blur.
    """
    from scipy.ndimage import gaussian_filter

    blurred = np.asarray(gaussian_filter(values, share * len(values), mode="nearest"), np.float32)
    high = float(blurred.max())
    return blurred / high if high > 0 else blurred


def overlay(photo: Pixels, values: NDArray[np.float32]) -> Pixels:
    """A map laid over a photograph: the higher its value, the more of the map's colour shows; the rest goes grey.

    Args:
        photo: RGB uint8 `(side, side, 3)`.
        values: float32 `(h, w)`, 0–1, laid over all of the photograph.
    """
    from PIL import Image

    side = photo.shape[0]
    smooth = Image.fromarray(values.astype(np.float32)).resize((side, side), Image.Resampling.BILINEAR)
    level = np.clip(np.asarray(smooth, np.float32), 0, 1)
    faded = 0.35 * photo + 0.65 * photo.mean(axis=2, keepdims=True)
    return _coloured(0.78 * faded, level)


def overlay_strip(width: int, height: int) -> Pixels:
    """The colours of `overlay` from weak to strong on mid-grey, RGB uint8 `(height, width, 3)`."""
    level = np.repeat(np.linspace(0, 1, width, dtype=np.float32)[None], height, axis=0)
    return _coloured(np.full((height, width, 3), 100.0), level)


def _coloured(below: NDArray[Any], level: NDArray[np.float32]) -> Pixels:
    from matplotlib import colormaps

    colours = colormaps[_EVIDENCE](level)[..., :3] * 255
    share = (_THICK * level**0.8)[..., None]
    return np.asarray((1 - share) * below + share * colours + 0.5, np.uint8)


def shortened(text: str, width: int, *, size: float = 7.5, weight: str = "normal") -> str:
    """The text, its end cut to … where it would take more than `width` pixels; `size` is in points."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties(weight=weight)))
    font.set_size(size, drawing.DPI)
    shown = text
    for count in range(len(text) - 1, 0, -1):
        font.set_text(_drawable(shown))
        if font.get_width_height()[0] / 64 <= width:
            break
        shown = f"{text[:count].rstrip()}…"
    return shown
