"""Who may do what with an image, written the same way whatever the source: four columns that every listing has.

Enters: a table with columns as a source found them. Leaves: the same table with `license` (`CC BY-NC 4.0`, `CC0 1.0`,
else as written), `rights_holder`, `source_url` (where the file itself can be fetched) and `references` (the page to
cite), "" where unknown (`credits.COLUMNS`). They are kept through to every report that shows images.
"""

from __future__ import annotations

import re
from typing import Final

import pandas as pd

from raravis.taxonomy import tidy

ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "license": ("license", "licence", "license_name", "license_link", "license_url", "usage_rights", "rights"),
    "rights_holder": (
        *("rights_holder", "rightsholder", "copyright_owner", "copyright_holder", "owner", "photographer", "creator"),
        *("author", "credit", "attribution"),
    ),
    "source_url": ("source_url", "image_url", "media_url", "photo_url", "eol_full_size_copy_url", "url"),
    "references": ("references", "page_url", "observation_url", "medium_source_url"),
}
"""Names of columns, whatever their case, in the order in which they are asked for a value."""

_BLANK: Final = frozenset(("", "-", "?", "na", "n/a", "nan", "none", "null", "unknown", "unspecified", "not provided"))
_LINK: Final = re.compile(
    r"creativecommons\.org/(?:licenses/(?P<code>by(?:-n[cd]|-sa)*)|publicdomain/(?P<free>zero|mark))"
    r"(?:/(?P<version>\d\.\d))?(?:/(?P<place>[a-z]{2})(?![a-z]))?"
)
_CODE: Final = re.compile(
    r"(?:cc|creative commons)[ _-]?(?P<code>by(?:[ _-](?:nc|nd|sa))*|0|zero)"
    r"(?:[ _-](?:v\.? ?)?(?P<version>\d[._]\d))?(?:[ _-](?:deed|intl|international|universal|unported|legalcode))?"
)


def credited(table: pd.DataFrame) -> pd.DataFrame:
    """Add the four columns, or bring them to their form where they are there already.

    Args:
        table: strings, "" where unknown.
    """
    there: dict[str, str] = {}
    for column in reversed(list(map(str, table.columns))):
        there[column.strip().casefold()] = column
    made = {}
    for name, aliases in ALIASES.items():
        found = [table[there[alias]].map(_plain) for alias in aliases if alias in there]
        if name == "license":
            found = [column.map({text: licence(text) for text in column.unique()}) for column in found]
        elif name in ("source_url", "references"):
            found = [column.where(column.str.match(r"(?i)https?://"), "") for column in found]
        made[name] = _first(found, len(table), exact=name == "license")
    return table.assign(**{name: pd.Series(values, index=table.index, dtype=object) for name, values in made.items()})


def licence(text: str) -> str:
    """A licence's usual short name; as written where it is none of Creative Commons.

    >>> licence("http://creativecommons.org/licenses/by-nc/4.0/legalcode"), licence("CC_BY_4_0"), licence("cc0")
    ('CC BY-NC 4.0', 'CC BY 4.0', 'CC0')
    """
    plain = _plain(text)
    key = plain.casefold()[:300]
    found = _LINK.search(key)
    place = (found["place"] or "").upper() if found else ""
    if found and found["free"] == "mark":
        return "Public Domain Mark"
    found = found or _CODE.fullmatch(key)
    if not found:
        return plain
    code = re.sub("[ _]", "-", found["code"] or "0").upper()
    name = "CC0" if code in ("0", "ZERO") else f"CC {code}"
    version = (found["version"] or "").replace("_", ".")
    return " ".join(filter(None, (name, version, place)))


def _plain(text: str) -> str:
    """A value without outer blanks; "" where it says that nothing is known."""
    found = tidy(text)
    return "" if found.casefold() in _BLANK else found


def _first(columns: list[pd.Series], rows: int, *, exact: bool) -> list[str]:
    """Of each row the first value that is there; `exact`: or a later one that says the same with more, a version."""
    if not columns:
        return [""] * rows
    chosen = []
    for values in zip(*columns, strict=True):
        first = next(filter(None, values), "")
        longer = (value for value in values if value.startswith(f"{first} ")) if exact and first else iter(())
        chosen.append(next(longer, first))
    return chosen
