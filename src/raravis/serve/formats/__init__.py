"""Output formats: one file each, whose name is its public name.

A format is a module with

- `BEGINS: bytes` — what a file of this format that raravis wrote begins with; a file that begins otherwise is left
  alone,
- `write(rows, about, stream)` — all rows, from the first to the last, as one whole file, read and written once, so that
  memory stays flat.

Rows are appended to a journal as they are done, and the format is written, whole or not at all, once they are all
there. The journal is a file of the format `raravis`, whatever the format asked for: going on after a kill is one
matter, not one a format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, Protocol, cast

from raravis import registry
from raravis.serve.detections import Detections
from raravis.serve.row import Row


@dataclass(frozen=True)
class About:
    """What a format may say beside the rows.

    Attributes:
        model: name and version of what identified.
        lineages: of every family that it knows, in the order of their names, rank → name, "" or absent where unknown.
        detections: where the boxes came from; None where whole photographs were identified.
    """

    model: str
    lineages: Mapping[str, Mapping[str, str]]
    detections: Detections | None = None


class Format(Protocol):
    """What a module of this package offers."""

    BEGINS: bytes

    def write(self, rows: Iterable[Row], about: About, stream: IO[bytes]) -> None:
        """Write all rows."""


def load(name: str) -> Format:
    """Look up a format by its name.

    Raises:
        UsageError: no such format; the message lists those that exist.
    """
    return cast(Format, registry.load(__name__, name, "format"))


def by_picture(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Gather the rows that are of one photograph, where the same one may have been given twice in a row."""
    group: list[Row] = []
    for row in rows:
        if group and not _goes_on(group[-1], row):
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def detected(group: list[Row], about: About) -> dict[int, dict[str, Any]]:
    """All detections in the photograph of these rows, by their numbers, as the detector's file tells them."""
    detections = about.detections
    entry = None if detections is None else detections.find(group[0].file_path)
    if detections is None or entry is None:  # a name that had to be written otherwise than it is: what the rows know
        boxes = [row.box for row in group if row.box]
        return {box.number: {"category": "1", "conf": box.confidence, "bbox": list(box.sides)} for box in boxes}
    return dict(enumerate(detections.entry(entry).get("detections") or ()))


def _goes_on(last: Row, row: Row) -> bool:
    """Whether a row is of a further animal in the photograph of the row before."""
    return (
        last.file_path == row.file_path
        and last.box is not None
        and row.box is not None
        and last.box.number < row.box.number
    )
