"""What is to be looked at: every photograph that was given, or every animal that a detector saw in it.

Enters: paths, and detections where there are any. Leaves: one or more `Look`s a path, in order: a row that waits for
its answer, with the pixels of the photograph or of a square around the animal. How many there are is known before any
file is opened, so that an interrupted call can go on.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from raravis.data import decode, places
from raravis.data.boxes import around, cut
from raravis.data.decode import Fit
from raravis.errors import DataError, UsageError
from raravis.serve import row as rows
from raravis.serve.detections import Detections
from raravis.serve.row import Row


@dataclass(frozen=True)
class Picture:
    """One photograph, and the rows that it will have.

    Attributes:
        path: as given.
        rows: what is known of each row before the photograph is opened: at least one.
        skipped: rows of it that are there already.
        until: rows from this one on are somebody else's; None for all that are left.
    """

    path: str
    rows: tuple[Row, ...]
    skipped: int = 0
    until: int | None = None

    @property
    def wanted(self) -> tuple[Row, ...]:
        """The rows that are to be made."""
        return self.rows[self.skipped : self.until]


@dataclass(frozen=True)
class Look:
    """One row to be.

    Attributes:
        row: what is known of it already; complete where there are no pixels.
        pixels: `uint8` `(size, size, 3)`; None where there is nothing to identify.
    """

    row: Row
    pixels: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Pictures:
    """All photographs of a call.

    Attributes:
        paths: as given.
        detections: boxes to look into; None to look at whole photographs.
    """

    paths: Sequence[str]
    detections: Detections | None = None

    @cached_property
    def count(self) -> int:
        """How many rows there will be."""
        return len(self.paths) if self.detections is None else sum(len(picture.rows) for picture in self.after(0))

    def after(self, done: int) -> Iterator[Picture]:
        """The photographs without the first `done` rows."""
        if self.detections is None:
            for path in self.paths[done:]:
                yield Picture(path, (Row(rows.printable(path)),))
            return
        for number, path in enumerate(self.paths):
            made = self._rows(path, self._entries[number])
            if done < len(made):
                yield Picture(path, made, done)
            done = max(0, done - len(made))

    def _rows(self, path: str, entry: int) -> tuple[Row, ...]:
        """The rows of a photograph, as far as the detections tell them."""
        assert self.detections is not None
        if entry < 0:
            return (rows.unreadable(path, f"is not in {self.detections.file.name}"),)
        boxes, error, reason = self.detections.boxes(entry)
        if error:
            return (rows.unreadable(path, error),)
        name = rows.printable(path)
        return tuple(Row(name, box=box) for box in boxes) or (Row(name, reason=reason),)

    @cached_property
    def _entries(self) -> array[int]:
        """The entry of each photograph in the detections, -1 for none.

        Raises:
            DataError: two photographs fit one entry, or one fits several.
            UsageError: no photograph is in the detections.
        """
        assert self.detections is not None
        found, owners = array("q"), dict[int, str]()
        for path in self.paths:
            number = self.detections.find(path)
            found.append(-1 if number is None else number)
            if number is None:
                continue
            other = owners.setdefault(number, path)
            if other != path and os.path.abspath(other) != os.path.abspath(path):  # noqa: PTH100 - names may be odd
                raise DataError(
                    f"{rows.printable(other)} and {rows.printable(path)} both fit "
                    f"{'/'.join(self.detections.parts[number])!r} in {self.detections.file}.\n"
                    "Identify the photographs of one results file at a time, from the folder it was made for."
                )
        if self.paths and not owners:
            listed = f", such as {'/'.join(self.detections.parts[0])!r}" if self.detections.parts else ""
            raise UsageError(
                f"None of the {len(self.paths)} photographs ({rows.printable(self.paths[0])}, …) is among the "
                f"{len(self.detections.parts)} of {self.detections.file}{listed}.\n"
                "Give the photographs that the detector looked at."
            )
        return found


def look(picture: Picture, size: int, fit: Fit) -> list[Look]:
    """Open a photograph and cut out what its rows are about; a bad one is the error of each of its rows.

    Args:
        picture: which.
        size: side of the pixels.
        fit: how they are made square, see `decode.pixels`.
    """
    wanted = picture.wanted
    if any(row.error or row.reason for row in wanted):
        return [Look(row) for row in wanted]
    try:
        data = places.read(picture.path)
        if not any(row.box for row in wanted):
            return [Look(row, decode.pixels(data, size, fit)) for row in wanted]
        every = (row.box.sides for row in picture.rows if row.box)  # also of those not wanted
        image = decode.open_upright(data, around=around(2 * size, every))
        return [Look(row, decode.squared(cut(image, row.box.sides), size, fit)) for row in wanted if row.box]
    except decode.UnreadableImageError as error:
        bad = rows.unreadable(picture.path, str(error) or "cannot be read")
        return [Look(replace(row, error=bad.error)) for row in wanted]
