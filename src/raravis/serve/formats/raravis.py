r"""CSV with one row a photograph, or a detected animal; lists within a field are joined with `|`.

UTF-8, `\n` line ends, quoted after RFC 4180 where a field needs it; a `|` in the name of a family itself is written
`\x7c`. Columns that say more than the model's probabilities (`verdict`, `prediction_set`, `novelty`, `taxon_rank`,
`taxon`, `reason`) are empty where nothing is known. Where boxes were given, `detection`, `bbox` and
`detection_confidence` follow.

This format is also the journal of all others, so it can be read back: `records` gives every row that is whole.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import IO, Final

from raravis.data.boxes import read
from raravis.serve.formats import About
from raravis.serve.row import Box, Row

COLUMNS: Final = (
    "file_path",
    "status",
    "error",
    "verdict",
    "family",
    "confidence",
    "top_families",
    "top_confidences",
    "prediction_set",
    "novelty",
    "taxon_rank",
    "taxon",
    "reason",
)
BOXES: Final = ("detection", "bbox", "detection_confidence")
"""The columns that follow where boxes were given: the number of the detection in its photograph, from 0; left, top,
width and height in shares of the photograph; what the detector made of it."""

BEGINS: Final = ",".join(COLUMNS).encode()


def write(rows: Iterable[Row], about: About, stream: IO[bytes]) -> None:
    """Write the header and all rows."""
    boxes = about.detections is not None
    stream.write(header(boxes))
    stream.writelines(record(row, boxes) for row in rows)


def header(boxes: bool = False) -> bytes:
    """The first line; `boxes` adds their columns."""
    return (",".join((*COLUMNS, *BOXES) if boxes else COLUMNS) + "\n").encode()


def record(row: Row, boxes: bool = False) -> bytes:
    """Write one row; confidences have six decimals."""
    confidences = [f"{value:.6f}" for value in row.confidences]
    known = {
        "file_path": row.file_path,
        "status": row.status,
        "error": row.error,
        "family": row.families[0] if row.families else "",
        "confidence": confidences[0] if confidences else "",
        "top_families": _joined(row.families),
        "top_confidences": "|".join(confidences),
        "verdict": row.verdict,
        "prediction_set": _joined(row.prediction_set),
        "novelty": "" if row.novelty is None else f"{row.novelty:.4f}",
        "taxon_rank": row.taxon_rank,
        "taxon": row.taxon,
        "reason": row.reason,
    }
    if boxes:
        known |= placed(row)
    text = io.StringIO(newline="")  # a field is quoted for what its line end is made of: for a lone return too
    csv.DictWriter(text, (*COLUMNS, *BOXES) if boxes else COLUMNS, restval="", lineterminator="\r\n").writerow(known)
    return (text.getvalue().removesuffix("\r\n") + "\n").encode("utf-8")


def placed(row: Row) -> dict[str, str]:
    """The columns of `BOXES`; empty for a whole photograph."""
    if row.box is None:
        return dict.fromkeys(BOXES, "")
    sides = "|".join(f"{side:.6g}" for side in row.box.sides)
    return dict(zip(BOXES, (str(row.box.number), sides, f"{row.box.confidence:.6g}"), strict=True))


def records(stream: IO[bytes], boxes: bool = False) -> Iterator[tuple[Row, int]]:
    """Read the whole rows of a stream that stands behind the header, each with the offset of its end.

    Raises:
        ValueError: a row is none that `record` wrote.
    """
    end = stream.tell()
    parts: list[bytes] = []
    quotes = 0
    for line in stream:
        parts.append(line)
        quotes += line.count(b'"')
        if quotes % 2 or not line.endswith(b"\n"):
            continue  # the line end is inside quotes, or the row was cut short
        data = b"".join(parts)
        end += len(data)
        yield _parsed(data.decode("utf-8"), boxes), end
        parts, quotes = [], 0


def _parsed(text: str, boxes: bool) -> Row:
    """Read one row back."""
    try:
        (fields,) = csv.reader([text], strict=True)
    except csv.Error as error:
        raise ValueError(str(error)) from error
    cells = dict(zip((*COLUMNS, *BOXES) if boxes else COLUMNS, fields, strict=True))
    box = None
    if cells.get("detection"):
        box = Box(int(cells["detection"]), *read(cells["bbox"]), float(cells["detection_confidence"]))
    row = Row(
        cells["file_path"],
        cells["error"],
        families=_split(cells["top_families"]),
        confidences=tuple(map(float, cells["top_confidences"].split("|"))) if cells["top_confidences"] else (),
        verdict=cells["verdict"],
        prediction_set=_split(cells["prediction_set"]),
        novelty=float(cells["novelty"]) if cells["novelty"] else None,
        taxon_rank=cells["taxon_rank"],
        taxon=cells["taxon"],
        reason=cells["reason"],
        box=box,
    )
    if cells["status"] != row.status:
        raise ValueError(f"status {cells['status']!r}")
    return row


def _joined(names: Iterable[str]) -> str:
    return "|".join(name.replace("|", r"\x7c") for name in names)


def _split(cell: str) -> tuple[str, ...]:
    return tuple(name.replace(r"\x7c", "|") for name in cell.split("|")) if cell else ()
