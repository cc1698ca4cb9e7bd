"""Reports: sections of text, figures and tables enter, one HTML file that stands alone leaves.

The file needs nothing beside it: style, pictures and the few lines that sort tables are inside; its security
policy forbids it to fetch anything. It follows the reader's light or dark theme, fits a phone, and prints.
"""

from __future__ import annotations

import base64
import functools
import math
import numbers
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raravis import files

if TYPE_CHECKING:
    import pandas as pd
    from jinja2 import Template

NOTHING = "–"
"""What stands where a value is missing."""


@dataclass(frozen=True)
class Text:
    """Paragraphs; an empty line parts them."""

    text: str


@dataclass(frozen=True)
class Points:
    """A bulleted list."""

    items: Sequence[str]


@dataclass(frozen=True)
class Code:
    """Text whose line ends and blanks count, such as a recipe or a command."""

    text: str
    caption: str = ""


@dataclass(frozen=True)
class Facts:
    """The numbers to see first, one card each: name → value, or name → (value, a few words below it).

    Numbers are written as `written` does.
    """

    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """A table whose columns sort on a click; the frame's index is not shown. Floats get three decimals."""

    frame: pd.DataFrame
    caption: str = ""


@dataclass(frozen=True)
class Link:
    """What a cell of a table may hold: words that lead to an http(s) address; any other address stays words."""

    text: str
    url: str

    @property
    def address(self) -> str:
        """Where it leads; "" where it stays words."""
        return self.url if re.match(r"(?i)https?://", self.url) else ""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Picture:
    """A PNG or JPEG; `alt` says in words what a reader who cannot see it should know."""

    png: bytes
    caption: str
    alt: str


Block = Text | Points | Code | Facts | Table | Picture


@dataclass(frozen=True)
class Section:
    """A heading, listed in the table of contents, and what stands below it."""

    title: str
    blocks: Sequence[Block]


def write(path: Path, *, title: str, lead: str, sections: Sequence[Section]) -> None:
    """Write a report to `path`, whole or not at all.

    Args:
        path: the HTML file.
        title: the page's heading.
        lead: one or two sentences that say what the reader looks at.
        sections: in reading order.

    Raises:
        StorageError: the file cannot be written.
        ValueError: a picture is neither PNG nor JPEG.
    """
    files.write_text(path, render(title=title, lead=lead, sections=sections))


def render(*, title: str, lead: str, sections: Sequence[Section]) -> str:
    """Return the HTML text of a report; arguments as for `write`."""
    anchors = _anchors([section.title for section in sections])
    parts = [
        {"anchor": anchor, "title": section.title, "blocks": [_block(b) for b in section.blocks]}
        for anchor, section in zip(anchors, sections, strict=True)
    ]
    return template("page.html.j2").render(title=title, lead=lead, sections=parts)


def written(value: Any) -> str:
    """Write a value as a reader wants it: 12,345 · 0.812 · 1.2e-07 · – where it is missing.

    Whole numbers get thousands separators, floats three decimals (powers of ten where that would hide them).
    """
    if value is None or _is_nan(value):
        return NOTHING
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return str(value)
    if isinstance(value, numbers.Integral):
        return f"{int(value):,}".replace("-", "−")
    number = float(value)
    tiny = 0 < abs(number) < 0.0005
    return (f"{number:.1e}" if tiny or abs(number) >= 1e9 else f"{number:,.3f}").replace(
        "-", "−", 1 if number < 0 else 0
    )


@functools.cache
def template(name: str) -> Template:
    """A page's template, which escapes what it is given and knows no name that it was not given."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("raravis"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)


def _anchors(titles: Sequence[str]) -> list[str]:
    found: list[str] = []
    for number, title in enumerate(titles, start=1):
        slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
        found.append(slug if slug and slug not in found else f"{slug}-{number}".strip("-"))
    return found


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Text(text):
            return {"kind": "text", "paragraphs": [p for p in re.split(r"\n\s*\n", text) if p.strip()]}
        case Points(items):
            return {"kind": "points", "points": list(items)}
        case Code(text, caption):
            return {"kind": "code", "text": text, "caption": caption}
        case Facts(facts):
            return {"kind": "facts", "facts": [_card(name, value) for name, value in facts.items()]}
        case Table(frame, caption):
            return {"kind": "table", "caption": caption, **_table(frame)}
        case Picture(png, caption, alt):
            return {"kind": "picture", "source": data_uri(png), "caption": caption, "alt": alt}


def _card(name: str, value: Any) -> dict[str, str]:
    value, note = value if isinstance(value, tuple) else (value, "")
    return {"name": name, "value": written(value), "note": note}


def _table(frame: pd.DataFrame) -> dict[str, Any]:
    columns = [frame.iloc[:, i].tolist() for i in range(frame.shape[1])]
    heads = [
        {"name": str(name), "number": any(map(_is_number, values)) and not any(map(_is_word, values))}
        for name, values in zip(frame.columns, columns, strict=True)
    ]
    rows = [[(written(v), _key(v), _address(v)) for v in row] for row in zip(*columns, strict=True)]
    return {"heads": heads, "rows": rows}


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _is_word(value: Any) -> bool:
    return not (value is None or _is_number(value))


def _key(value: Any) -> str:
    """Return what the page sorts by: every digit of a number, nothing for a missing value."""
    return "" if value is None or _is_nan(value) else repr(float(value)) if _is_number(value) else str(value)


def _address(value: Any) -> str:
    """Where a cell leads to; "" for most."""
    return value.address if isinstance(value, Link) else ""


def data_uri(picture: bytes) -> str:
    """A PNG or JPEG as an address that holds it whole.

    Raises:
        ValueError: it is neither.
    """
    if picture.startswith(b"\x89PNG\r\n"):
        kind = "png"
    elif picture.startswith(b"\xff\xd8\xff"):
        kind = "jpeg"
    else:
        raise ValueError(f"A picture for a page must be PNG or JPEG; received bytes that begin {picture[:8]!r}.")
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode('ascii')}"
