"""Whose images a report shows: rows of a catalogue enter, what stands below the pictures leaves.

Images carry licences of their own, most of which ask that their author is named wherever the image is shown. A report
that shows images therefore ends each set of them with these blocks; of an image whose licence nobody stated it says so.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from raravis.page import NOTHING, Block, Link, Table, Text

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: Final = ("license", "rights_holder", "source_url", "references")
"""In every catalogue, "" where unknown: the licence, who holds the rights, where the file and where its page is."""

UNKNOWN: Final = "licence unknown"


def blocks(shown: pd.DataFrame) -> list[Block]:
    """Say whose images are shown, once each.

    Args:
        shown: one row an image: `file_path, family` and `COLUMNS`; columns that are not there count as unknown.
    """
    import pandas as pd  # slow to import

    rows = shown.reindex(columns=["file_path", "family", *COLUMNS], fill_value="").fillna("")
    rows = rows.drop_duplicates("file_path")
    if rows.empty:
        return []
    said = rows[list(COLUMNS)]
    if not (said != "").any(axis=None):
        return [Text("Licence unknown: the data do not say whose these images are. Ask before you publish them.")]
    pairs = said.drop_duplicates()
    if len(pairs) == 1 and not pairs["source_url"].iloc[0]:
        licence, holder, _, page = pairs.iloc[0]
        named = ", ".join(filter(None, (holder, licence or UNKNOWN, page)))
        return [Text(f"Images: {named}.")]
    sources = [_source(page or url) for page, url in zip(rows["references"], rows["source_url"], strict=True)]
    table = pd.DataFrame(
        {
            "image": [PurePosixPath(path).name for path in rows["file_path"]],
            "family": rows["family"].tolist(),
            "licence": [licence or UNKNOWN for licence in rows["license"]],
            "rights holder": [holder or NOTHING for holder in rows["rights_holder"]],
            "source": pd.Series(sources, dtype=object),
        }
    )
    return [Table(table, "Whose these images are. Keep to each licence where you show them.")]


def _source(url: str) -> Link | str:
    """A link that shows the host of an address."""
    host = url.partition("://")[2].partition("/")[0].removeprefix("www.")
    return Link(host if len(host) <= 40 else f"{host[:39]}…", url) if host else NOTHING
