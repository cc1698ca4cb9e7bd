"""Ways in: one file a kind of DATA.

Each module has `claims(data)` (does this text mean me?) and `listing(data, ...)`. Adding a source is adding a file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from raravis import registry
from raravis.data import places
from raravis.data.sources._listing import TO_FETCH, Listing, Request
from raravis.data.sources._rights import credited
from raravis.data.sources.folder import labelled
from raravis.errors import UsageError

__all__ = ["TO_FETCH", "Listing", "Request", "open_source", "stored"]


def open_source(request: Request, *, quiet: bool = False) -> Listing:
    """List the image files that DATA means, by the first source that claims it.

    Raises:
        UsageError: no source claims it; the message lists the forms that exist.
        DataError: the source is there but empty or malformed.
        OfflineError: it must be fetched and no network answers.
    """
    modules = [registry.load(__name__, name, "source") for name in registry.names(__name__)]
    ranked = sorted(modules, key=lambda m: -m.PRIORITY)
    there = "is not there"
    if places.is_address(request.data):
        there = "lies in a store; only predict and embed read photographs from there"
    module = None
    try:
        if request.data.strip():  # no name would mean the folder one happens to be in
            module = next((m for m in ranked if m.claims(request.data)), None)
            there = "is none of the forms that raravis reads" if Path(request.data).exists() else there
    except OSError as error:  # a name that is too long, a folder that may not be entered
        there = f"cannot be opened ({error.strerror or error})"
    if module is None:
        forms = "\n".join(f"  {registry.summary(m)}" for m in modules)
        raise UsageError(f"DATA {request.data[:200]!r} {there}. It may be:\n{forms}")
    listing: Listing = module.listing(request, quiet=quiet)
    return _whole(listing)


def stored(images: Iterable[str]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table that a `Listing` of photographs in a store would have, and notes: their sub-folders are their labels.

    Args:
        images: their paths below the address.
    """
    table, notes = labelled(images)
    return credited(table), notes


def _whole(listing: Listing) -> Listing:
    """Add the rights of each image, and tell which missing files can be fetched."""
    table = credited(listing.table)
    lost = (table["problem"] == "no such file") & (table["source_url"] != "")
    if not lost.any():
        return replace(listing, table=table)
    told = (
        f"{int(lost.sum())} of {len(table)} images are not at hand, but their addresses are known: see `raravis fetch`."
    )
    table = table.assign(problem=table["problem"].mask(lost, TO_FETCH))
    return replace(listing, table=table, notes=(*listing.notes, told))
