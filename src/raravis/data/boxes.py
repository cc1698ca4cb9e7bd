"""Where an animal is in its photograph: a box as text and as numbers, and the square that is cut out around it."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from typing import Final

from PIL import Image

from raravis.data import decode

Sides = tuple[float, float, float, float]
"""Left, top, width and height, in shares of the upright photograph's width and height, as MegaDetector orders them."""

SLACK: Final = 0.01
"""How far a box may reach over the edge; detectors round."""

MARGIN: Final = 0.05
"""Share of the square's side that is added around an animal on each side: boxes are tight, and cut tails and ears."""


def read(text: str) -> Sides:
    """The sides that a table tells, joined by `|` or as a list.

    Raises:
        ValueError: it is no box.
    """
    try:
        left, top, width, height = map(float, text.strip("[]").replace(",", "|").split("|"))
    except ValueError:
        left, top, width, height = (float("nan"),) * 4
    if not all(-SLACK <= side <= 1 + SLACK for side in (left, top, width, height)) or min(width, height) <= 0:
        raise ValueError(f"bbox is {text[:80]!r}; left, top, width, height from 0 to 1 were expected")
    return left, top, width, height


def written(sides: Sides | None) -> str:
    """The sides as a table tells them, joined by `|`; "" for all of a photograph."""
    return "" if sides is None else "|".join(map(str, sides))


def name(photograph: str, bbox: str) -> str:
    """What tells one animal from others: its photograph, and the box in it, as it is `written`, where there is one."""
    return f"{photograph}\n{bbox}" if bbox else photograph


def around(pixels: int, sides: Iterable[Sides]) -> int:
    """How large a photograph must be decoded, for `pixels` of the smallest animal in it; see `decode.open_upright`."""
    return ceil(pixels / min((max(one[2:]) for one in sides), default=1))


def opened(data: bytes, sides: Sides | None, *, around: int | None = None) -> Image.Image:
    """An animal cut out of its photograph, or all of the photograph where no box is given; upright, RGB.

    Args:
        data: bytes of the photograph.
        sides: where the animal is.
        around: as for `decode.open_upright`, of the whole photograph.

    Raises:
        UnreadableImageError: it cannot be read; says why.
    """
    image = decode.open_upright(data, around=around)
    return image if sides is None else cut(image, sides)


def cut(image: Image.Image, sides: Sides) -> Image.Image:
    """Cut a square around an animal, with `MARGIN`, moved to lie within the photograph; as much as there is of it.

    Args:
        image: upright, RGB.
        sides: where the animal is.
    """
    width, height = image.size
    left, top, wide, high = sides
    side = max(wide * width, high * height) * (1 + 2 * MARGIN)
    x = _span((left + wide / 2) * width, side, width)
    y = _span((top + high / 2) * height, side, height)
    return image.crop((x[0], y[0], x[1], y[1]))


def _span(middle: float, side: float, length: int) -> tuple[int, int]:
    """Place `side` pixels around `middle` within `length`; at least one."""
    side = max(1, min(round(side), length))
    start = min(max(round(middle - side / 2), 0), length - side)
    return start, start + side
