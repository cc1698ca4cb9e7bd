"""Pictures without an animal, drawn by our own code: what a camera or a careless upload may hand in.

Enter: a size and a seed. Leave: images and what each shows. They teach and test what tells animals from all else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


_SKIN: Final = ((244, 208, 177), (224, 172, 125), (198, 134, 90), (141, 85, 53), (92, 56, 38))


def draw(size: int, *, count: int, seed: int = 0) -> tuple[Pixels, tuple[str, ...]]:
    """Draw pictures of every kind in turn.

    Args:
        size: of a side, in pixels.
        count: how many.
        seed: the same seed and size give the same pictures.

    Returns:
        RGB uint8 `(count, size, size, 3)`, and the kind of each: `blank`, `noise`, `text`, `landscape`, `room`,
        `screen` or `people`.
    """
    kinds = [list(KINDS)[number % len(KINDS)] for number in range(count)]
    made = [
        KINDS[kind](size, np.random.Generator(np.random.PCG64((seed, number)))) for number, kind in enumerate(kinds)
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


def _people(size: int, rng: Rng) -> Pixels:
    """One to three people, whole or from the chest up, in a room or outdoors; drawn twice as large, then shrunk."""
    place = _room(size, rng) if rng.random() < 0.5 else _landscape(size, rng)
    image = Image.fromarray(place).resize((2 * size, 2 * size))
    canvas = ImageDraw.Draw(image)
    close = rng.random() < 0.4
    count = 1 if close else int(rng.integers(1, 4))
    for number in range(count):
        tall = 2 * size * (rng.uniform(2.0, 2.8) if close else rng.uniform(0.5, 0.8))
        top = 2 * size * (rng.uniform(0.05, 0.2) if close else rng.uniform(0.92, 1.05)) - (0 if close else tall)
        middle = 2 * size * (number + rng.uniform(0.35, 0.65)) / count
        _figure(canvas, middle, top, tall / 7.5, rng)
    soft = image.resize((size, size)).filter(ImageFilter.GaussianBlur(float(rng.uniform(0.2, 0.8))))
    return _bytes(np.asarray(soft, np.float32) + rng.normal(0, 3, (size, size, 3)))


def _figure(canvas: ImageDraw.ImageDraw, x: float, y: float, head: float, rng: Rng) -> None:
    """A person, seven and a half heads tall, whose crown is at `(x, y)`: limbs first, then trunk, neck and head."""
    skin = tuple(int(v) for v in np.array(_SKIN[int(rng.integers(len(_SKIN)))]) + rng.integers(-8, 8, 3))
    hair, shirt, trousers = (tuple(int(v) for v in rng.uniform(10, high, 3)) for high in (110, 250, 160))

    def at(across: float, down: float) -> tuple[float, float]:
        return x + across * head, y + down * head

    for side in (-1, 1):
        stride = side * rng.uniform(0.35, 0.9)
        canvas.line(
            [at(side * 0.35, 3.8), at((side * 0.35 + stride) / 2, 5.5), at(stride, 7.3)], trousers, int(0.6 * head)
        )
        elbow, hand = (side * rng.uniform(1.0, 1.5), rng.uniform(2.3, 3.0)), (side * rng.uniform(0.6, 1.9), 3.7)
        canvas.line([at(side * 0.85, 1.6), at(*elbow), at(*hand)], shirt, int(0.42 * head), joint="curve")
        canvas.ellipse((*at(hand[0] - 0.22, 3.5), *at(hand[0] + 0.22, 4.0)), skin)
    canvas.polygon([at(-1.05, 1.5), at(-0.4, 1.2), at(0.4, 1.2), at(1.05, 1.5), at(0.7, 4.1), at(-0.7, 4.1)], shirt)
    canvas.rectangle((*at(-0.18, 0.8), *at(0.18, 1.35)), skin)
    canvas.ellipse((*at(-0.42, -0.05), *at(0.42, 0.8)), hair)
    canvas.ellipse((*at(-0.36, 0.1), *at(0.36, 1.02)), skin)
    for side in (-1, 1):
        canvas.ellipse((*at(side * 0.15 - 0.05, 0.46), *at(side * 0.15 + 0.05, 0.54)), (25, 20, 20))
    canvas.arc((*at(-0.14, 0.62), *at(0.14, 0.82)), 20, 160, (130, 50, 50), max(int(0.05 * head), 1))


def _bytes(values: NDArray[np.floating]) -> Pixels:
    return np.asarray(np.clip(values, 0, 255), np.uint8)


KINDS: Final[Mapping[str, Callable[[int, Rng], Pixels]]] = {
    "blank": _blank,
    "noise": _noise,
    "text": _text,
    "landscape": _landscape,
    "room": _room,
    "screen": _screen,
    "people": _people,
}
