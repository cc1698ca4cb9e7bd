"""Whose images a report shows: rows of a catalogue enter, what stands below the pictures leaves.

Images carry licences of their own, most of which ask that their author is named wherever the image is shown. A report
that shows images therefore ends each set of them with these blocks, or writes the rights beside each; of an image whose
licence nobody stated it says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from raravis.page import NOTHING, Block, Link, Table, Text

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: Final = ("license", "rights_holder", "source_url", "references")
"""In every catalogue, "" where unknown: the licence, who holds the rights, where the file and where its page is."""

UNKNOWN: Final = "licence unknown"


@dataclass(frozen=True)
class Rights:
    """Whose one image is.

    Attributes:
        license: its usual short name, or as written; "" where unknown.
        rights_holder: likewise.
        references: the address of its page, else of its file; likewise.
    """

    license: str = ""
    rights_holder: str = ""
    references: str = ""

    @property
    def words(self) -> list[str]:
        """The holder, where one is known, and the licence."""
        held = [f"© {self.rights_holder}"] if self.rights_holder else []
        return [*held, self.license or UNKNOWN]

    @property
    def parts(self) -> list[Link]:
        """The same, and the host of its page: links where there is something to lead to."""
        *held, licence = self.words
        links = [*(Link(word, "") for word in held), Link(licence, self.license)]
        host = _host(self.references)
        return [*links, Link(host, self.references)] if host else links


def each(table: pd.DataFrame) -> list[Rights]:
    """The rights of every row; of `COLUMNS`, those that are not there count as unknown."""
    rows = table.reindex(columns=list(COLUMNS), fill_value="").fillna("")
    return [Rights(licence, holder, page or url) for licence, holder, url, page in rows.itertuples(index=False)]


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
            "licence": pd.Series([_licence(text) for text in rows["license"]], dtype=object),
            "rights holder": [holder or NOTHING for holder in rows["rights_holder"]],
            "source": pd.Series(sources, dtype=object),
        }
    )
    return [Table(table, "Whose these images are. Keep to each licence where you show them.")]


def _licence(text: str) -> Link | str:
    """A licence, which leads to its text where it is written as an address."""
    link = Link(text, text)
    return link if link.address else text or UNKNOWN


def _source(url: str) -> Link | str:
    """A link that shows the host of an address."""
    return Link(_host(url), url) if _host(url) else NOTHING


def _host(url: str) -> str:
    host = url.partition("://")[2].partition("/")[0].removeprefix("www.")
    return host if len(host) <= 40 else f"{host[:39]}…"
