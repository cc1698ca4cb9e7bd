"""Small pictures for the tests of the data room."""

import io
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def picture() -> Callable[..., Image.Image]:
    """Draw a smooth random RGB picture, another one for each seed."""

    def draw(seed: int = 0, size: tuple[int, int] = (48, 40)) -> Image.Image:
        coarse = np.random.default_rng(seed).integers(0, 256, (6, 5, 3), np.uint8)
        return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)

    return draw


@pytest.fixture
def encoded() -> Callable[..., bytes]:
    """Encode a picture: bytes of a file."""

    def encode(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
        stream = io.BytesIO()
        image.save(stream, kind, **options)
        return stream.getvalue()

    return encode


@pytest.fixture
def put(picture, encoded) -> Callable[..., Path]:
    """Write a JPEG, another picture for each path, with its folders."""

    def write(path: Path, seed: int | None = None) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        number = zlib.crc32(str(path.name).encode("utf-8", "surrogateescape")) if seed is None else seed
        path.write_bytes(encoded(picture(number)))
        return path

    return write
