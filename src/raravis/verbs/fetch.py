"""`raravis fetch`: the images that DATA knows by address alone are fetched to where every other verb looks for them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from raravis import files
from raravis.data import fetching
from raravis.data.sources import Request, open_source
from raravis.data.web import Limits
from raravis.errors import DataError, UsageError
from raravis.outcome import Outcome

JOURNAL: Final = "fetched.csv"


def fetch(
    data: str,
    *,
    root: str | Path | None = None,
    limit: int | None = None,
    max_bytes: int = 50 << 20,
    seconds: float = 120,
    tries: int = 3,
    at_once: int = 4,
    private: bool = False,
    path_column: str | None = None,
    label_column: str | None = None,
    seed: int = 0,
    quiet: bool = False,
) -> Outcome:
    """Fetch the images that an archive or table names by http(s) address and that are not at hand.

    This is the only verb that goes to the addresses in DATA. Each image is put where the other verbs look for it: below
    `root`, else beside DATA. Call it again after a break: what is there is not fetched again. `fetched.csv` in that
    folder has one row for each address of this call.

    Args:
        data: an archive, or a table with a column of addresses (`source_url`, `image_url`, …).
        root: the folder to put images into; give the same to the other verbs.
        limit: at most so many images in this call, drawn by lot; all when not given.
        max_bytes: of one image.
        seconds: for one image.
        tries: of an address that may answer later.
        at_once: images fetched side by side.
        private: also go to addresses of this machine and of private networks.
        path_column: column of a table that holds file paths.
        label_column: column that holds labels.
        seed: of the lot.
        quiet: no progress.

    Raises:
        UsageError: DATA is no form that raravis reads, or a number is out of range.
        DataError: DATA is damaged, or names no image by address.
        StorageError: the folder cannot be written.
    """
    for name, value in (("max_bytes", max_bytes), ("seconds", seconds), ("tries", tries), ("at_once", at_once)):
        if not 0 < value < 1 << 31:
            raise UsageError(f"{name} is {value}; a number above 0 was expected.")
    if limit is not None and limit < 1:
        raise UsageError(f"limit is {limit}; 1 or more was expected.")
    folder = None if root is None else files.folder(root)
    found = open_source(Request(str(data), path_column, label_column, folder), quiet=quiet)
    table = found.table
    if not (table["source_url"] != "").any():
        raise DataError(f"{data} names no image by address.\nA column such as source_url or image_url was expected.")
    here = int(((table["problem"] == "") & (table["source_url"] != "")).sum())
    limits = Limits(max_bytes, seconds, tries=tries, private=private)
    made = fetching.fetch(found, limits, at_once=at_once, limit=limit, seed=seed, quiet=quiet)
    files.write_text(files.folder(found.root) / JOURNAL, made.to_csv(index=False, lineterminator="\n"))
    bad = made[made["status"] == fetching.FAILED]
    figures = {
        "fetched": len(made) - len(bad),
        "failed": len(bad),
        "there_before": here,
        "left": len(fetching.wanted(found)) - len(made),
        "bytes": int(made["bytes"].sum()),
        "root": str(found.root),
    }
    return Outcome("fetch", found.root / JOURNAL, figures, _told(bad), _asked(found.notes))


def _told(bad: pd.DataFrame) -> tuple[str, ...]:
    return tuple(f"{url}: {why}" for url, why in zip(bad["source_url"], bad["error"], strict=True))


def _asked(notes: tuple[str, ...]) -> tuple[str, ...]:
    """The notes but for the one that says to call this verb."""
    return tuple(note for note in notes if "raravis fetch" not in note)
