"""Looks at files, each taken once: paths enter, what `decode.probe` found leaves, from memory where nothing changed.

What was found is kept in the cache by path, size and time of change. It is kept as well when the work is broken
off, so that a second call goes on where the first one stopped. A cache that is damaged is looked past and replaced.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import astuple, fields
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import PIL
import pyarrow as pa
from PIL import Image

from raravis import files, progress
from raravis.data import decode, hashing, places
from raravis.data.ahead import ahead
from raravis.data.decode import Probe
from raravis.data.places import probe

PROBED: Final = tuple(field.name for field in fields(Probe))
"""The columns that a look adds."""

_KEY = ["file_path", "size_now", "mtime_ns"]
_CHUNK = 32  # files a thread takes at once: less talk between threads, still a smooth bar


def looks(
    root: Path | str, paths: Sequence[str], stamps: Mapping[str, tuple[int, int]] | None = None, *, quiet: bool = False
) -> pd.DataFrame:
    """Look at each file on all cores, at unchanged ones not again.

    Args:
        root: the folder, or the address in a store, that the paths are relative to.
        paths: POSIX, no path twice.
        stamps: of each path, bytes and a number that changes when the file does; asked of the disk when not given.
        quiet: show no bar.

    Returns:
        one row a path, in their order: `PROBED` and `mtime_ns` (int64; −1 where there is no file).

    Raises:
        StorageError: the cache cannot be written.
        UsageError: `RARAVIS_MAX_PIXELS` is no number.
    """
    home = files.cache("catalogues") / f"{_rules(root)}.parquet"
    marks = [_stamp(f"{root}/{path}") if stamps is None else stamps[path] for path in paths]
    now = pd.DataFrame({"file_path": pd.Series(paths, dtype="str")}).assign(
        size_now=np.array([size for size, _ in marks], np.int64),
        mtime_ns=np.array([time for _, time in marks], np.int64),
    )
    known = _remembered(home)
    seen = now.merge(known, on=_KEY, how="left", validate="one_to_one")
    fresh = np.flatnonzero(seen["error"].isna())
    if len(fresh):
        taken: list[Probe] = []
        try:
            _take(root, [paths[i] for i in fresh.tolist()], taken, quiet)
        finally:
            done = fresh[: len(taken)]
            found = pd.DataFrame([astuple(look) for look in taken], columns=list(PROBED), index=seen.index[done])
            _remember(home, root, known, now.loc[found.index].join(found))
        seen = pd.concat([seen.drop(index=seen.index[fresh]), now.loc[found.index].join(found)]).sort_index()
    whole = {name: "int64" if Probe.__annotations__[name] == "int" else "str" for name in PROBED}
    return seen[[*PROBED, "mtime_ns"]].astype(whole)


def _take(root: Path | str, paths: list[str], taken: list[Probe], quiet: bool) -> None:
    """Look at files on threads and append what was found, in order, as it comes."""
    threads = places.threads(root)
    size = max(1, min(_CHUNK, len(paths) // (4 * threads)))
    chunks = [paths[i : i + size] for i in range(0, len(paths), size)]

    def look(chunk: list[str]) -> list[Probe]:
        return [probe(f"{root}/{path}") for path in chunk]

    bar = progress.bar("Looking at images", len(paths), quiet=quiet, unit="files")
    with bar as advance, closing(ahead(look, chunks, window=8 * threads, threads=threads)) as done:
        for found in done:
            taken.extend(found)
            advance(len(found))


def _rules(root: Path | str) -> str:
    """Name all that a look depends on beside the file: where memory holds for one of these it holds for no other."""
    sample = hashing.perceptual(Image.radial_gradient("L"))
    rules = (str(root), str(decode.VERSION), str(decode.max_pixels()), PIL.__version__, sample)
    return files.digest(*(part.encode("utf-8", "surrogateescape") for part in rules))[:16]


def _stamp(path: str) -> tuple[int, int]:
    """Give size and time of change; −1 where there is no file, so that it is looked at anew every time."""
    try:
        found = os.stat(path)  # noqa: PTH116 (a million paths: `Path` is slow)
    except (OSError, ValueError):
        return -1, -1
    return found.st_size, found.st_mtime_ns


def _remembered(home: Path) -> pd.DataFrame:
    """Read what earlier looks found, nothing where that is missing or damaged."""
    columns = [*_KEY, *PROBED]
    with suppress(OSError, ValueError, KeyError, pa.ArrowException):  # damaged or older: as if it were missing
        return pd.read_parquet(home, columns=columns).drop_duplicates("file_path")
    return pd.DataFrame(columns=columns).astype({"file_path": "str", "size_now": "int64", "mtime_ns": "int64"})


def _remember(home: Path, root: Path | str, known: pd.DataFrame, found: pd.DataFrame) -> None:
    """Add what was found to what is known; forget files that are gone.

    What may be otherwise without a change of the file (it could not be opened, memory was short) is not kept.
    """
    lasting = (found["size_now"] >= 0) & ((found["error"] == "") | (found["bytes"] > 0))
    kept = found[lasting & (found["error"] != decode.NO_MEMORY)]
    others = known[~known["file_path"].isin(found["file_path"])]
    others = others[[_stamp(f"{root}/{path}")[0] >= 0 for path in others["file_path"]]]  # none of a store's
    with files.atomic(home) as stream:
        pd.concat([others, kept] if len(others) else [kept]).to_parquet(stream, index=False)
