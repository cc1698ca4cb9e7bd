"""Images that a listing names by address alone are fetched to where the listing looks for them.

Enters: a listing. Leaves: one row an address, with what came of it. A file appears whole or not at all, so that a kill
loses nothing that was fetched, and the next call goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Final

import numpy as np
import pandas as pd

from raravis import files, progress
from raravis.data import web
from raravis.data.ahead import ahead
from raravis.data.decode import UnreadableImageError, open_upright
from raravis.data.sources import TO_FETCH, Listing
from raravis.data.web import FetchError, Limits

FETCHED: Final = "fetched"
FAILED: Final = "failed"
COLUMNS: Final = ("file_path", "source_url", "status", "bytes", "error")

Get = Callable[[str, Limits], bytes]


def wanted(listing: Listing) -> pd.DataFrame:
    """The rows whose file is not at hand and whose address is known, once each."""
    table = listing.table
    return table[(table["problem"] == TO_FETCH) & (table["source_url"] != "")]


def fetch(
    listing: Listing,
    limits: Limits,
    *,
    at_once: int = 4,
    limit: int | None = None,
    seed: int = 0,
    get: Get = web.get,
    quiet: bool = False,
) -> pd.DataFrame:
    """Fetch what `wanted` names; a file that cannot be had, or is no image, is a row that says why.

    Args:
        listing: of a source.
        limits: of each file.
        at_once: how many are fetched side by side.
        limit: at most so many, drawn by lot; all when not given.
        seed: of the lot.
        get: gives the bytes of an address.
        quiet: no progress.

    Returns:
        one row an address, in the listing's order: `COLUMNS`; `status` is `fetched` or `failed`.

    Raises:
        StorageError: the folder cannot be written.
    """
    table = wanted(listing)[["file_path", "source_url"]]
    if limit is not None and limit < len(table):
        table = table.iloc[np.sort(np.random.default_rng(seed).permutation(len(table))[:limit])]
    rows = list(table.itertuples(index=False, name=None))

    def one(row: tuple[str, str]) -> tuple[int, str]:
        path, url = row
        target = listing.root / path
        try:
            data = get(url, limits)
            open_upright(data)
            files.folder(target.parent)
            with files.atomic(target) as stream:
                stream.write(data)
        except (FetchError, UnreadableImageError) as error:
            return 0, str(error)
        return len(data), ""

    found, failed = [], 0
    with (
        progress.bar("Fetching images", len(rows), quiet=quiet, unit="files") as advance,
        closing(ahead(one, rows, window=8 * at_once, threads=at_once)) as done,
    ):
        for (path, url), (size, error) in zip(rows, done, strict=True):
            failed += bool(error)
            found.append((path, url, FAILED if error else FETCHED, size, error))
            advance(1, f"{failed} failed" if failed else "")
    return pd.DataFrame(found, columns=list(COLUMNS))
