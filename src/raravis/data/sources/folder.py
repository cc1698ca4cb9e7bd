"""a folder with one sub-folder per label (`phylum_family` names are read as both)"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from raravis import taxonomy
from raravis.data.sources._labels import images_below, merged, writable
from raravis.data.sources._listing import Listing, Request
from raravis.errors import DataError, UsageError

PRIORITY: Final = 0


def claims(data: str) -> bool:
    """Any folder that no other source claims."""
    return Path(data).is_dir()


def listing(request: Request, *, quiet: bool = False) -> Listing:
    """Every image below each sub-folder; the sub-folder is its label, however deep the image lies.

    Raises:
        DataError: no sub-folder with images.
        UsageError: columns were named, but a folder has none.
    """
    del quiet  # listing a folder takes no time worth a bar
    if request.path_column or request.label_column or request.root:
        raise UsageError(f"{request.data} is a folder without metadata.csv: columns and --root belong to tables.")
    root = Path(request.data).absolute()
    rows = []
    for path in images_below(root):
        inside = path.relative_to(root)
        name = writable(inside.as_posix())
        label = taxonomy.from_folder(writable(inside.parts[0])) if len(inside.parts) > 1 else {"family": ""}
        fault = "" if name == inside.as_posix() else "the file's name is no valid UTF-8; rename it"
        rows.append({"file_path": name, **label, "problem": fault})
    if not rows:
        raise DataError(
            f"{root} holds no images.\n"
            "One sub-folder per label was expected, with image files (.jpg, .png, …) in it, or a metadata.csv."
        )
    table, notes = merged(pd.DataFrame(rows).fillna(""))
    loose = sum("/" not in row["file_path"] for row in rows)
    if loose:
        notes = (*notes, f"{loose} images lie in no sub-folder and so have no label.")
    return Listing("folder", root, table, notes)
