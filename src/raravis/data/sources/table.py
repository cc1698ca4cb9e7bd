"""a .csv, .parquet or .jsonl file with a column of paths and one of labels."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from raravis.data.sources import _tables
from raravis.data.sources._listing import Listing, Request
from raravis.errors import UsageError

PRIORITY: Final = 10


def claims(data: str) -> bool:
    """Claim a name that ends in .csv, .parquet or .jsonl and is no folder."""
    return Path(data).suffix.lower() in _tables.FORMATS and not Path(data).is_dir()


def listing(request: Request, *, quiet: bool = False) -> Listing:
    """List one row for each row of the table; paths are relative to `request.root`, else to the table's folder.

    Absolute paths count if they lie inside that folder. Rows whose path leaves it, or whose file is missing,
    stay, with the reason. `quiet` changes nothing: a table is read in silence.

    Raises:
        UsageError: the file or the root is not there, or the column for path or label is missing.
        DataError: the table cannot be read or has no row.
    """
    file = Path(request.data).absolute()
    if not file.is_file():
        raise UsageError(f"The table {file} is not there.\nGive the path of a .csv, .parquet or .jsonl file.")
    root = file.parent if request.root is None else request.root.absolute()
    table, notes = _tables.named(_tables.read(file), request)
    return _tables.listing("table", root, table, notes)
