"""Apache Parquet: the columns of `raravis`, typed; lists are lists, what is unknown is null.

Written in groups of rows, so that memory stays flat; pandas, DuckDB, Arrow and R read it.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Final

from raravis.serve.formats import About
from raravis.serve.row import Row

if TYPE_CHECKING:
    import pyarrow as pa

BEGINS: Final = b"PAR1"
GROUP: Final = 1024
"""Rows held at a time."""


def write(rows: Iterable[Row], about: About, stream: IO[bytes]) -> None:
    """Write all rows."""
    from pyarrow import Table, parquet  # slow to import

    boxes = about.detections is not None
    schema = _schema(boxes).with_metadata({"raravis.model": about.model})
    with parquet.ParquetWriter(stream, schema) as writer:
        left = iter(rows)
        while group := [_record(row, boxes) for row in islice(left, GROUP)]:
            writer.write_table(Table.from_pylist(group, schema=schema))


def _schema(boxes: bool) -> pa.Schema:
    import pyarrow as pa

    text, number = pa.string(), pa.float64()
    fields: list[tuple[str, Any]] = [
        ("file_path", text),
        ("status", text),
        ("error", text),
        ("verdict", text),
        ("family", text),
        ("confidence", number),
        ("top_families", pa.list_(text)),
        ("top_confidences", pa.list_(number)),
        ("prediction_set", pa.list_(text)),
        ("novelty", number),
        ("taxon_rank", text),
        ("taxon", text),
        ("reason", text),
    ]
    if boxes:
        fields += [("detection", pa.int64()), ("bbox", pa.list_(number)), ("detection_confidence", number)]
    return pa.schema(fields)


def _record(row: Row, boxes: bool) -> dict[str, Any]:
    told = {
        "file_path": row.file_path,
        "status": row.status,
        "error": row.error or None,
        "verdict": row.verdict or None,
        "family": row.families[0] if row.families else None,
        "confidence": row.confidences[0] if row.confidences else None,
        "top_families": list(row.families),
        "top_confidences": list(row.confidences),
        "prediction_set": list(row.prediction_set) if row.verdict else None,
        "novelty": row.novelty,
        "taxon_rank": row.taxon_rank or None,
        "taxon": row.taxon or None,
        "reason": row.reason or None,
    }
    if boxes and row.box:
        told |= {"detection": row.box.number, "bbox": list(row.box.sides)}
        told["detection_confidence"] = row.box.confidence
    return told
