"""What an image looks like, in 256 bits: the perceptual hash.

An upright image enters; a hex string of 64 digits leaves, which changes little when the image is encoded
again, resized, brightened or slightly cropped. Helpers turn a column of such strings into `uint64` words.

The hash tells which of the lowest frequencies of a discrete cosine transform lie above their median, in order
of rising frequency (after C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010). The
thumbnail is faded towards its edges first, because that is where crops, frames and watermarks differ. The
first 64 bits are balanced on their own, coarse enough to search with; all 256 are fine enough to confirm.
In the finer ones, what is no stronger than noise counts as nothing, so that copies of smooth images agree.
The bits come from exact integer arithmetic, so every machine finds the same in the same pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

SIDE = 32  # of the grey thumbnail that is transformed
BITS = 256
WORDS = BITS // 64
DIGITS = BITS // 4
FLAT = 2.0  # an image whose thumbnail deviates less than this many grey levels shows nothing
BLANK = "0" * DIGITS  # its hash; other images have about half of their bits set
NOISE = 24 * 64 * 1024**2  # what rounding and encoding leave in the higher frequencies of a smooth image
FADE = 0.5  # the share of the thumbnail's side over which a Tukey window fades

Words = npt.NDArray[np.uint64]


def thumbnail(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Shrink the image to grey `uint8` (32, 32); each cell is the mean of the pixels that it covers."""
    grey = image if image.mode == "L" else image.convert("L")
    return np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BOX))


def perceptual(image: Image.Image) -> str:
    """Hash an upright image of mode RGB or L: 64 hex digits, lowest frequencies first.

    An image that is nearly one flat colour (`FLAT`) has the hash `BLANK`.
    """
    small = thumbnail(image).astype(np.float64)
    if small.std() < FLAT:
        return BLANK
    window, basis, cells = _plan()
    centre = np.rint(64 * (window @ small @ window) / window.sum() ** 2)
    low = (basis @ (64 * small - centre) @ basis.T).ravel()[cells]  # integers below 2^53: exact in any order
    bits = np.concatenate([low[:64] > _middle(low[:64]), low[64:] > max(_middle(low[64:]), NOISE)])
    return np.packbits(bits).tobytes().hex()


def words(hashes: Sequence[str]) -> Words:
    """Turn hashes into `uint64` of shape (n, 4); the first word holds the lowest frequencies.

    Raises:
        ValueError: a hash has not exactly 64 hex digits.
    """
    for text in hashes:
        if len(text) != DIGITS:
            raise ValueError(f"a perceptual hash has {DIGITS} hex digits, not {len(text)}: {text!r}")
    raw = bytes.fromhex("".join(hashes))
    return np.frombuffer(raw, dtype=">u8").reshape(-1, WORDS).astype(np.uint64)


def distance(one: Words, other: Words) -> npt.NDArray[np.int64]:
    """Count the bits that differ: arrays (…, 4) that broadcast enter, `int64` (…) in 0-256 leaves."""
    differ: npt.NDArray[np.int64] = np.bitwise_count(one ^ other).sum(axis=-1, dtype=np.int64)
    return differ


def _middle(values: npt.NDArray[np.float64]) -> float:
    """The lower median: half of the values lie above it."""
    return float(np.sort(values)[len(values) // 2 - 1])


@cache
def _plan() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Build the window (32,) and the faded cosine basis (K, 32), both integers, and the cells (256,)."""
    x = np.arange(SIDE)
    depth = np.minimum(x + 1, SIDE - x) / (SIDE + 1) / (FADE / 2)
    window = np.where(depth < 1, 0.5 - 0.5 * np.cos(np.pi * depth), 1.0)
    u, v = np.mgrid[0:SIDE, 0:SIDE]
    order = np.lexsort((u.ravel(), np.abs(u - v).ravel(), (u + v).ravel()))[1 : BITS + 1]
    u, v = u.ravel()[order], v.ravel()[order]
    k = np.arange(u.max() + 1)[:, None]
    basis = np.rint(1024 * window * np.cos(np.pi * k * (2 * x + 1) / (2 * SIDE)))
    return np.rint(1024 * window), basis, u * len(k) + v
