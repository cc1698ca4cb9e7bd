r"""The CSV of `bioclip predict --rank family`: one row for each of the likeliest families of a photograph.

`file_name,kingdom,phylum,class,order,family,score`, the best first, as pybioclip's `TreeOfLifeClassifier` lists them.
A photograph that cannot be read, or that shows no animal, has one row with nothing but its name. Where boxes were
given, the columns that tell them follow. https://imageomics.github.io/pybioclip/
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import IO, Final

from raravis.lineages import WIDER
from raravis.serve.formats import About
from raravis.serve.formats.raravis import BOXES, placed
from raravis.serve.row import Row

COLUMNS: Final = ("file_name", *WIDER, "score")
BEGINS: Final = ",".join(COLUMNS).encode()


def write(rows: Iterable[Row], about: About, stream: IO[bytes]) -> None:
    """Write the header and all rows."""
    boxes = about.detections is not None
    stream.write((",".join((*COLUMNS, *BOXES) if boxes else COLUMNS) + "\n").encode())
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    for row in rows:
        own = placed(row).values() if boxes else ()
        for family, score in zip(row.families, row.confidences, strict=True):
            lineage = {**about.lineages[family], "family": family}
            table.writerow([row.file_path, *(lineage.get(rank, "") for rank in WIDER), score, *own])
        if not row.families:
            table.writerow([row.file_path, *("" for _ in COLUMNS[1:]), *own])
        stream.write(text.getvalue().encode("utf-8"))
        text.seek(0)
        text.truncate()
