"""Views of an image: what a frozen network is shown of it, as part of a graph.

Enters: RGB `(B, H, W, 3)`. Leaves: the part that the view takes, mirrored where it says so, at the size that is asked.
"""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

from raravis import engine

View = Literal["whole", "mirrored", "middle", "top_left", "top_right", "bottom_left", "bottom_right"]
VIEWS: Final[tuple[View, ...]] = get_args(View)
SHARE: Final = 0.8
"""Of the side of the image, that the middle and the corners take."""

_PLACES: Final = {
    "middle": (0.5, 0.5),
    "top_left": (0.0, 0.0),
    "top_right": (0.0, 1.0),
    "bottom_left": (1.0, 0.0),
    "bottom_right": (1.0, 1.0),
}


def take(view: View, images: Any, *, size: int) -> Any:
    """One view of the images, `float32` `(B, size, size, 3)`, resized bilinearly where it has another size."""
    keras = engine.keras()
    if view == "mirrored":
        images = keras.ops.take(images, list(range(images.shape[2]))[::-1], axis=2)  # PyTorch has no steps back
    elif view != "whole":
        height, width = images.shape[1:3]
        high, wide = round(SHARE * height), round(SHARE * width)
        down, right = _PLACES[view]
        top, left = round(down * (height - high)), round(right * (width - wide))
        images = images[:, top : top + high, left : left + wide]
    if tuple(images.shape[1:3]) != (size, size):
        images = keras.layers.Resizing(size, size, interpolation="bilinear")(images)
    return images
