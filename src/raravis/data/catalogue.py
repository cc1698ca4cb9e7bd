"""DATA becomes a checked table: what each file is, whether it can be read, what it looks like.

A request enters; a `Catalogue` leaves. Every file is opened once: its bytes are hashed and decoded whole. A second
look at a folder decodes only what has changed since.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from raravis import files
from raravis.data import places, sources
from raravis.data._looks import PROBED, looks
from raravis.data.decode import Probe
from raravis.data.sources import TO_FETCH, Request, open_source
from raravis.errors import DataError, UsageError

_META: Final = b"raravis"


@dataclass(frozen=True)
class Catalogue:
    """A source, looked at.

    Attributes:
        kind: the source's name.
        place: absolute folder, or the address in a store, that `file_path` is relative to.
        table: one row a file, in the source's order: the listing's columns (where a name is taken, what was
            measured counts), then `image_id` ("" if unreadable), `bytes, width, height, mode, format, phash,
            error, mtime_ns, status` (`ok | unreadable | unlabelled`).
        notes: what the user should know, one sentence each.
    """

    kind: str
    place: Path | str
    table: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def root(self) -> Path:
        """The folder.

        Raises:
            UsageError: the photographs lie in a store.
        """
        if isinstance(self.place, str):
            raise UsageError(f"The photographs lie in a store ({self.place}); a folder of this machine was expected.")
        return self.place

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
        """That of the readable images; see the function of this name."""
        return digest(self.readable)


def read(request: Request, *, unlabelled: bool = False, quiet: bool = False) -> Catalogue:
    """Look at every file of DATA, on all cores; at files that have not changed since an earlier call, not again.

    Args:
        request: what the user said about DATA.
        unlabelled: images without a label will do.
        quiet: show no progress.

    Raises:
        UsageError: DATA is no form that raravis reads, a column is missing, or `RARAVIS_MAX_PIXELS` is no number.
        DataError: it is malformed, or has no image that can be read and has a label.
        OfflineError: it must be fetched and no network answers.
        StorageError: the cache cannot be written.
    """
    listing = open_source(request, quiet=quiet)
    listed = Catalogue(listing.kind, listing.root, listing.table, listing.notes)
    return _looked_at(listed, request.data, unlabelled=unlabelled, quiet=quiet)


def stored(address: str, *, unlabelled: bool = False, quiet: bool = False) -> Catalogue:
    """Look at every photograph below the address of a folder in a store (`s3://bucket/photos`), as `read` does at one.

    Args:
        address: its sub-folders are labels; a table in it is not looked for.
        unlabelled: as for `read`.
        quiet: likewise.

    Raises:
        UsageError: it is no folder, of no kind of store that is known, or `RARAVIS_MAX_PIXELS` is no number.
        DataError: the store does not list it, or has no image there, as for `read`.
        MissingError: the package for its store is not installed.
        StorageError: the cache cannot be written.
    """
    tree = places.tree(address)
    table, notes = sources.stored(tree.images)
    listed = Catalogue("folder", tree.address, table, notes)
    return _looked_at(listed, address, tree.images, unlabelled=unlabelled, quiet=quiet)


def _looked_at(
    listed: Catalogue,
    data: str,
    stamps: Mapping[str, tuple[int, int]] | None = None,
    *,
    unlabelled: bool,
    quiet: bool,
) -> Catalogue:
    """Add to what a listing tells of each file what a look at it tells.

    Args:
        listed: whose table has the listing's columns alone.
        data: as the user calls it.
        stamps: as for `looks`.
        unlabelled: as for `read`.
        quiet: likewise.
    """
    table = listed.table.reset_index(drop=True)
    open_to_us = (table["problem"] == "").to_numpy()
    seen = looks(listed.place, table["file_path"][open_to_us].tolist(), stamps, quiet=quiet)
    nothing = Probe()
    added: dict[str, Any] = {}
    for name in (*PROBED, "mtime_ns"):
        empty = -1 if name == "mtime_ns" else getattr(nothing, name)
        column = np.full(len(table), empty, dtype=np.int64 if isinstance(empty, int) else object)
        column[open_to_us] = seen[name].to_numpy()
        added[name] = column
    added["error"] = np.where(open_to_us, added["error"], table["problem"])
    bare = (added["error"] == "") & (table["family"] == "").to_numpy()
    added["status"] = np.select([bare, added["error"] != ""], ["unlabelled", "unreadable"], "ok")
    added["error"] = np.where(bare, "no label", added["error"])
    strings = dict.fromkeys(table.columns, "str")
    whole = table.astype(strings).drop(columns="problem").assign(**added)
    whole = whole.astype({name: "str" for name in added if whole[name].dtype == object})
    notes = listed.notes
    if bare.any():
        notes = (*notes, f"{int(bare.sum())} images have no label; nothing can be learned from them.")
    found = replace(listed, table=whole, notes=notes)
    if not whole["status"].isin(["ok", "unlabelled"] if unlabelled else ["ok"]).any():
        raise DataError(_none(found, data, "an image" if unlabelled else "an image with a label"))
    return found


def digest(rows: pd.DataFrame) -> str:
    """SHA-256 over images' sorted ids, paths and families: the same data give it on any machine."""
    told = rows[["image_id", "file_path", "family"]].itertuples(index=False, name=None)
    return files.digest(*("\0".join(row) for row in sorted(told)))


def save(found: Catalogue, path: Path) -> None:
    """Write a catalogue as Parquet, whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    table = pa.Table.from_pandas(found.table, preserve_index=False)
    about = json.dumps({"kind": found.kind, "root": str(found.root), "notes": found.notes}).encode()
    with files.atomic(path) as stream:
        pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), _META: about}), stream)


def load(path: Path) -> Catalogue:
    """Read the catalogue that `save` wrote.

    Raises:
        DataError: there is none, or it is damaged.
    """
    try:
        table = pq.read_table(path)
        about = json.loads(table.schema.metadata[_META])
        return Catalogue(about["kind"], Path(about["root"]), table.to_pandas(), tuple(about["notes"]))
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        why = " ".join(str(error).split())[:200]
        raise DataError(f"{path} is no catalogue that raravis wrote: {why}.\nMake it anew with explore.") from error


def _none(found: Catalogue, data: str, wanted: str) -> str:
    """Say that nothing can be used, and why."""
    first = found.table.iloc[0]
    if (found.table["error"] == TO_FETCH).all():
        return (
            f"None of the {len(found.table)} images that {data} names is at hand.\n"
            f"`raravis fetch {data}` gets them from their addresses; or say with --root where they are."
        )
    root = ", and whether --root is the folder that paths are relative to" if found.kind == "table" else ""
    return (
        f"None of the {len(found.table)} files of {data} is {wanted} that can be read "
        f"(the first, {first['file_path']!r}: {first['error']}).\nSee that this is the folder meant{root}."
    )
