"""One image file, decoded safely: bytes enter, an upright RGB image or one reason in words leaves.

Everything that raravis ever sees of an image passes here, so that training and identification cannot differ.
Only raster formats that Pillow decodes by itself are let in, the header is held against a limit before any
pixel is decoded, and a file counts as readable only if all of it could be decoded.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from raravis.data import _upright, hashing
from raravis.errors import RaravisError, UsageError

Fit = Literal["squash", "pad", "crop"]

VERSION: Final = 1
"""Raised whenever the pixels that come out of a file change; caches are keyed by it."""

FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "AVIF")
"""Raster formats alone: nothing that Pillow would hand to another program (EPS, PDF)."""

_NAMES = (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")
SUFFIXES: Final = frozenset((*_NAMES, ".avif"))
"""File names that a folder's listing takes for images, lower case."""

MAX_PIXELS: Final = 178_956_970
MAX_BYTES: Final = 1 << 30
PAD_GREY: Final = 128
NO_MEMORY: Final = "needs more memory than there is"

_INSTEAD: Final = {
    "HEIC": "convert it to JPEG",
    "a camera's raw file": "convert it to JPEG",
    "a film": "give single frames as JPEG",
}
"""What people take for photographs and is none that is read, and what to give instead."""

_BEGINNINGS: Final = (
    *((begin, "a camera's raw file") for begin in (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb")),
    *((begin, "a film") for begin in (b"\x1aE\xdf\xa3", b"\0\0\1\xba", b"\0\0\1\xb3", b"0&\xb2u\x8ef\xcf\x11")),
)
"""First bytes: raw files of Fujifilm, Olympus, Panasonic and Sigma; Matroska and WebM, MPEG, Windows Media."""

_HEIC: Final = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"))


class UnreadableImageError(RaravisError):
    """The file is no image that can be decoded whole; the message is the reason, in a few words."""


@dataclass(frozen=True)
class Probe:
    """What one look at a file tells.

    Attributes:
        image_id: SHA-256 of the bytes, 64 hex digits; "" if it cannot be read.
        bytes: size of the file, 0 if it could not be opened.
        width: pixels of the upright image, 0 if it cannot be read.
        height: likewise.
        mode: Pillow's name of the mode as stored (`RGB`, `L`, `CMYK`, `P`, `I;16`, …).
        format: Pillow's name of the format.
        phash: perceptual hash of the upright image, hex (`raravis.data.hashing`).
        error: why it cannot be read, or "".
    """

    image_id: str = ""
    bytes: int = 0
    width: int = 0
    height: int = 0
    mode: str = ""
    format: str = ""
    phash: str = ""
    error: str = ""


def max_pixels() -> int:
    """Give the largest number of pixels that is decoded: `RARAVIS_MAX_PIXELS`, else `MAX_PIXELS`.

    Raises:
        UsageError: the variable is no whole number above 0.
    """
    text = os.environ.get("RARAVIS_MAX_PIXELS", "")
    if not text:
        return MAX_PIXELS
    if not text.isdecimal() or int(text) == 0:
        raise UsageError(f"RARAVIS_MAX_PIXELS is {text!r}.\nGive a whole number above 0, or unset it ({MAX_PIXELS}).")
    return int(text)


def read_bytes(path: Path) -> bytes:
    """Read a regular file.

    Raises:
        UnreadableImageError: it is gone, no regular file, not permitted, empty, or over `MAX_BYTES`.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise UnreadableImageError("is no regular file")
        if found.st_size == 0:
            raise UnreadableImageError("is empty (0 bytes)")
        if found.st_size > MAX_BYTES:
            raise UnreadableImageError(f"is larger than {MAX_BYTES >> 20} MiB")
        return path.read_bytes()
    except FileNotFoundError:
        raise UnreadableImageError("no such file") from None
    except MemoryError:
        raise UnreadableImageError(NO_MEMORY) from None
    except OSError as error:
        raise UnreadableImageError(f"cannot be opened: {error.strerror or error}") from None
    except ValueError:
        raise UnreadableImageError("has a name that no file can have") from None


def open_upright(data: bytes, *, around: int | None = None, limit: int | None = None) -> Image.Image:
    """Decode an image whole, turn it upright, and bring any mode to RGB.

    EXIF orientation is applied; transparency is laid on white; grey of more than 8 bits is scaled, not clipped;
    of an animation the first frame is taken.

    Args:
        data: the bytes of the file.
        around: a JPEG may be decoded at a fraction of its size, as long as both sides keep at least this many
            pixels.
        limit: pixels that are decoded, where that is to be fewer than `max_pixels`.

    Raises:
        UnreadableImageError: not an image of `FORMATS`, damaged, cut off, or over the limit of pixels.
        UsageError: `RARAVIS_MAX_PIXELS` is no number.
    """
    image, _ = _decoded(data, around, grey=False, limit=limit)
    return image if image.mode == "RGB" else image.convert("RGB")


def pixels(data: bytes, size: int, fit: Fit, *, limit: int | None = None) -> NDArray[np.uint8]:
    """Decode to a square: `uint8` `(size, size, 3)`, RGB, 0–255.

    Args:
        data: the bytes of the file.
        size: side of the square, at least 1.
        fit: `squash` changes the aspect; `pad` keeps all of it between bars of mid-grey (`PAD_GREY`); `crop`
            keeps the largest square in the middle.
        limit: as for `open_upright`.

    Raises:
        UnreadableImageError: as for `open_upright`.
        UsageError: likewise.
    """
    return squared(open_upright(data, around=2 * size, limit=limit), size, fit)


def squared(image: Image.Image, size: int, fit: Fit) -> NDArray[np.uint8]:
    """Scale an upright RGB image to a square: `uint8` `(size, size, 3)`, 0–255; `fit` as for `pixels`."""
    width, height = image.size
    box, target = (0.0, 0.0, float(width), float(height)), (size, size)
    if fit == "crop":
        short = min(width, height)
        left, top = (width - short) / 2, (height - short) / 2
        box = (left, top, left + short, top + short)
    elif fit == "pad":
        long = max(width, height)
        target = max(1, round(size * width / long)), max(1, round(size * height / long))
    scaled = image.resize(target, Image.Resampling.BILINEAR, box=box, reducing_gap=3.0)
    if target != (size, size):
        ground = Image.new("RGB", (size, size), (PAD_GREY, PAD_GREY, PAD_GREY))
        ground.paste(scaled, ((size - target[0]) // 2, (size - target[1]) // 2))
        scaled = ground
    return np.asarray(scaled, np.uint8)


def probe(path: Path) -> Probe:
    """Look at one file of this machine; see `probed`."""
    return probed(lambda: read_bytes(path))


def probed(read: Callable[[], bytes]) -> Probe:
    """Look at one file: its identity, its measures, its perceptual hash, or why it cannot be read.

    Args:
        read: gives its bytes, or raises `UnreadableImageError`.

    Raises:
        UsageError: `RARAVIS_MAX_PIXELS` is no number. A bad file raises nothing: it is in `Probe.error`.
    """
    size = 0
    try:
        data = read()
        size = len(data)
        image, stored = _decoded(data, 2 * hashing.SIDE, grey=True)
    except UnreadableImageError as error:
        return Probe(bytes=size, error=str(error))
    image_id = hashlib.sha256(data).hexdigest()
    phash = hashing.perceptual(image)
    return Probe(image_id, size, stored.width, stored.height, stored.mode, stored.format, phash)


@dataclass(frozen=True)
class _Stored:
    """What the header says; the sides are those of the upright image."""

    width: int
    height: int
    mode: str
    format: str


def _decoded(data: bytes, around: int | None, *, grey: bool, limit: int | None = None) -> tuple[Image.Image, _Stored]:
    """Decode to an upright L or RGB image; `grey` asks for L where that is cheaper (JPEG)."""
    limit = max_pixels() if limit is None else min(limit, max_pixels())
    with _undisturbed(limit):
        try:
            with Image.open(io.BytesIO(data), formats=_formats()) as image:
                (width, height), mode, kind = image.size, image.mode, image.format or ""
                if width * height > limit:
                    raise UnreadableImageError(f"has {width} × {height} pixels, more than the limit of {limit}")
                if around is not None and mode in ("L", "RGB"):
                    image.draft("L" if grey else None, (around, around))
                image.load()
                turn = _upright.orientation(image)
                flat = _upright.turned(_upright.flat(image), turn)
            if turn in _upright.SIDEWAYS:
                width, height = height, width
            return flat, _Stored(width, height, mode, kind)
        except UnreadableImageError:
            raise
        except UnidentifiedImageError:
            raise UnreadableImageError(_other(data) or "is no image of a known format") from None
        except Image.DecompressionBombError:
            raise UnreadableImageError(f"has more pixels than the limit of {limit}") from None
        except MemoryError:
            raise UnreadableImageError(NO_MEMORY) from None
        except Exception as error:  # Pillow's plug-ins raise many kinds for one fault: damaged bytes
            why = " ".join(str(error).split()) or type(error).__name__
            raise UnreadableImageError(_other(data) or f"is damaged: {why}") from None


def _other(data: bytes) -> str:
    """Say of HEIC, raw files and films what they are and what to give instead; "" of all else."""
    what = next((what for begin, what in _BEGINNINGS if data.startswith(begin)), "")
    if data[:4] == b"II*\0" and data[8:10] == b"CR":  # a TIFF of Canon's
        what = "a camera's raw file"
    elif data[:4] == b"RIFF" and data[8:12] == b"AVI ":
        what = "a film"
    elif data[4:8] == b"ftyp":  # one box for all: its brands tell
        end = min(int.from_bytes(data[:4], "big"), 256)
        brands = {data[at : at + 4] for at in (8, *range(16, end, 4))}
        if brands & {b"avif", b"avis"}:
            return ""
        what = "HEIC" if brands & _HEIC else "a camera's raw file" if b"crx " in brands else "a film"
    return f"is {what}, which raravis does not read: {_INSTEAD[what]}" if what else ""


@cache
def _formats() -> tuple[str, ...]:
    """Give those of `FORMATS` that this build of Pillow knows."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


_lock = Lock()
_inside: list[tuple[warnings.catch_warnings[None], int | None]] = []
_depth = [0]


@contextmanager
def _undisturbed(limit: int) -> Iterator[None]:
    """Keep Pillow from warning while any thread decodes, and from refusing what our own limit lets through.

    Filters of warnings belong to the whole process: the first thread in sets them, the last one out restores them.
    """
    with _lock:
        if not _depth[0]:
            filters = warnings.catch_warnings()
            filters.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL\.")
            _inside.append((filters, Image.MAX_IMAGE_PIXELS))
            if Image.MAX_IMAGE_PIXELS is not None:  # Pillow refuses above twice this number
                Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, (limit + 1) // 2)
        _depth[0] += 1
    try:
        yield
    finally:
        with _lock:
            _depth[0] -= 1
            if not _depth[0]:
                filters, Image.MAX_IMAGE_PIXELS = _inside.pop()
                filters.__exit__(None, None, None)
