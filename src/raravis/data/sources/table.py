"""a .csv, .parquet or .jsonl table with a column of paths and one of labels"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from raravis.data.sources import _tables
from raravis.data.sources._listing import Listing, Request
from raravis.errors import DataError, UsageError

PRIORITY: Final = 10
PATHS: Final = ("file_path", "path", "filepath", "filename", "file_name", "file", "image", "image_path")
LABELS: Final = ("family", "label", "class", "category", "species", "name")


def claims(data: str) -> bool:
    """A file whose suffix is .csv, .parquet or .jsonl."""
    return Path(data).suffix.lower() in (".csv", ".parquet", ".jsonl") and not Path(data).is_dir()


def listing(request: Request, *, quiet: bool = False) -> Listing:
    """One row for each row of the table; paths are relative to `request.root`, else to the table's own folder.

    Raises:
        UsageError: the file is not there, or the columns for path or label are missing.
        DataError: the table cannot be read or has no row.
    """
    del quiet  # reading one table takes no time worth a bar
    file = Path(request.data).absolute()
    if not file.is_file():
        raise UsageError(f"The table {file} is not there.\nGive the path of a .csv, .parquet or .jsonl file.")
    root = file.parent if request.root is None else request.root.absolute()
    if not root.is_dir():
        raise UsageError(f"--root {root} is no folder.\nGive the folder that the paths in the table are relative to.")
    table = _read(file)
    path = _tables.column(table, request.path_column, PATHS, "file path", "--path-column")
    label = _tables.column(table, request.label_column, LABELS, "label", "--label-column")
    if label in ("class", "species"):
        table = table.rename(columns={label: "family"})
        label = "family"
    named = table.assign(file_path=table[path].map(_relative(root)), family=table[label])
    return _tables.listing("table", root, named)


def _read(file: Path) -> pd.DataFrame:
    if file.suffix.lower() == ".csv":
        return _tables.read_csv(file)
    try:
        table = pd.read_parquet(file) if file.suffix.lower() == ".parquet" else pd.read_json(file, lines=True, dtype=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{file} is no {file.suffix} table that can be read: {error}") from error
    return table.astype(object).where(table.notna(), "").astype(str)


def _relative(root: Path):  # type: ignore[no-untyped-def]
    """Absolute paths below `root` become relative; others stay as they are and are refused later."""

    def one(text: str) -> str:
        path = Path(text)
        return path.relative_to(root).as_posix() if path.is_absolute() and path.is_relative_to(root) else text

    return one
