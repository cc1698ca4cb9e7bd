"""a folder with one sub-folder per label (`phylum_family` names are read as both)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pandas as pd

from raravis import taxonomy
from raravis.data.sources._labels import merged
from raravis.data.sources._listing import Listing, Request
from raravis.data.sources._paths import images_below, nameable
from raravis.errors import DataError, UsageError

PRIORITY: Final = 0


def claims(data: str) -> bool:
    """Claim any folder that no other source claims."""
    return Path(data).is_dir()


def listing(request: Request, *, quiet: bool = False) -> Listing:
    """List every image below each sub-folder; the sub-folder is its label, however deep the image lies.

    Images that lie in no sub-folder have no label. `quiet` changes nothing: a folder is listed in silence.

    Raises:
        DataError: there is no image below the folder.
        UsageError: columns or a root were named, which belong to tables.
    """
    if request.path_column or request.label_column or request.root:
        raise UsageError(
            f"{request.data} is a folder without metadata.csv.\n"
            "--path-column, --label-column and --root belong to tables; leave them out."
        )
    root = Path(request.data).absolute()
    walk = images_below(root)
    if not walk.images:
        raise DataError(
            f"{root} holds no images.\n"
            "One sub-folder per label was expected, with image files (.jpg, .png, …) in it, or a metadata.csv."
        )
    table, merges = labelled(walk.images)
    return Listing("folder", root, table, (*walk.notes, *merges))


def labelled(images: Iterable[str]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table of a listing, and what labels were merged.

    Args:
        images: paths, each with the sub-folder that is its label.
    """
    paths, problems = nameable(images)
    folders = pd.Series([_label(path) for path in paths], dtype=object)
    ranks = pd.DataFrame([taxonomy.from_folder(name) for name in folders.unique()], folders.unique()).fillna("")
    table = ranks.loc[folders.tolist()].reset_index(drop=True).assign(file_path=paths, problem=problems)
    return merged(table, folders)


def _label(path: str) -> str:
    """Give the sub-folder that a file lies in, "" if in none."""
    head, slash, _ = path.partition("/")
    return head if slash else ""
