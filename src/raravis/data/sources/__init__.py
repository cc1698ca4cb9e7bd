"""Ways in: one file a kind of DATA.

Each module has `claims(data)` (does this text mean me?) and `listing(data, ...)`. Adding a source is adding a file.
"""

from __future__ import annotations

from pathlib import Path

from raravis import registry
from raravis.data.sources._listing import Listing, Request
from raravis.errors import UsageError

__all__ = ["Listing", "Request", "open_source"]


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
    return listing
