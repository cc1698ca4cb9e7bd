"""DATA becomes a checked table: what each file is, whether it can be read, what it looks like.

A request enters; a `Catalogue` leaves. Every file is opened once: its bytes are hashed and decoded whole. What was
found is kept in the cache by path, size and time of change, so that a second look at an unchanged folder decodes
nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from raravis import files, progress
from raravis.data.ahead import ahead, cores
from raravis.data.decode import VERSION, Probe, probe
from raravis.data.sources import Listing, Request, open_source
from raravis.errors import DataError

PROBED: Final = tuple(f.name for f in fields(Probe))
"""The columns that a look at the file adds."""


@dataclass(frozen=True)
class Catalogue:
    """A source, looked at.

    Attributes:
        kind: the source's name.
        root: absolute folder that `file_path` is relative to.
        table: one row a file, in the source's order: the listing's columns, then `image_id, bytes, width, height,
            mode, format, phash, error, mtime_ns, status` (`ok | unreadable | unlabelled`).
        notes: what the user should know, one sentence each.
    """

    kind: str
    root: Path
    table: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def readable(self) -> pd.DataFrame:
        """The rows that can be learned from: decoded whole, with a label."""
        return self.table[self.table["status"] == "ok"].reset_index(drop=True)

    @property
    def unreadable(self) -> tuple[str, ...]:
        """`file_path: reason` of every file that cannot be read."""
        bad = self.table[self.table["status"] == "unreadable"]
        return tuple(f"{path}: {error}" for path, error in zip(bad["file_path"], bad["error"], strict=True))

    @property
    def digest(self) -> str:
        """SHA-256 over the sorted identities, paths and families: the same for the same data on every machine."""
        columns = (self.readable[name] for name in ("image_id", "file_path", "family"))
        return files.digest(*("\0".join(row) for row in sorted(zip(*columns, strict=True))))


def read(request: Request, *, quiet: bool = False) -> Catalogue:
    """Look at every file of DATA, on all cores.

    Raises:
        UsageError: DATA is no form that raravis reads.
        DataError: it has no image that can be read and has a label.
        OfflineError: it must be fetched and no network answers.
        StorageError: the cache cannot be written.
    """
    listing = open_source(request, quiet=quiet)
    table = _looked_at(listing, quiet)
    table["status"] = np.select(
        [table["error"] != "", table["family"] == ""], ["unreadable", "unlabelled"], default="ok"
    )
    notes = list(listing.notes)
    if unlabelled := int((table["status"] == "unlabelled").sum()):
        notes.append(f"{unlabelled} images have no label; they are left out.")
    found = Catalogue(listing.kind, listing.root, table, tuple(notes))
    if not (table["status"] == "ok").any():
        reasons = f" The first: {found.unreadable[0]}." if found.unreadable else ""
        raise DataError(
            f"{listing.root} has {len(table)} files listed, and none is an image with a label that can be read.{reasons}\n"
            "Check that the folder is the one meant, and that labels stand where they are expected."
        )
    return found


def save(found: Catalogue, path: Path) -> None:
    """Write the table as Parquet, whole or not at all."""
    with files.atomic(path) as stream:
        found.table.to_parquet(stream, index=False)


def load(path: Path) -> pd.DataFrame:
    """The table that `save` wrote.

    Raises:
        DataError: it is no Parquet file, or damaged.
    """
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no catalogue: {error}") from error


def _looked_at(listing: Listing, quiet: bool) -> pd.DataFrame:
    """The listing with what is known of every file, from the cache where it has not changed, else from a look."""
    home = files.cache("catalogues") / f"{files.digest(str(listing.root), str(VERSION))[:16]}.parquet"
    known = _remembered(home)
    table = listing.table.reset_index(drop=True)
    wanted = np.flatnonzero(table["problem"] == "")
    paths = [listing.root / table["file_path"].iat[i] for i in wanted]
    stamps = [_stamp(path) for path in paths]
    seen: dict[int, dict[str, Any]] = {}
    fresh: list[tuple[int, Path]] = []
    for number, path, stamp in zip(wanted, paths, stamps, strict=True):
        row = known.get((table["file_path"].iat[number], *stamp))
        if row is None:
            fresh.append((number, path))
        else:
            seen[number] = row
    with progress.bar("Looking at images", len(fresh), quiet=quiet, unit="files") as advance:
        looks = ahead(probe, (path for _, path in fresh), window=32 * cores())
        for (number, _), look in zip(fresh, looks, strict=True):
            seen[number] = asdict(look)
            advance(1)
    empty = asdict(Probe())
    rows = [seen.get(i, {**empty, "error": table["problem"].iat[i]}) for i in range(len(table))]
    whole = table.assign(
        **{name: [row[name] for row in rows] for name in PROBED},
        mtime_ns=pd.Series(0, index=table.index, dtype="int64"),
    )
    whole.loc[wanted, "mtime_ns"] = [stamp[1] for stamp in stamps]
    if fresh:
        _remember(home, whole.iloc[wanted], [stamp[0] for stamp in stamps])
    return whole.drop(columns="problem")


def _stamp(path: Path) -> tuple[int, int]:
    """Size and time of change; -1 where there is no file, so that it is looked at anew every time."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return -1, -1
    return found.st_size, found.st_mtime_ns


def _remembered(home: Path) -> dict[tuple[str, int, int], dict[str, Any]]:
    if not home.is_file():
        return {}
    try:
        table = pd.read_parquet(home)
        keys = zip(table["file_path"], table["size_now"], table["mtime_ns"], strict=True)
        return dict(zip(keys, table[list(PROBED)].to_dict("records"), strict=True))
    except (OSError, ValueError, KeyError):  # a damaged or older cache is looked past and replaced
        return {}


def _remember(home: Path, looked_at: pd.DataFrame, sizes: list[int]) -> None:
    kept = looked_at[["file_path", "mtime_ns", *PROBED]].assign(size_now=sizes)
    with files.atomic(home) as stream:
        kept[kept["size_now"] >= 0].to_parquet(stream, index=False)
