"""Pictures without an animal, drawn by our own code: what a camera or a careless upload may hand in.

Enter: a size and a seed. Leave: images and what each shows. They teach and test what tells animals from all else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from raravis.data.sources.bestiary._backdrop import backdrop
from raravis.data.sources.bestiary._habitats import HABITATS
from raravis.data.sources.bestiary._light import Light
from raravis.data.sources.bestiary._noise import SIDE

Rng = np.random.Generator
Pixels = NDArray[np.uint8]

_WORDS: Final = "record of the day station plot date weather wind none seen again please return plate series".split()  # noqa: SIM905


def draw(size: int, *, count: int, seed: int = 0) -> tuple[Pixels, tuple[str, ...]]:
    """Draw pictures of every kind in turn.

    Args:
        size: of a side, in pixels.
        count: how many.
        seed: the same seed and size give the same pictures.

    Returns:
        RGB uint8 `(count, size, size, 3)`, and the kind of each: `blank`, `noise`, `text`, `landscape`, `room` or
        `screen`.
    """
    kinds = [list(_KINDS)[number % len(_KINDS)] for number in range(count)]
    made = [
        _KINDS[kind](size, np.random.Generator(np.random.PCG64((seed, number)))) for number, kind in enumerate(kinds)
    ]
    return np.stack(made), tuple(kinds)


def _blank(size: int, rng: Rng) -> Pixels:
    """One colour, often from dark to light as an empty frame is."""
    colour = rng.uniform(0, 255, 3) if rng.random() < 0.6 else np.full(3, rng.choice([0.0, 12.0, 128.0, 250.0, 255.0]))
    slope = rng.choice([0.0, 30.0, 90.0]) * np.linspace(-1, 1, size)[:, None, None]
    grain = rng.choice([0.0, 3.0]) * rng.standard_normal((size, size, 3))
    return _bytes(np.broadcast_to(colour, (size, size, 3)) + slope + grain)


def _noise(size: int, rng: Rng) -> Pixels:
    """Noise from the finest to clouds."""
    cell = int(rng.choice([1, 2, 8, 32]))
    channels = int(rng.choice([1, 3]))
    small = rng.uniform(0, 255, (size // cell + 1, size // cell + 1, channels)).repeat(3 // channels, axis=2)
    image = Image.fromarray(_bytes(small)).resize((size, size), Image.Resampling.BICUBIC if cell > 2 else 0)
    return np.asarray(image)


def _text(size: int, rng: Rng) -> Pixels:
    """Lines of words on paper, a board or a screen."""
    dark = rng.random() < 0.3
    paper, ink = (30, 225) if dark else (240, 25)
    image = Image.new("RGB", (size, size), tuple(int(paper + rng.integers(-12, 12)) for _ in range(3)))
    canvas = ImageDraw.Draw(image)
    height = size * rng.choice([0.06, 0.1, 0.18])
    font = ImageFont.load_default(height)
    for line in np.arange(size * 0.05, size, height * 1.35):
        words = " ".join(rng.choice(_WORDS, 8))
        canvas.text((size * 0.06, line), words, fill=(ink, ink, ink), font=font)
    return np.asarray(image.rotate(float(rng.normal(0, 3)), fillcolor=(paper, paper, paper)))


def _landscape(size: int, rng: Rng) -> Pixels:
    """A habitat that nobody is in; enlarged where textures are smaller."""
    side = min(size, SIDE)
    place = HABITATS[str(rng.choice(sorted(HABITATS)))]
    light = Light((0.4, -0.6, 0.7))
    made = _bytes(255 * backdrop(place, (side, side), rng, light, blur=float(rng.uniform(0, 1.5))))
    return made if side == size else np.asarray(Image.fromarray(made).resize((size, size)))


def _room(size: int, rng: Rng) -> Pixels:
    """Walls, a floor, and furniture with straight edges."""
    wall, floor = (tuple(int(v) for v in rng.uniform(90, 235, 3)) for _ in range(2))
    image = Image.new("RGB", (size, size), wall)
    canvas = ImageDraw.Draw(image)
    ground = size * rng.uniform(0.55, 0.8)
    corner = size * rng.uniform(0.2, 0.8)
    left, right = (0, ground + size * 0.1), (size, ground + size * 0.15)
    canvas.polygon([(0, size), left, (corner, ground), right, (size, size)], floor)
    shade = tuple(int(v * 0.85) for v in wall)
    canvas.polygon([(corner, 0), (size, 0), right, (corner, ground)], shade)
    for _ in range(int(rng.integers(2, 7))):
        side, top = rng.uniform(0, 0.8, 2) * size
        wide, high = rng.uniform(0.08, 0.4, 2) * size
        colour = tuple(int(v) for v in rng.uniform(20, 240, 3))
        canvas.rectangle((side, top, side + wide, top + high), colour, outline=tuple(v // 2 for v in colour), width=2)
        for shelf in np.linspace(top, top + high, int(rng.integers(1, 5)), endpoint=False):
            canvas.line((side, shelf, side + wide, shelf), tuple(v // 2 for v in colour), 2)
    soft = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.2))))
    return _bytes(np.asarray(soft, np.float32) + rng.normal(0, 4, (size, size, 3)))


def _screen(size: int, rng: Rng) -> Pixels:
    """A chart or a window with bars and lines."""
    image = Image.new("RGB", (size, size), (250, 250, 250))
    canvas = ImageDraw.Draw(image)
    canvas.rectangle((0, 0, size, size * 0.08), tuple(int(v) for v in rng.uniform(40, 200, 3)))
    count = int(rng.integers(4, 12))
    step = size * 0.84 / count
    colour = tuple(int(v) for v in rng.uniform(20, 220, 3))
    tops = size * rng.uniform(0.15, 0.85, count)
    for number, top in enumerate(tops):
        left = size * 0.08 + number * step
        canvas.rectangle((left, top, left + step * 0.7, size * 0.9), colour)
    points = [(size * 0.08 + (number + 0.35) * step, top * 0.8) for number, top in enumerate(tops[::-1])]
    canvas.line(points, (30, 30, 30), 2)
    canvas.line((size * 0.06, size * 0.9, size * 0.94, size * 0.9), (60, 60, 60), 2)
    return np.asarray(image)


def _bytes(values: NDArray[np.floating]) -> Pixels:
    return np.asarray(np.clip(values, 0, 255), np.uint8)


_KINDS: Final[dict[str, Callable[[int, Rng], Pixels]]] = {
    "blank": _blank,
    "noise": _noise,
    "text": _text,
    "landscape": _landscape,
    "room": _room,
    "screen": _screen,
}
