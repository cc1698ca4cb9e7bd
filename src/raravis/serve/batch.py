"""Identify many photographs into one file: in the order given, in flat memory, and safe against a kill.

Enters: a maker of rows, photographs, the file to write. Leaves: one row for every photograph, or for every animal that
a detector saw in it. The maker `here` decodes photographs on threads while the model works on those before on a thread
of its own; `remote.there` has many machines do it. Rows are appended as they are done and reach the disk batch by
batch. A format that cannot be appended to is written at the end, from the journal of rows that stands beside it.

Going on after a kill: what an interrupted call left is checked (see `journal`), and the last batch that holds an answer
is asked for again, with all behind it: if the model now says something else of it, the file was begun with another
model, and the two are not mixed. Batches begin at the same places as in an unbroken call, so that the numbers are the
same to the last digit.
"""

from __future__ import annotations

import stat
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from raravis import files, progress
from raravis.data.ahead import ahead, cores
from raravis.errors import StorageError
from raravis.judge.trust import VERDICTS
from raravis.serve import formats, journal
from raravis.serve import row as rows
from raravis.serve.formats import About, Format
from raravis.serve.pictures import Look, Picture, Pictures, look
from raravis.serve.row import Row

if TYPE_CHECKING:
    from raravis.serve.predictor import Predictor  # slow to import

Maker = Callable[[Iterable[Picture], int], Generator[list[Row]]]
"""Photographs, and rows a batch → the rows of each batch, in order."""


@dataclass(frozen=True)
class Tally:
    """What an output file holds.

    Attributes:
        rows: how many.
        kept: how many of them an earlier, interrupted call had written.
        unreadable: `file_path: reason` of every unreadable photograph.
        verdicts: how many rows there are of each verdict; empty where none is told.
        empty: photographs in which the detector saw no animal.
        journal: the file of the rows; the output itself where that is one.
    """

    rows: int
    kept: int
    unreadable: tuple[str, ...]
    verdicts: Mapping[str, int]
    empty: int
    journal: Path


def identify(
    make: Maker,
    pictures: Pictures,
    out: Path,
    layout: Format,
    about: About,
    *,
    batch_size: int,
    resume: bool = False,
    quiet: bool = False,
) -> Tally:
    """Write one row for every photograph or animal to `out`.

    Args:
        make: what makes the rows: `here`, or `remote.there`.
        pictures: what to look at, in the order of the rows.
        out: the file; an earlier file of the same format is replaced unless `resume`.
        layout: its format.
        about: what the format says beside the rows.
        batch_size: rows a step; a bound on memory.
        resume: keep the rows that an interrupted call with the same photographs and model left; none is fine.
        quiet: show no progress.

    Raises:
        StorageError: `out` cannot be written, is in use, holds something else, or rows of another call.
        DataError, UsageError: the detections do not fit the photographs.
    """
    total = pictures.count
    appended = layout is formats.load("raravis")
    file = out if appended else out.with_name(f"{out.name}.rows")
    if not appended:
        _is_ours(out, layout)
    with journal.opened(file, pictures.detections is not None, resume) as held:
        expected = (row for picture in pictures.after(0) for row in picture.rows)
        before = held.left(expected, total, batch_size)
        bad, check, told = list(before.unreadable), deque(before.last), before.verdicts
        first = before.count - len(before.last)
        made = make(pictures.after(first), batch_size)
        bar = progress.bar("identifying", total, quiet=quiet, unit="photographs" if appended else "rows")
        with closing(made), bar as advance:
            advance(first)
            for batch in made:
                new = [r for r in batch if not (check and held.confirmed(check.popleft(), r))]
                held.append(new)
                for one in new:
                    journal.note(one, bad, told)
                advance(len(batch))
        if not appended:
            with files.atomic(out) as stream:
                layout.write(held.rows(), about, stream)
    verdicts = {verdict: told[verdict] for verdict in VERDICTS if any(told[v] for v in VERDICTS)}
    return Tally(total, before.count, tuple(bad), verdicts, told["empty"], file)


def here(predictor: Predictor, top_k: int, jobs: int = 0) -> Maker:
    """Have this process make the rows: decode ahead, and ask the model ahead of the one who writes.

    Args:
        predictor: the model.
        top_k: families listed a row.
        jobs: threads that decode; 0 for one a core.
    """
    threads = jobs or cores()

    def made(pictures: Iterable[Picture], batch_size: int) -> Generator[list[Row]]:
        def read(picture: Picture) -> list[Look]:
            return look(picture, predictor.size, predictor.fit)

        def asked(looks: list[Look]) -> list[Row]:
            return answered(predictor, looks, top_k)

        seen = ahead(read, pictures, window=2 * max(batch_size, threads), threads=threads)
        told = ahead(asked, _gathered(chain.from_iterable(seen), batch_size), window=2, threads=1)
        with closing(told), closing(seen):  # the inner one first, as `told` reads from it
            yield from told

    return made


def answered(predictor: Predictor, looks: Sequence[Look], top_k: int) -> list[Row]:
    """The rows of one batch of looks, as the model answers."""
    pixels = [one.pixels for one in looks if one.pixels is not None]
    if not pixels:
        return [one.row for one in looks]
    answer, numbers = predictor.answer(np.stack(pixels)), iter(range(len(pixels)))
    return [
        one.row
        if one.pixels is None
        else replace(
            rows.best("", answer, next(numbers), predictor.families, top_k),
            file_path=one.row.file_path,
            box=one.row.box,
        )
        for one in looks
    ]


def _gathered(looks: Iterator[Look], batch_size: int) -> Iterator[list[Look]]:
    while batch := list(islice(looks, batch_size)):
        yield batch


def _is_ours(out: Path, layout: Format) -> None:
    """Make sure that what stands at `out`, if anything, is an earlier file of this format.

    Raises:
        StorageError: it is not.
    """
    files.folder(out.parent)
    with files.storage(out):
        if not out.exists():
            return
        if not stat.S_ISREG(out.stat().st_mode):
            raise StorageError(f"Cannot write {out}: it is no regular file.\nName a file for --out.")
        with out.open("rb") as stream:
            head = stream.read(len(layout.BEGINS))
    if head and head != layout.BEGINS:
        raise journal.foreign(out)
