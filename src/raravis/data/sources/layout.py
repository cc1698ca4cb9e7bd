"""a folder with `metadata.csv` (the Rare Species columns: rare_species_id, …, family, file_path)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from raravis.data.sources import _tables
from raravis.data.sources._listing import Listing, Request
from raravis.data.sources._paths import images_below, writable

PRIORITY: Final = 20
METADATA: Final = "metadata.csv"


def claims(data: str) -> bool:
    """Claim a folder with a `metadata.csv`."""
    return Path(data, METADATA).is_file()


def listing(request: Request, *, quiet: bool = False) -> Listing:
    """List one row for each row of `metadata.csv`; columns beyond the known ones are kept.

    Rows whose file is missing stay, with the reason; files that no row names are counted in a note. `quiet`
    changes nothing: a table is read in silence.

    Raises:
        DataError: the table cannot be read or has no row.
        UsageError: the root is no folder, or the column for path or label is missing.
    """
    folder = Path(request.data).absolute()
    root = folder if request.root is None else request.root.absolute()
    table, notes = _tables.named(_tables.read(folder / METADATA), request)
    found = _tables.listing("layout", root, table, notes)
    walk = images_below(root)
    unnamed = set(map(writable, walk.images)) - set(found.table["file_path"])
    if unnamed:
        note = f"{len(unnamed)} images stand in no row of {METADATA} (the first: {min(unnamed)!r}); they are left out."
        found = replace(found, notes=(*found.notes, note))
    return found
