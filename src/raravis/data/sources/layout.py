"""a folder with `metadata.csv` in the Rare Species columns (rare_species_id, …, family, file_path)"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from raravis.data.sources import _tables
from raravis.data.sources._labels import images_below, writable
from raravis.data.sources._listing import Listing, Request

PRIORITY: Final = 20


def claims(data: str) -> bool:
    """A folder with a `metadata.csv`."""
    return (Path(data) / "metadata.csv").is_file()


def listing(request: Request, *, quiet: bool = False) -> Listing:
    """One row for each row of `metadata.csv`; more columns than the known ones are kept.

    Raises:
        DataError: the table cannot be read or has no row.
        UsageError: the columns for path or label are missing.
    """
    del quiet  # reading one table takes no time worth a bar
    folder = Path(request.data).absolute()
    root = folder if request.root is None else request.root.absolute()
    table = _tables.read_csv(folder / "metadata.csv")
    path = _tables.column(table, request.path_column, ("file_path",), "file path", "--path-column")
    label = _tables.column(table, request.label_column, ("family",), "label", "--label-column")
    named = table.assign(file_path=table[path], family=table[label])
    unnamed = {writable(p.relative_to(root).as_posix()) for p in images_below(root)} - set(named["file_path"])
    notes = (f"{len(unnamed)} images below {root} stand in no row of metadata.csv; they are left out.",)
    return _tables.listing("layout", root, named, notes if unnamed else ())
