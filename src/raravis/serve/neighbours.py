"""The training photographs that a bundle remembers: what the network made of each, whose they are, perhaps a thumbnail.

Enters: features of photographs. Leave: the training photographs that are most like each. Arrays of `neighbours.npz`:

    rows      float16 or int8 `(n, D)`: features of length 1, of int8 times `scale`
    scale     float32 `(n,)`
    classes   int32 `(n,)`: place of the family in the bundle's list
    ids       uint8 `(n, 32)`: SHA-256 of the image file
    license, rights_holder     int32 `(n,)`: place in `names`
    names     texts, the first one ""
    ends      int64 `(n,)`: where each thumbnail ends in `thumbnails.bin`; none where there are no thumbnails
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

AT_ONCE: Final = 4096
"""Rows that are compared at a time: a bound on memory."""
RIGHTS: Final = ("license", "rights_holder")
_JPEG: Final = b"\xff\xd8\xff"


@dataclass(frozen=True)
class Neighbour:
    """A training photograph that is like a given one.

    Attributes:
        family: that it was labelled with.
        image_id: SHA-256 of its file, hex.
        similarity: cosine of both features, −1 to 1: 1 for the same picture.
        license: as the data told, "" where it did not.
        rights_holder: likewise.
        thumbnail: a JPEG, where the maker of the bundle gave thumbnails along.
    """

    family: str
    image_id: str
    similarity: float
    license: str
    rights_holder: str
    thumbnail: bytes | None


@dataclass(frozen=True)
class Neighbours:
    """All of them, ready to be searched.

    Attributes:
        arrays: as the module says.
        families: of the bundle.
        thumbnails: JPEGs, one behind the other; empty where there are none.
    """

    arrays: Mapping[str, NDArray[Any]]
    families: tuple[str, ...]
    thumbnails: bytes = b""

    def check(self, width: int) -> None:
        """See that the arrays belong together and to features of this width.

        Raises:
            ValueError: they do not.
            KeyError: one is missing.
        """
        own = self.arrays
        rows, count = own["rows"], len(own["rows"])
        if rows.dtype not in (np.float16, np.int8) or rows.shape != (count, width):
            raise ValueError(f"rows of {rows.dtype} {rows.shape}; features of width {width} were expected")
        expected = {"scale": (np.float32, (count,)), "classes": (np.int32, (count,)), "ids": (np.uint8, (count, 32))}
        expected |= dict.fromkeys(RIGHTS, (np.int32, (count,)))
        if self.thumbnails:
            expected["ends"] = (np.int64, (count,))
        for name, (dtype, shape) in expected.items():
            if own[name].dtype != dtype or own[name].shape != shape:
                raise ValueError(
                    f"{name} is {own[name].dtype} {own[name].shape}; {np.dtype(dtype)} {shape} was expected"
                )
        if own["names"].ndim != 1 or own["names"].dtype.kind != "U" or not len(own["names"]):
            raise ValueError("names are no texts")
        for name, most in (
            ("classes", len(self.families)),
            *((n, len(own["names"])) for n in RIGHTS),
        ):
            if count and not 0 <= own[name].min() <= own[name].max() < most:
                raise ValueError(f"{name} point beyond the {most} that there are")
        if not (np.isfinite(rows).all() and np.isfinite(own["scale"]).all()):
            raise ValueError("rows hold NaN or infinity")
        if self.thumbnails:
            ends = own["ends"]
            if count == 0 or (np.diff(ends, prepend=0) < len(_JPEG)).any() or ends[-1] != len(self.thumbnails):
                raise ValueError("thumbnails do not lie one behind the other")
            if any(self.thumbnails[begin : begin + 3] != _JPEG for begin in (0, *ends[:-1].tolist())):
                raise ValueError("a thumbnail is no JPEG")

    def nearest(self, features: NDArray[np.float32], count: int) -> list[list[Neighbour]]:
        """The `count` most alike of each, the most alike first; fewer where there are fewer.

        Args:
            features: float32 `(B, D)`, of any length.
            count: 0 or more.
        """
        length = np.linalg.norm(features, axis=1, keepdims=True)
        unit = np.asarray(features / np.maximum(length, 1e-12), np.float32)
        rows, scale = self.arrays["rows"], self.arrays["scale"]
        alike = np.empty((len(unit), len(rows)), np.float32)
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE].astype(np.float32)
            alike[:, start : start + AT_ONCE] = unit @ some.T * scale[start : start + AT_ONCE]
        order = np.argsort(-alike, axis=1, kind="stable")[:, :count]
        return [[self._one(row, alike[number, row]) for row in some] for number, some in enumerate(order)]

    def _one(self, row: int, alike: float) -> Neighbour:
        own = self.arrays
        thumbnail = None
        if self.thumbnails:
            begin = int(own["ends"][row - 1]) if row else 0
            thumbnail = self.thumbnails[begin : int(own["ends"][row])]
        return Neighbour(
            self.families[own["classes"][row]],
            own["ids"][row].tobytes().hex(),
            float(np.clip(alike, -1, 1)),
            str(own["names"][own["license"][row]]),
            str(own["names"][own["rights_holder"][row]]),
            thumbnail,
        )
