r"""CSV with one row a photograph; lists within a field are joined with `|`.

UTF-8, `\n` line ends, quoted after RFC 4180 where a field needs it. Columns that say more than the
model's probabilities (`verdict`, `prediction_set`, `novelty`, `taxon_rank`, `taxon`, `reason`) are
empty where nothing is known.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import IO, Final

from raravis.serve.row import Row

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
HEADER: Final = (",".join(COLUMNS) + "\n").encode()


def record(row: Row) -> bytes:
    """Write one row; confidences have six decimals."""
    confidences = [f"{value:.6f}" for value in row.confidences]
    known = {
        "file_path": row.file_path,
        "status": "unreadable" if row.error else "ok",
        "error": row.error,
        "family": row.families[0] if row.families else "",
        "confidence": confidences[0] if confidences else "",
        "top_families": "|".join(row.families),
        "top_confidences": "|".join(confidences),
        "verdict": row.verdict,
        "prediction_set": "|".join(row.prediction_set),
        "novelty": "" if row.novelty is None else f"{row.novelty:.4f}",
        "taxon_rank": row.taxon_rank,
        "taxon": row.taxon,
        "reason": row.reason,
    }
    text = io.StringIO(newline="")
    csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n").writerow(known)
    return text.getvalue().encode("utf-8")


def records(stream: IO[bytes]) -> Iterator[tuple[Row, int]]:
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
        yield _parsed(data.decode("utf-8")), end
        parts, quotes = [], 0


def _parsed(text: str) -> Row:
    """Read one row back."""
    try:
        (fields,) = csv.reader([text], strict=True)
    except csv.Error as error:
        raise ValueError(str(error)) from error
    cells = dict(zip(COLUMNS, fields, strict=True))
    if cells["status"] not in ("ok", "unreadable"):
        raise ValueError(f"status {cells['status']!r}")
    if cells["status"] == "unreadable":
        return Row(cells["file_path"], cells["error"])
    return Row(
        cells["file_path"],
        families=tuple(cells["top_families"].split("|")),
        confidences=tuple(map(float, cells["top_confidences"].split("|"))),
        verdict=cells["verdict"],
        prediction_set=tuple(cells["prediction_set"].split("|")) if cells["prediction_set"] else (),
        novelty=float(cells["novelty"]) if cells["novelty"] else None,
        taxon_rank=cells["taxon_rank"],
        taxon=cells["taxon"],
        reason=cells["reason"],
    )
