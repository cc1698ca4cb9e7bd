"""Identify many photographs into one file: in the order given, in flat memory, and safe against a kill.

Enters: a predictor, paths, the file to write. Leaves: one row for every path. Photographs are decoded on
threads while the model works on those before; rows are appended as they are done and reach the disk batch by
batch.

Going on after a kill: a row that was cut short is removed, the rows that are there must belong to the same
paths, and the last batch is asked for again: if the model now says something else of it, the file was begun
with another model, and the two are not mixed. Batches begin at the same places as in an unbroken call, so
that the numbers are the same to the last digit.
"""

from __future__ import annotations

import stat
from collections import Counter, deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count, islice
from os import fsync
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import numpy as np
import portalocker
from numpy.typing import NDArray

from raravis import files, progress
from raravis.data import decode
from raravis.data.ahead import ahead, cores
from raravis.errors import StorageError
from raravis.judge.trust import VERDICTS
from raravis.serve import row as rows
from raravis.serve.formats import Format
from raravis.serve.row import Row

if TYPE_CHECKING:
    from raravis.serve.predictor import Answer, Predictor  # slow to import

_ALIKE = 1e-3


@dataclass(frozen=True)
class Tally:
    """What an output file holds.

    Attributes:
        rows: how many.
        kept: how many of them an earlier, interrupted call had written.
        unreadable: `file_path: reason` of every unreadable one.
        verdicts: how many rows there are of each verdict; empty where none is told.
    """

    rows: int
    kept: int
    unreadable: tuple[str, ...]
    verdicts: Mapping[str, int]


@dataclass(frozen=True)
class _Before:
    """What an interrupted call left: whole rows, the bytes they end at, and the last of them."""

    count: int
    end: int
    unreadable: tuple[str, ...]
    last: tuple[Row, ...]
    verdicts: Counter[str]


def identify(
    predictor: Predictor,
    paths: Sequence[str],
    out: Path,
    layout: Format,
    *,
    top_k: int,
    batch_size: int,
    resume: bool = False,
    quiet: bool = False,
) -> Tally:
    """Append one row for every path to `out`.

    Args:
        predictor: the model.
        paths: files, in the order of the rows.
        out: the file; an earlier file of the same format is replaced unless `resume`.
        layout: its format.
        top_k: families listed a photograph.
        batch_size: photographs a step; a bound on memory.
        resume: keep the rows that an interrupted call with the same paths and model left; none is fine.
        quiet: show no progress.

    Raises:
        StorageError: `out` cannot be written, is in use, holds something else, or rows of another call.
    """
    with _output(out, layout, resume) as stream:
        before = _left(stream, out, layout, paths, batch_size)
        bad, check, told = list(before.unreadable), deque(before.last), before.verdicts
        first = before.count - len(before.last)
        made = _batches(predictor, paths[first:], top_k, batch_size)
        bar = progress.bar("identifying", len(paths), quiet=quiet, unit="photographs")
        with closing(made), bar as advance:
            advance(first)
            for batch in made:
                new = [r for r in batch if not (check and _confirmed(check.popleft(), r, out))]
                stream.write(b"".join(layout.record(r) for r in new))
                stream.flush()
                fsync(stream.fileno())
                bad.extend(f"{r.file_path}: {r.error}" for r in new if r.error)
                told.update(r.verdict for r in new if r.verdict)
                advance(len(batch))
    return Tally(len(paths), before.count, tuple(bad), {verdict: told[verdict] for verdict in VERDICTS if told})


