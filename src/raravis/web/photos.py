"""One uploaded photograph: bytes enter, pixels for the model and a small picture for the page leave.

Only what is sent as an image, and is one that `raravis.data.decode` takes, passes. What the page shows is drawn anew
from the pixels, so nothing else that a file may carry (scripts behind the picture, metadata, places) goes back out.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from raravis.data import decode
from raravis.data.decode import Fit, UnreadableImageError
from raravis.web.forms import Upload

PREVIEW: Final = 720
"""Longer side of the small picture, in pixels."""

MOST_SCANS: Final = 100
"""Passes over the picture that a JPEG may have; more are made only to keep a decoder busy."""

MOST_SEGMENTS: Final = 10_000
"""Markers that a JPEG may have up to its end; each begins up to 64 KiB of a header, or a scan."""

_MARKER: Final = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")
"""What ends the data of a scan. A decoder reads on over all others: stuffed zeros, restarts, what has no meaning."""

_BEGINNINGS: Final = (
    (b"\xff\xd8", ".jpg"),
    (b"\x89PNG", ".png"),
    (b"GIF8", ".gif"),
    (b"RIFF", ".webp"),
    (b"BM", ".bmp"),
    (b"II", ".tif"),
    (b"MM", ".tif"),
    (b"P", ".ppm"),
)

_HEAT: Final = (
    (0.0, (254, 240, 160, 0)),
    (0.35, (253, 190, 80, 70)),
    (0.7, (236, 100, 52, 165)),
    (1.0, (158, 18, 76, 215)),
)
"""The colours of evidence, from none to most: share → RGBA."""


@dataclass(frozen=True)
class Photo:
    """A photograph that could be read.

    Attributes:
        pixels: for the model, `uint8` `(size, size, 3)`, RGB.
        preview: a JPEG, upright, at most `PREVIEW` on its longer side; empty where none was asked for.
        width: of the preview in pixels, 0 without one.
        height: likewise.
    """

    pixels: NDArray[np.uint8]
    preview: bytes = b""
    width: int = 0
    height: int = 0


def read(upload: Upload, size: int, fit: Fit, *, limit: int, preview: bool = False) -> Photo:
    """Decode an upload.

    Args:
        upload: the file.
        size: side of the model's images.
        fit: how they are made square.
        limit: pixels that are decoded.
        preview: make the small picture too.

    Raises:
        UnreadableImageError: it is no image, damaged, or too large; the message is the reason, in a few words.
    """
    if upload.kind and not upload.kind.startswith("image/") and upload.kind != "application/octet-stream":
        raise UnreadableImageError(f"was sent as {upload.kind[:60]}, not as an image")
    if not upload.data:
        raise UnreadableImageError("is empty (0 bytes)")
    if upload.kind == "image/svg+xml" or _is_markup(upload.data):
        raise UnreadableImageError("is no photograph: drawings in SVG or HTML are not taken")
    if upload.data.startswith(b"\xff\xd8"):
        _bounded(upload.data)
    pixels = decode.pixels(upload.data, size, fit, limit=limit)
    if not preview:
        return Photo(pixels)
    small = decode.open_upright(upload.data, around=PREVIEW, limit=limit)
    small.thumbnail((PREVIEW, PREVIEW), Image.Resampling.BILINEAR, reducing_gap=3.0)
    clean = Image.frombytes("RGB", small.size, small.tobytes())  # a new image: without EXIF, profiles, comments
    stream = io.BytesIO()
    clean.save(stream, "JPEG", quality=82)
    return Photo(pixels, stream.getvalue(), *clean.size)


def suffix(data: bytes) -> str:
    """The suffix that belongs to what the bytes of a readable image are, whatever their name says."""
    return next((suffix for beginning, suffix in _BEGINNINGS if data.startswith(beginning)), ".avif")


def overlay(heat: NDArray[np.float32], fit: Fit, width: int, height: int) -> bytes:
    """Draw where the evidence lies, as a PNG to be laid over a picture of the whole photograph.

    Args:
        heat: float32 `(h, w)`, 0–1, over the square that the model saw.
        fit: how that square was made from the photograph.
        width: of the picture.
        height: likewise.
    """
    square = Image.fromarray((np.clip(np.nan_to_num(heat), 0, 1) * 255).astype(np.uint8), "L")
    whole = Image.new("L", (width, height), 0)
    if fit == "crop":
        side = min(width, height)
        whole.paste(square.resize((side, side), Image.Resampling.BICUBIC), ((width - side) // 2, (height - side) // 2))
    elif fit == "pad":
        long = max(width, height)
        left, top = (long - width) // 2, (long - height) // 2
        whole = square.resize((long, long), Image.Resampling.BICUBIC).crop((left, top, left + width, top + height))
    else:
        whole = square.resize((width, height), Image.Resampling.BICUBIC)
    shares = [share for share, _ in _HEAT]
    ramp = np.stack([np.interp(np.arange(256) / 255, shares, [c[i] for _, c in _HEAT]) for i in range(4)], axis=1)
    stream = io.BytesIO()
    Image.fromarray(ramp.astype(np.uint8)[np.asarray(whole)], "RGBA").save(stream, "PNG")
    return stream.getvalue()


def _bounded(data: bytes) -> None:
    """Refuse a JPEG that keeps a decoder busy: count scans up to the end of the picture, not in what lies behind it.

    Segments are passed over by their length, so that a picture in a header (a thumbnail) counts for nothing.

    Raises:
        UnreadableImageError: it has more scans than `MOST_SCANS`, or more segments than `MOST_SEGMENTS`.
    """
    place, scans = 2, 0
    for _ in range(MOST_SEGMENTS):
        marker = _MARKER.search(data, place)
        if marker is None or marker[0] == b"\xff\xd9":
            return
        scans += marker[0] == b"\xff\xda"
        if scans > MOST_SCANS:
            raise UnreadableImageError(f"is a JPEG of more than {MOST_SCANS} scans")
        place = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])
    raise UnreadableImageError(f"is a JPEG of more than {MOST_SEGMENTS} segments")


def _is_markup(data: bytes) -> bool:
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith((b"<svg", b"<?xml", b"<!doctype", b"<html", b"<script"))
