"""The filters of the first convolution, as the colours that they look for: a network enters, small pictures leave.

What the network does to the pixels before (scaling, centring, swapping red and blue) is counted into the filters, so
that red in a picture is red in a photograph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis import drawing, engine
from raravis.explaining._sheet import Sheet, scaled
from raravis.explaining.layers import check, tapped, walk

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FAINT: Final = 0.01
"""Filters weaker than this share of the strongest one do nothing; they are drawn grey."""
_SIDE, _GAP, _MARGIN, _TOP = 88, 14, 24, 102


@dataclass(frozen=True)
class Filters:
    """The first convolution.

    Attributes:
        layer: its name, as `layers.walk` gives it.
        weights: float32 `(k, k, 3, F)`: what each filter adds for red, green, blue of a pixel from 0 to 255.
    """

    layer: str
    weights: NDArray[np.float32]

    @property
    def strength(self) -> NDArray[np.float32]:
        """The length (root of the sum of squares) of each filter, `(F,)`, as a share of the longest; 0–1."""
        found = np.sqrt(np.square(self.weights.astype(np.float64)).sum(axis=(0, 1, 2)))
        return np.asarray(found / max(found.max(), np.finfo(np.float64).tiny), np.float32)


def first(model: Any, size: int) -> Filters | None:
    """The first convolution that looks at three colours, in a nested model too; None if the network has none.

    Args:
        model: RGB 0–255 `(B, size, size, 3)` → logits.
        size: side of its images in pixels.
    """
    keras = engine.keras()
    for name, layer in walk(model):
        if isinstance(layer, keras.layers.Conv2D) and layer.kernel.shape[2] == 3:
            kernel = np.asarray(keras.ops.convert_to_numpy(layer.kernel), np.float32)
            weights = np.einsum("cj,yxjf->yxcf", _colours(model, name, size), kernel)
            check(weights)
            return Filters(name, weights)
    return None


def order(filters: Filters) -> NDArray[np.int64]:
    """The channels in an order in which neighbours look alike (hierarchical clustering); faint ones last, `(F,)`."""
    from scipy.cluster.hierarchy import leaves_list, linkage

    strong = np.flatnonzero(filters.strength >= FAINT)
    faint = np.flatnonzero(filters.strength < FAINT)
    if len(strong) > 2:
        vectors = filters.weights.reshape(-1, filters.weights.shape[-1]).T[strong].astype(np.float64)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        strong = strong[leaves_list(linkage(vectors, "average", optimal_ordering=True))]
    return np.concatenate([strong, faint])


def pictures(filters: Filters) -> NDArray[np.uint8]:
    """Each filter as colours, RGB uint8 `(F, k, k, 3)`: mid-grey is no weight, brighter adds, darker takes away.

    Each filter has its own scale, the same for its three colours; faint ones are all grey.
    """
    weights = np.moveaxis(filters.weights, -1, 0)
    largest = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    share = np.divide(weights, largest, out=np.zeros_like(weights), where=largest > 0)
    share[filters.strength < FAINT] = 0
    return np.asarray(np.rint(127.5 + 127.5 * share), np.uint8)


def figure(filters: Filters) -> Figure:
    """Draw all filters, alike ones side by side, each with its channel number above and its strength below."""
    shown, sequence, strength = pictures(filters), order(filters), filters.strength
    columns = min(12, max(6, int(np.ceil(np.sqrt(1.6 * len(sequence))))))
    lines, high, wide = -(-len(sequence) // columns), _SIDE + 62, _SIDE + _GAP
    sheet = Sheet(columns * wide - _GAP + 2 * _MARGIN, _TOP + lines * high + 8)
    size = f"{filters.weights.shape[0]} × {filters.weights.shape[1]}"
    sheet.write(
        _MARGIN, 18, f"What the first layer looks for: {filters.layer.rpartition('/')[2]}", size=11, weight="bold"
    )
    told = f"{len(sequence)} filters of {size} pixels, alike ones side by side; below each, its strength."
    sheet.write(_MARGIN, 46, told, size=7.5, color=drawing.MUTED)
    told = "Bright colours add to the answer, dark ones take away, mid-grey does not matter."
    sheet.write(_MARGIN, 66, told, size=7.5, color=drawing.MUTED)
    for place, channel in enumerate(sequence):
        row, column = divmod(place, columns)
        left, top = _MARGIN + column * wide, _TOP + row * high
        sheet.write(left, top, str(channel), weight="bold")
        sheet.image(left, top + 20, scaled(shown[channel], _SIDE, sharp=True))
        share = "no effect" if strength[channel] < FAINT else f"{strength[channel]:.0%}"
        sheet.write(left, top + 24 + _SIDE, share, size=7, color=drawing.MUTED)
    return sheet.figure


def _colours(model: Any, name: str, size: int) -> NDArray[np.float32]:
    """By how much each value that enters the layer grows when red, green, blue go from 0 to 255: `(3 RGB, 3)`.

    Exact where the pixels are only scaled, shifted and reordered on their way, as every preprocessing of Keras does.
    """
    keras = engine.keras()
    full = tapped(model, entering=[name])
    probe = np.zeros((4, size, size, 3), np.float32)
    for colour in range(3):
        probe[1 + colour, ..., colour] = 255
    before = np.asarray(keras.Model(full.input, full.outputs[0]).predict_on_batch(probe), np.float32)
    middle = before[:, before.shape[1] // 2, before.shape[2] // 2]
    return np.asarray(middle[1:] - middle[0], np.float32)