def _batches(predictor: Predictor, paths: Sequence[str], top_k: int, batch_size: int) -> Generator[list[Row]]:
    """Decode ahead, ask the model, and yield the rows of each batch."""

    def read(path: str) -> tuple[str, NDArray[np.uint8] | str]:
        try:
            return path, decode.pixels(decode.read_bytes(Path(path)), predictor.size, predictor.fit)
        except decode.UnreadableImageError as error:
            return path, str(error) or "cannot be read"

    with closing(ahead(read, paths, window=2 * max(batch_size, cores()))) as images:
        while batch := list(islice(images, batch_size)):
            pixels = [image for _, image in batch if not isinstance(image, str)]
            answer = predictor.answer(np.stack(pixels)) if pixels else None
            number = count(0)
            yield [
                rows.unreadable(path, image)
                if isinstance(image, str)
                else rows.best(path, cast("Answer", answer), next(number), predictor.families, top_k)
                for path, image in batch
            ]


@contextmanager
def _output(out: Path, layout: Format, resume: bool) -> Iterator[IO[bytes]]:
    """Open `out` alone, checked to be of this format, with its header; emptied unless `resume`."""
    files.folder(out.parent)
    with files.storage(out):
        there = out.exists()
        if there and not stat.S_ISREG(out.stat().st_mode):
            raise StorageError(f"Cannot write {out}: it is no regular file.\nName a file for --out.")
        stream = out.open("r+b" if there else "w+b")
    with files.storage(out), stream:  # also for what closing may say: it writes what is left
        try:
            portalocker.lock(stream, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
        except portalocker.LockException as error:
            raise StorageError(f"Another process is writing {out}.\nWait for it, or name another --out.") from error
        head = stream.read(len(layout.HEADER))
        if not layout.HEADER.startswith(head):
            raise StorageError(
                f"{out} exists and holds something else than predictions in this format; it was left alone.\n"
                "Name another --out, or remove the file."
            )
        if not resume or head != layout.HEADER:
            stream.truncate(0)
            stream.seek(0)
            stream.write(layout.HEADER)
            stream.flush()
        yield stream


def _left(stream: IO[bytes], out: Path, layout: Format, paths: Sequence[str], batch_size: int) -> _Before:
    """Read the rows behind the header, check that they are of `paths`, and cut off what is not whole."""
    anew = "Give the same paths in the same order, or call without --resume to begin anew."
    count, end = 0, len(layout.HEADER)
    bad: list[str] = []
    last: list[Row] = []
    told: Counter[str] = Counter()
    try:
        for found, offset in layout.records(stream):
            if count == len(paths):
                raise StorageError(f"{out} has more rows than the {len(paths)} photographs given.\n{anew}")
            if found.file_path != (expected := rows.printable(paths[count])):
                raise StorageError(
                    f"Row {count + 1} of {out} is of {found.file_path!r}, but {expected!r} was given.\n{anew}"
                )
            if count % batch_size == 0:
                last = []
            last.append(found)
            if found.error:
                bad.append(f"{found.file_path}: {found.error}")
            if found.verdict:
                told[found.verdict] += 1
            count, end = count + 1, offset
    except ValueError as error:
        raise StorageError(
            f"Row {count + 1} of {out} is damaged ({error}).\nCall without --resume to begin anew."
        ) from error
    stream.truncate(end)
    stream.seek(end)
    return _Before(count, end, tuple(bad), tuple(last), told)


def _confirmed(old: Row, new: Row, out: Path) -> bool:
    """Check that a row which stands in the file is what the model says now, but for rounding; always True.

    Raises:
        StorageError: it is not.
    """
    alike = (bool(old.error), len(old.families)) == (bool(new.error), len(new.families))
    if alike and old.families:
        alike = np.allclose(old.confidences, new.confidences, rtol=0, atol=_ALIKE)
        tied = len(new.confidences) > 1 and new.confidences[0] - new.confidences[1] < _ALIKE
        alike = alike and (old.families[0] == new.families[0] or tied)
        alike = alike and (old.verdict, set(old.prediction_set)) == (new.verdict, set(new.prediction_set))
    if not alike:
        raise StorageError(
            f"{out} was begun with another model or other options: it says otherwise of {old.file_path}.\n"
            "Name another --out, or call without --resume to begin anew."
        )
    return True
