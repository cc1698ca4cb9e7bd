"""What the sources that read tables share: a file becomes strings, strings become a listing.

Every format comes in as a table of strings, "" where nothing stands, so that an id such as `007` or a label
such as `NA` stays what was written.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from raravis import taxonomy
from raravis.data.sources._labels import merged
from raravis.data.sources._listing import Listing, Request
from raravis.data.sources._paths import located, writable
from raravis.errors import DataError, UsageError

FORMATS: Final = (".csv", ".parquet", ".jsonl")
PATHS: Final = ("file_path", "path", "filepath", "file_name", "filename", "file", "image_path", "image", "img")
LABELS: Final = ("family", "label", "labels", "class", "category", "species", "taxon", "name")


def read(file: Path) -> pd.DataFrame:
    """Read a table as strings.

    Raises:
        DataError: it is missing, cannot be opened, or is not what its suffix says; the first fault is named.
    """
    kind = file.suffix.lower()
    try:
        table = {".csv": _csv, ".parquet": _parquet, ".jsonl": _jsonl}[kind](file)
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not UTF-8 (byte {error.start}).\nSave the table as UTF-8.") from error
    except (OSError, ValueError, csv.Error, pa.ArrowException) as error:
        why = " ".join(str(error).split())[:200]
        raise DataError(f"{file} cannot be read as {kind[1:]}: {why}.\nOne row a file was expected.") from error
    doubled = table.columns[table.columns.duplicated()]
    if len(doubled):
        raise DataError(f"{file} has two columns named {doubled[0]!r}.\nGive each column a name of its own.")
    if table.empty:
        raise DataError(f"{file} holds no rows.\nOne row a file was expected, below the names of the columns.")
    return table


def named(table: pd.DataFrame, request: Request) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Put the paths into `file_path` and the labels into `family`; other columns stay.

    The names of ranks are found whatever their case. A label column called `class` or `species` is taken for a
    rank as well only where another rank stands beside it: alone, the word just means label.

    Raises:
        UsageError: a column is missing; the message lists those that are there.
    """
    ranks: dict[str, str] = {}
    for name in reversed(table.columns):  # of several spellings of a rank the first is the rank
        ranks[name.strip().casefold()] = name
    table = table.rename(columns={ranks[r]: r for r in taxonomy.RANKS if r in ranks and r not in table})
    path = _column(table, request.path_column, PATHS, "file path", "--path-column")
    label = _column(table, request.label_column, LABELS, "label", "--label-column")
    notes: tuple[str, ...] = ()
    labels = table[label]
    if label != "family":
        if "family" in table:
            notes = (f"Labels come from the column {label!r}; the column 'family' is not used.",)
        alone = not any(rank in table for rank in taxonomy.RANKS if rank not in (label, "family"))
        if label in taxonomy.RANKS and alone:
            table = table.drop(columns=label)
    return table.assign(file_path=table[path], family=labels), notes


def listing(kind: str, root: Path, table: pd.DataFrame, notes: tuple[str, ...] = ()) -> Listing:
    """Make a listing of a table whose paths must stay inside `root`.

    A path that stands twice is one file: its first row with a label counts, and a note tells. Rows that name no
    file are left out, and a note tells.

    Raises:
        UsageError: the root is no folder.
        DataError: no row names a file.
    """
    if not root.is_dir():
        raise UsageError(f"--root {root} is no folder.\nGive the folder that the paths in the table are relative to.")
    nameless = int((table["file_path"].str.strip() == "").sum())
    if nameless:
        table = table[table["file_path"].str.strip() != ""]
        notes = (*notes, f"{nameless} rows name no file; they are left out.")
    if table.empty:
        raise DataError(f"No row of the table names a file ({nameless} rows).\nA path in each row was expected.")
    paths, problems = located(root, table["file_path"])
    table, more = merged(table.reset_index(drop=True).assign(file_path=paths, problem=problems))
    table, twice = _once(table)
    return Listing(kind, root, table, (*notes, *more, *twice))


def _once(table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Keep one row a path: the first that has a label, else the first."""
    again = int(table["file_path"].duplicated().sum())
    if not again:
        return table, ()
    labelled = table[table["family"] != ""]
    labels = labelled.groupby("file_path", sort=False)["family"].nunique()
    disputed = labels.index[labels > 1]
    notes = [f"{again} rows name a file a second time; its first row with a label counts."]
    if len(disputed):
        notes.append(f"{len(disputed)} of these files have different labels (the first: {disputed[0]!r}).")
    labelled_first = np.argsort((table["family"] == "").to_numpy(), kind="stable")
    kept = table.iloc[labelled_first].drop_duplicates("file_path").sort_index()
    return kept.reset_index(drop=True), tuple(notes)


def _column(table: pd.DataFrame, wanted: str | None, known: tuple[str, ...], kind: str, option: str) -> str:
    """Find the column that is meant: the one asked for, else the first known one that is there."""
    there = ", ".join(map(repr, table.columns))
    columns = list(map(str, table.columns))
    by_key = {name.strip().casefold(): name for name in reversed(columns)} | {name: name for name in columns}
    if wanted is not None:
        found = by_key.get(wanted, by_key.get(wanted.strip().casefold()))
        if found is None:
            raise UsageError(f"The table has no column {wanted!r} for the {kind}.\nIts columns: {there}.")
        return found
    for name in known:
        if name in by_key:
            return by_key[name]
    raise UsageError(f"The table has no column for the {kind}: name it with {option}.\nIts columns: {there}.")


def _csv(file: Path) -> pd.DataFrame:
    """Read a CSV whose rows all have as many fields as its header; `;` and tabs are found out."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        head = stream.readline()
        stream.seek(0)
        delimiter = max(",;\t", key=head.count) if "," not in head else ","
        rows = csv.reader(stream, delimiter=delimiter, strict=True)
        header = next(rows, [])
        body = []
        for row in rows:
            if not row:
                continue
            if len(row) != len(header):
                raise ValueError(f"line {rows.line_num} has {len(row)} fields, the header {len(header)}")
            body.append(row)
    return pd.DataFrame(body, columns=header, dtype=object)


def _jsonl(file: Path) -> pd.DataFrame:
    """Read JSON lines: one object a line."""
    rows = []
    with file.open(encoding="utf-8-sig") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (json.JSONDecodeError, RecursionError):
                raise ValueError(f"line {number} is no JSON") from None
            if not isinstance(row, dict):
                raise ValueError(f"line {number} is no object")
            rows.append({writable(key): _text(value) for key, value in row.items()})
    return pd.DataFrame(rows, dtype=object).fillna("")


def _parquet(file: Path) -> pd.DataFrame:
    """Read Parquet; whole numbers stay whole where others are missing."""
    table = pq.read_table(file)
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        columns[str(name)] = [_text(value) for value in column.to_pylist()]
    if len(columns) < table.num_columns:
        raise ValueError("two columns have one name")
    return pd.DataFrame(columns, dtype=object)


def _text(value: Any) -> str:
    """Write one value of a table as a string; nothing and not-a-number are ""."""
    if value is None or value != value:
        return ""
    return writable(value) if isinstance(value, str) else str(value)
