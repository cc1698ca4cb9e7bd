"""What every source takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

TO_FETCH: Final = "is not at hand; `raravis fetch` gets it"
"""The problem of a row whose file is missing and whose `source_url` says where it can be had."""


@dataclass(frozen=True)
class Request:
    """What the user said about DATA.

    Attributes:
        data: a path or a name (`rare-species`, `bestiary`).
        path_column: the column of a table that holds file paths, or None to find it.
        label_column: the column that holds the label, or None to find it.
        root: the folder that paths in a table are relative to, or that holds the media of an archive; None for its own.
    """

    data: str
    path_column: str | None = None
    label_column: str | None = None
    root: Path | None = None


@dataclass(frozen=True)
class Listing:
    """The files of one DATA, not yet opened.

    Attributes:
        kind: the source's name.
        root: absolute folder that `file_path` is relative to.
        table: one row a file, all strings ("" where unknown): `file_path` (POSIX, unique), the seven ranks of
            `taxonomy.RANKS`, more columns as found, `problem` (why the row must not be read, or ""), and, once
            `open_source` gave it, those of `credits.COLUMNS`.
        notes: what the user should know, one sentence each.
    """

    kind: str
    root: Path
    table: pd.DataFrame
    notes: tuple[str, ...] = ()
