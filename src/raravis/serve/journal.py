"""The rows that are done, on the disk: appended batch by batch, and taken up again after a kill.

Enters: the file, and the rows that are expected in it. Leaves: a stream at the place where to go on, and what an
interrupted call left. A row that was cut short is removed; the rows that are there must belong to the same photographs
and boxes. The file is of the format `raravis`; it is the output itself where that was asked for, else it stands beside
the output.
"""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import fsync
from pathlib import Path
from typing import IO

import numpy as np
import portalocker

from raravis import files
from raravis.errors import StorageError
from raravis.serve.formats import raravis as codec
from raravis.serve.row import Row

_ALIKE = 1e-3
_ANEW = "Give the same paths in the same order, or call without --resume to begin anew."


@dataclass(frozen=True)
class Before:
    """What an interrupted call left: whole rows, those by which its model is known, and what is counted.

    Attributes:
        count: how many rows.
        unreadable: `file_path: reason` of every unreadable photograph.
        last: the rows since the begin of the last batch that holds an answer of the model.
        verdicts: rows of each verdict, and of each status but `ok`.
    """

    count: int
    unreadable: tuple[str, ...]
    last: tuple[Row, ...]
    verdicts: Counter[str]


@dataclass(frozen=True)
class Journal:
    """An open journal, locked.

    Attributes:
        file: its name.
        stream: at the end of its whole rows.
        boxes: whether its rows tell boxes.
    """

    file: Path
    stream: IO[bytes]
    boxes: bool

    def append(self, rows: Iterable[Row]) -> None:
        """Write rows; they have reached the disk when this returns.

        Raises:
            OSError: the disk is full, or the like; `opened` makes it a `StorageError`.
        """
        self.stream.write(b"".join(codec.record(row, self.boxes) for row in rows))
        self.stream.flush()
        fsync(self.stream.fileno())

    def rows(self) -> Iterator[Row]:
        """All rows, from the first."""
        self.stream.seek(len(codec.header(self.boxes)))
        return (row for row, _ in codec.records(self.stream, self.boxes))

    def left(self, expected: Iterable[Row], count: int, batch_size: int) -> Before:
        """Read the rows that are there, check that they are those expected, and cut off what is not whole.

        Args:
            expected: `count` rows, as far as they are known before any photograph is opened.
            count: how many there will be.
            batch_size: rows in a batch.

        Raises:
            StorageError: they are of other photographs or boxes, or damaged.
        """
        self.stream.seek(end := len(codec.header(self.boxes)))
        bad: list[str] = []
        last: list[Row] = []
        told: Counter[str] = Counter()
        number, begun, coming = 0, 0, iter(expected)
        try:
            for found, offset in codec.records(self.stream, self.boxes):
                if number == count:
                    raise StorageError(f"{self.file} has more rows than the {count} that are to come.\n{_ANEW}")
                self._same(found, next(coming), number)
                begun = begun if number % batch_size else len(last)
                last.append(found)
                if found.families and begun:  # by this batch the model can be known
                    del last[:begun]
                    begun = 0
                note(found, bad, told)
                number, end = number + 1, offset
        except ValueError as error:
            raise StorageError(
                f"Row {number + 1} of {self.file} is damaged ({error}).\nCall without --resume to begin anew."
            ) from error
        self.stream.truncate(end)
        self.stream.seek(end)
        return Before(number, tuple(bad), tuple(last), told)

    def _same(self, found: Row, wanted: Row, number: int) -> None:
        if found.file_path != wanted.file_path:
            raise StorageError(
                f"Row {number + 1} of {self.file} is of {found.file_path!r}, "
                f"but {wanted.file_path!r} was given.\n{_ANEW}"
            )
        if codec.placed(found) != codec.placed(wanted):
            raise StorageError(
                f"Row {number + 1} of {self.file} is of another box in {found.file_path!r}: it was begun with other "
                f"detections.\n{_ANEW}"
            )

    def confirmed(self, old: Row, new: Row) -> bool:
        """Check that a row which stands in the file is what the model says now, but for rounding; always True.

        Raises:
            StorageError: it is not.
        """
        alike = (old.status, len(old.families)) == (new.status, len(new.families))
        if alike and old.families:
            alike = np.allclose(old.confidences, new.confidences, rtol=0, atol=_ALIKE)
            tied = len(new.confidences) > 1 and new.confidences[0] - new.confidences[1] < _ALIKE
            alike = alike and (old.families[0] == new.families[0] or tied)
            said = [(r.verdict, r.taxon_rank, r.taxon, set(r.prediction_set)) for r in (old, new)]
            alike = alike and said[0] == said[1]
        if not alike:
            raise StorageError(
                f"{self.file} was begun with another model or other options: it says otherwise of {old.file_path}.\n"
                "Name another --out, or call without --resume to begin anew."
            )
        return True


def note(row: Row, bad: list[str], told: Counter[str]) -> None:
    """Count a row: a photograph that cannot be read is named once, however many rows it has."""
    if row.error:
        line = f"{row.file_path}: {row.error}"
        if bad[-1:] != [line] or row.box is None or row.box.number == 0:
            bad.append(line)
    if row.verdict or row.status == "empty":
        told[row.verdict or "empty"] += 1


@contextmanager
def opened(file: Path, boxes: bool, resume: bool) -> Iterator[Journal]:
    """Open a journal alone, checked to be one, with its header; emptied unless `resume`.

    Raises:
        StorageError: it cannot be written, is in use, holds something else, or was begun with boxes and is to go on
            without, or the other way round.
    """
    files.folder(file.parent)
    with files.storage(file):
        there = file.exists()
        if there and not stat.S_ISREG(file.stat().st_mode):
            raise StorageError(f"Cannot write {file}: it is no regular file.\nName a file for --out.")
        stream = file.open("r+b" if there else "w+b")
    with files.storage(file), stream:  # also for what closing may say: it writes what is left
        try:
            portalocker.lock(stream, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
        except portalocker.LockException as error:
            raise StorageError(f"Another process is writing {file}.\nWait for it, or name another --out.") from error
        own, other = codec.header(boxes), codec.header(not boxes)
        head = stream.read(max(len(own), len(other)))
        begun = head.startswith(own)
        if resume and head.startswith(other):
            raise StorageError(
                f"{file} was begun {'without' if boxes else 'with'} --detections.\n"
                "Give the same options, or call without --resume to begin anew."
            )
        if not (begun or head.startswith(other) or own.startswith(head) or other.startswith(head)):
            raise foreign(file)
        if not resume or not begun:
            stream.truncate(0)
            stream.seek(0)
            stream.write(own)
            stream.flush()
        yield Journal(file, stream, boxes)


def foreign(file: Path) -> StorageError:
    """The error for a file that raravis did not write."""
    return StorageError(
        f"{file} exists and holds something else than predictions in this format; it was left alone.\n"
        "Name another --out, or remove the file."
    )
