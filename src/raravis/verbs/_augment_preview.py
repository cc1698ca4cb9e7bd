"""The figure of `augment preview`: rows of images, one for each layer and each pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis import augmentations, drawing, engine

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Images = Sequence[NDArray[np.uint8]]

_GAP: Final = 8
_LABEL: Final = 190
_TOP: Final = 40


def layers(pipelines: Sequence[str], seed: int) -> dict[str, list[Any]]:
    """Each kind of layer that the pipelines use, once, by its class name, in the order in which they first come."""
    found: dict[str, list[Any]] = {}
    for pipeline in pipelines:
        for layer in augmentations.layers(pipeline, seed):
            found.setdefault(type(layer).__name__, [layer])
    return found


def through(made: Sequence[Any], images: Images) -> list[NDArray[np.uint8]]:
    """The images after the layers, as in training; RGB uint8 of the same sizes."""
    keras = engine.keras()
    x = keras.ops.convert_to_tensor(np.stack(images).astype(np.float32))
    for layer in made:
        x = layer(x, training=True)
    changed = np.asarray(keras.ops.convert_to_numpy(x)).round().clip(0, 255).astype(np.uint8)
    return list(changed)


def figure(rows: Mapping[str, Images], families: Sequence[str]) -> Figure:
    """Rows of images with their names on the left and the families above; pixel for pixel.

    Args:
        rows: name → RGB uint8 `(S, S, 3)`, as many in every row.
        families: one a column.
    """
    from matplotlib.figure import Figure
    from matplotlib.transforms import IdentityTransform

    side = next(iter(rows.values()))[0].shape[0]
    wide = _LABEL + len(families) * (side + _GAP) + _GAP
    high = _TOP + len(rows) * (side + _GAP) + _GAP
    drawn = Figure(figsize=(wide / drawing.DPI, high / drawing.DPI), dpi=drawing.DPI, facecolor="white")

    def write(x: float, y: float, text: str, **look: Any) -> None:
        drawn.text(x, y, text, transform=IdentityTransform(), **look)

    for column, family in enumerate(families):
        left = _LABEL + column * (side + _GAP)
        write(left, high - _TOP + _GAP, family[:20], va="bottom", fontsize=7, color=drawing.MUTED)
    for row, (name, images) in enumerate(rows.items()):
        bottom = high - _TOP - (row + 1) * (side + _GAP) + _GAP
        kind, _, label = name.rpartition("pipeline ")
        weight = "bold" if name.startswith("pipeline") else "normal"
        write(_GAP, bottom + side / 2, kind + label, va="center", fontsize=7.5, weight=weight, color=drawing.INK)
        for column, image in enumerate(images):
            drawn.figimage(image, _LABEL + column * (side + _GAP), bottom)
    return drawn
