"""What the sources that read tables share: rows become a listing."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from raravis.data.sources._labels import merged, problems
from raravis.data.sources._listing import Listing
from raravis.errors import DataError, UsageError


def read_csv(path: Path) -> pd.DataFrame:
    """A CSV as strings, "" where empty.

    Raises:
        DataError: it cannot be read, is no CSV, or is no UTF-8.
    """
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise DataError(f"{path} is no CSV that can be read: {error}\nA UTF-8 CSV with a header was expected.") from error


def column(table: pd.DataFrame, wanted: str | None, known: tuple[str, ...], kind: str, option: str) -> str:
    """The name of the column that is meant: the one asked for, else the first known one that is there.

    Raises:
        UsageError: there is none; the message lists the columns.
    """
    there = ", ".join(map(str, table.columns)) or "none"
    if wanted is not None:
        if wanted not in table:
            raise UsageError(f"The table has no column {wanted!r} for the {kind}.\nIts columns: {there}.")
        return wanted
    lower = {str(name).casefold().strip(): str(name) for name in reversed(table.columns)}
    for name in known:
        if name in lower:
            return lower[name]
    raise UsageError(f"No column for the {kind} was found; name it with {option}.\nIts columns: {there}.")


def listing(kind: str, root: Path, table: pd.DataFrame, notes: tuple[str, ...] = ()) -> Listing:
    """A listing from a table that has `file_path` and `family`; other columns are kept.

    A path that stands twice is one file: the first row is kept, and a note tells.

    Raises:
        DataError: the table has no row.
    """
    if table.empty:
        raise DataError(f"The table of {root} has no row.\nOne row a file was expected.")
    table = table.fillna("").astype(str)
    twice = table.duplicated("file_path")
    if twice.any():
        families = table.groupby("file_path")["family"].nunique()
        disputed = int((families > 1).sum())
        conflict = f", {disputed} of them under different labels" if disputed else ""
        notes = (*notes, f"{int(twice.sum())} rows name a file a second time{conflict}; the first row counts.")
        table = table[~twice]
    table, more = merged(table.reset_index(drop=True))
    return Listing(kind, root, table.assign(problem=problems(root, table["file_path"])), (*notes, *more))
