"""One figure a photograph: what the network says of it, where that comes from, and what it has seen that is like it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis import drawing
from raravis.credits import Rights
from raravis.explaining._sheet import Pixels, Sheet, overlay, overlay_strip, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE: Final = 288
"""Of the photograph and its maps, in pixels."""
THUMB: Final = 168
"""Of a training photograph."""
PICTURES: Final = 24
"""Figures kept for a report; those of further photographs are files alone."""
WHERE: Final = (
    "A map says where the evidence lies, not what it is there, and not that it is good: the network may be right for "
    "a wrong reason, such as the meadow on which a family was always photographed."
)
WHOSE: Final = (
    "Everything here is about this network. Whether what it looks at is what a biologist should look at is for "
    "the biologist to judge."
)
NOWHERE: Final = "no place matters more than another"
_GAP, _MARGIN, _TOP = 18, 28, 114
_NEAR: Final = 14
_BARS: Final = 260
_STEP: Final = 42
_LIKE: Final = THUMB + 88
_ROW: Final = _TOP + 46 + SIDE + 62
_WIDE: Final = 2 * _MARGIN + 4 * (SIDE + _GAP) - _GAP


@dataclass(frozen=True)
class Panel:
    """A map of the photograph.

    Attributes:
        title: what it shows.
        told: how, in a few words, or why there is nothing to see.
        values: float32 `(h, w)`, 0–1.
    """

    title: str
    told: str
    values: NDArray[np.float32]


@dataclass(frozen=True)
class Like:
    """A training photograph, RGB uint8 `(THUMB, THUMB, 3)`, with its family, its distance, and whose it is.

    None for a photograph that cannot be shown.
    """

    picture: Pixels | None
    family: str
    distance: float
    rights: Rights


def figure(
    title: str,
    verdict: str,
    subtitle: str,
    photo: Pixels,
    panels: Sequence[Panel],
    families: Sequence[tuple[str, float]],
    likes: Sequence[Like],
    told: str,
) -> Figure:
    """Draw a photograph and its maps; the families; below, the training photographs most like it.

    Args:
        title: what the network says.
        verdict: how far that may be believed.
        subtitle: the file, and what is to be known of it.
        photo: for people, RGB uint8 `(SIDE, SIDE, 3)`, cut or squeezed as for the network.
        panels: its maps, three at most; with three, the families stand below, else to the right.
        families: names and confidences, the surest first; the first bar is emphasised.
        likes: the nearest training photographs, the nearest first; perhaps none.
        told: among what they are the nearest; "" leaves that part out.
    """
    full = len(panels) > 2
    left = _MARGIN + (_BARS + 2 * _GAP if full else 0)
    across = (_WIDE - _MARGIN - left + _NEAR) // (THUMB + _NEAR)
    lines = -(-len(likes) // across) if told else 0
    below = max(48 + lines * _LIKE if lines else 0, 50 + len(families) * _STEP if full else 0)
    sheet = Sheet(_WIDE, _ROW + below + (4 if below else -16))
    inside = _WIDE - 2 * _MARGIN
    sheet.write(_MARGIN, 18, shortened(title, inside, size=12, weight="bold"), size=12, weight="bold")
    sheet.write(_MARGIN, 50, shortened(verdict, inside, size=8), size=8)
    sheet.write(_MARGIN, 74, shortened(subtitle, inside, size=8), size=8, color=drawing.MUTED)
    _head(sheet, _MARGIN, "The photograph", "framed as the network gets it")
    sheet.image(_MARGIN, _TOP + 46, photo)
    for number, panel in enumerate(panels, start=1):
        _head(sheet, _MARGIN + number * (SIDE + _GAP), panel.title, panel.told)
        sheet.image(_MARGIN + number * (SIDE + _GAP), _TOP + 46, overlay(photo, panel.values))
    _legend(sheet, _MARGIN + SIDE + _GAP)
    _families(sheet, *((_MARGIN, _ROW) if full else (_WIDE - _MARGIN - _BARS, _TOP)), families)
    if lines:
        _likes(sheet, left, likes, told, across)
    return sheet.figure


def percent(share: float) -> str:
    """A confidence as people read it: 87%, 0.4%, below 0.1%."""
    return f"{share:.0%}" if share >= 0.095 else f"{share:.1%}" if share >= 0.0005 else "below 0.1%"


def _head(sheet: Sheet, left: int, title: str, told: str) -> None:
    sheet.write(left, _TOP, shortened(title, SIDE, size=8, weight="bold"), size=8, weight="bold")
    sheet.write(left, _TOP + 22, shortened(told, SIDE), size=7.5, color=drawing.MUTED)


def _legend(sheet: Sheet, left: int) -> None:
    look: dict[str, Any] = {"size": 7.5, "color": drawing.MUTED}
    top = _TOP + 46 + SIDE + 10
    sheet.write(left, top, "nothing", **look)
    sheet.image(left + 66, top + 3, overlay_strip(140, 12))
    told = "where the evidence lies: the brightest is the strongest place of that map"
    sheet.write(left + 218, top, told, **look)


def _families(sheet: Sheet, left: int, top: int, families: Sequence[tuple[str, float]]) -> None:
    sheet.write(left, top, "How sure it is", size=8, weight="bold")
    sheet.write(left, top + 22, "confidence in each family", size=7.5, color=drawing.MUTED)
    for row, (name, sure) in enumerate(families):
        place, first = top + 50 + row * _STEP, row == 0
        weight = "bold" if first else "normal"
        sheet.write(left, place, shortened(name, _BARS - 96, weight=weight), size=7.5, weight=weight)
        sheet.write(left + _BARS, place, percent(sure), size=7.5, ha="right")
        sheet.image(left, place + 20, _plain(_BARS, drawing.LINE))
        if (width := round(sure * _BARS)) > 0:
            sheet.image(left, place + 20, _plain(width, drawing.PALETTE[0] if first else drawing.MUTED))


def _likes(sheet: Sheet, left: int, likes: Sequence[Like], told: str, across: int) -> None:
    sheet.write(left, _ROW, "The photographs most like it", size=8, weight="bold")
    words = shortened(told, _WIDE - _MARGIN - left)
    sheet.write(left, _ROW + 22, words, size=7.5, color=drawing.MUTED)
    for number, like in enumerate(likes):
        row, column = divmod(number, across)
        x, above = left + column * (THUMB + _NEAR), _ROW + 48 + row * _LIKE
        if like.picture is None:
            sheet.image(x, above, np.full((THUMB, THUMB, 3), tuple(bytes.fromhex(drawing.LINE[1:])), np.uint8))
            sheet.write(x + 10, above + THUMB // 2 - 8, "not at hand", size=7, color=drawing.MUTED)
        else:
            sheet.image(x, above, like.picture)
        sheet.write(x, above + THUMB + 5, shortened(like.family, THUMB, weight="bold"), size=7.5, weight="bold")
        sheet.write(x, above + THUMB + 24, f"distance {like.distance:.2f}", size=7, color=drawing.MUTED)
        for line, words in enumerate(like.rights.words if like.picture is not None else ()):
            place = above + THUMB + 41 + 17 * line
            sheet.write(x, place, shortened(words, THUMB, size=7), size=7, color=drawing.MUTED)


def _plain(width: int, colour: str) -> Pixels:
    """A bar of one colour, `#rrggbb`."""
    return np.full((8, width, 3), tuple(bytes.fromhex(colour[1:])), np.uint8)
