"""The feature maps of one photograph: where in it each layer's liveliest channels found something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis import drawing
from raravis.explaining._sheet import Pixels, Sheet, heat, scaled, strip
from raravis.explaining.layers import Layer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN: Final = 8
"""Channels of a layer."""
PHOTO: Final = 280
"""Side of the photograph in pixels."""
_SIDE, _GAP, _MARGIN, _TOP = 112, 10, 28, 84
_COARSE: Final = 160
_SEEN: Final = 180
_ROW: Final = _SIDE + 62


def liveliest(maps: NDArray[np.float32], count: int = SHOWN) -> NDArray[np.int64]:
    """The channels whose answers differ most from place to place (standard deviation over the map), most first.

    Channels that answer strongly but everywhere alike say nothing about this photograph, and come late.

    Args:
        maps: `(h, w, C)`; of a single place the highest answer counts instead.
        count: how many at most.
    """
    values = maps.reshape(-1, maps.shape[-1]).astype(np.float64)
    return np.argsort(-(values.std(axis=0) if len(values) > 1 else values[0]), kind="stable")[:count]


def figure(
    title: str,
    subtitle: str,
    photo: Pixels,
    seen: Pixels,
    layers: Sequence[Layer],
    maps: Mapping[str, NDArray[np.float32]],
) -> Figure:
    """Draw the photograph beside the maps of its liveliest channels, one row a layer.

    Args:
        title: what the network says.
        subtitle: what it considered beside, and the file.
        photo: for people, RGB uint8 `(PHOTO, PHOTO, 3)`, cut or squeezed as for the network.
        seen: as the network gets it, RGB uint8 `(size, size, 3)`.
        layers: the rows.
        maps: of each layer by its name, float32 `(h, w, C)`.
    """
    left = _MARGIN + PHOTO + 36
    coarse = seen.shape[0] <= _COARSE
    rows = max(len(layers) * _ROW, PHOTO + 44 + coarse * (_SEEN + 64))
    sheet = Sheet(left + SHOWN * (_SIDE + _GAP) - _GAP + _MARGIN, _TOP + max(rows, len(layers) * _ROW + 64))
    sheet.write(_MARGIN, 18, title, size=12, weight="bold")
    sheet.write(_MARGIN, 46, subtitle, size=8, color=drawing.MUTED)
    _photographs(sheet, photo, seen if coarse else None)
    for row, layer in enumerate(layers):
        _layer(sheet, left, _TOP + row * _ROW, layer, maps[layer.name])
    _legend(sheet, left, _TOP + len(layers) * _ROW + 4)
    return sheet.figure


def _photographs(sheet: Sheet, photo: Pixels, seen: Pixels | None) -> None:
    sheet.write(_MARGIN, _TOP, "The photograph", weight="bold", size=8)
    sheet.image(_MARGIN, _TOP + 22, photo)
    if seen is not None:
        top, size = _TOP + 22 + PHOTO + 22, seen.shape[0]
        sheet.write(_MARGIN, top, "As the network gets it", weight="bold", size=8)
        sheet.write(_MARGIN, top + 20, f"{size} × {size} pixels", size=7.5, color=drawing.MUTED)
        sheet.image(_MARGIN, top + 42, scaled(seen, _SEEN, sharp=True))


def _layer(sheet: Sheet, left: int, top: int, layer: Layer, maps: NDArray[np.float32]) -> None:
    chosen = liveliest(maps)
    sheet.write(left, top, layer.short, weight="bold", size=8)
    few = len(chosen) < layer.channels
    of = f"the {len(chosen)} of {layer.channels} channels that vary most" if few else f"all {layer.channels} channels"
    told = f"{of}; maps of {layer.height} × {layer.width} spots"
    sheet.write(left + SHOWN * (_SIDE + _GAP) - _GAP, top, told, size=7.5, color=drawing.MUTED, ha="right")
    for column, channel in enumerate(chosen):
        x, values = left + column * (_SIDE + _GAP), maps[..., channel]
        sheet.image(x, top + 22, heat(values, _SIDE))
        sheet.write(x, top + 26 + _SIDE, str(channel), weight="bold", size=7)
        sheet.write(x + _SIDE, top + 26 + _SIDE, f"{values.max():.2g}", size=7, color=drawing.MUTED, ha="right")


def _legend(sheet: Sheet, left: int, top: int) -> None:
    look: dict[str, Any] = {"size": 7.5, "color": drawing.MUTED}
    sheet.write(left, top, "no answer", **look)
    sheet.image(left + 82, top + 3, strip(120, 12))
    sheet.write(left + 212, top, "the strongest answer on that map: each map has its own scale.", **look)
    told = "Below a map: in bold the channel's number, to the right its strongest answer."
    sheet.write(left, top + 22, told, **look)
