"""One picture from its address (seed, family, index): what is drawn, how it is framed, and the JPEG bytes.

Every choice comes from a generator seeded with the address alone, so that the bytes do not depend on which process
draws them or in which order.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from raravis.data.sources.bestiary._family import Family, Species
from raravis.data.sources.bestiary._media import drawing, fossil, photograph
from raravis.data.sources.bestiary._paint import paint
from raravis.data.sources.bestiary._parts import Part
from raravis.files import digest

MEDIA: Final = ("photo", "drawing", "fossil")
_WIDE: Final = ((300, 224), (288, 216), (280, 208), (264, 200))
_EVEN: Final = ((240, 240), (248, 232), (232, 248))
_STORED: Final = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes:
        upright: RGB image as it should be seen.
        species: what it shows.
        medium: one of MEDIA.
        jpeg: the file's bytes, with EXIF; the pixels may be stored turned.
    """

    upright: Image.Image
    species: Species
    medium: str
    jpeg: bytes


def picture(family: Family, index: int, seed: int) -> Picture:
    """Draw picture `index` of `family`."""
    rng = generator(family, index, seed)
    kind, medium = cast(family, index, seed)
    parts = list(family.plan(rng, _individual(kind.traits, rng)))
    size, matrix = _framed(parts, family, rng)
    tint = (rng.uniform(0.93, 1.07, 3) * rng.uniform(0.88, 1.1)).tolist()
    line = rng.uniform(0.8, 1.5) if medium == "drawing" else 1.0 if medium == "fossil" else 0.0
    layers = paint(parts, size, rng, matrix=matrix, tint=tint, ink=line)
    if medium == "photo":
        pixels = photograph(layers, str(rng.choice(family.habitats)), family.shadow, rng)
    else:
        pixels = drawing(layers, rng) if medium == "drawing" else fossil(layers, rng)
    upright = Image.fromarray(np.rint(pixels * 255).astype(np.uint8))
    return Picture(upright, kind, medium, _encoded(upright, rng))


def generator(family: Family, index: int, seed: int, use: str = "picture") -> np.random.Generator:
    """The random numbers of one picture, for one use."""
    return np.random.default_rng(int(digest(use, str(seed), family.name, str(index))[:32], 16))


def cast(family: Family, index: int, seed: int) -> tuple[Species, str]:
    """Which species and which medium picture `index` has; the first pictures go once round the species.

    Every tenth or so is a fossil and every fifth a drawing.
    """
    rng = generator(family, index, seed, "cast")
    weight = 1.0 / np.arange(1, len(family.species) + 1) ** 0.5
    drawn = int(rng.choice(len(family.species), p=weight / weight.sum()))
    turn = index if index < len(family.species) else drawn
    medium = str(rng.choice(MEDIA, p=(0.7, 0.2, 0.1)))
    return family.species[turn], medium


def _individual(traits: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """The traits of one animal: measures vary by a few per cent."""
    return {k: v * rng.uniform(0.95, 1.05) if isinstance(v, float) else v for k, v in traits.items()}


def _framed(
    parts: Sequence[Part], family: Family, rng: np.random.Generator
) -> tuple[tuple[int, int], NDArray[np.float64]]:
    """Choose a format and the map from model units to pixels that puts the animal into it."""
    points = np.concatenate([p for item in parts for p in item.polygons])
    turn = rng.uniform(-family.turn, family.turn)
    cos, sin = np.cos(turn), np.sin(turn)
    flat = np.diag([rng.choice([-1.0, 1.0]) * rng.uniform(0.88, 1.06), 1.0])
    linear = np.array([[cos, -sin], [sin, cos]]) @ flat
    seen = points @ linear.T
    low, high = seen.min(0), seen.max(0)
    span = high - low
    ratio = span[0] / span[1]
    if rng.random() < 0.15:
        ratio = 1 / ratio if 0.75 < ratio < 1.33 else ratio
    wide, tall = _WIDE[int(rng.integers(len(_WIDE)))]
    if 0.87 < ratio < 1.15:
        wide, tall = _EVEN[int(rng.integers(len(_EVEN)))]
    elif ratio < 1:
        wide, tall = tall, wide
    size = np.array([wide, tall], dtype=np.float64)
    scale = rng.uniform(0.7, 0.96) * float((size / span).min())
    room = size - span * scale
    share = rng.uniform(0.2, 0.8, 2)
    if family.shadow == "ground":
        share[1] = rng.uniform(0.6, 0.92)
    corner = room * share - low * scale
    return (wide, tall), np.column_stack([linear * scale, corner])


def _encoded(upright: Image.Image, rng: np.random.Generator) -> bytes:
    """JPEG bytes; about one in eight is stored turned, with the EXIF orientation that sets it upright."""
    turn = int(rng.choice([1, 3, 6, 8], p=[0.88, 0.03, 0.06, 0.03]))
    exif = Image.Exif()
    taken = datetime(2014, 1, 1) + timedelta(minutes=int(rng.integers(0, 5_000_000)))
    exif[ExifTags.Base.Make] = "raravis"
    exif[ExifTags.Base.Model] = "bestiary"
    exif[ExifTags.Base.Software] = "raravis bestiary"
    exif[ExifTags.Base.DateTime] = taken.strftime("%Y:%m:%d %H:%M:%S")
    exif[ExifTags.Base.Orientation] = turn
    stored = upright.transpose(_STORED[turn]) if turn != 1 else upright
    stream = io.BytesIO()
    stored.save(stream, "JPEG", quality=int(rng.integers(80, 93)), exif=exif)
    return stream.getvalue()
