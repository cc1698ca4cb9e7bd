"""`meta.xml` of a Darwin Core archive: which files it has, how they are written, what their columns mean.

Enters: bytes from a stranger. Leaves: `Archive`. Documents with a DOCTYPE are refused, so that no entity is ever
unfolded or fetched.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from raravis.data.sources._rows import Dialect
from raravis.errors import DataError

MAX_BYTES: Final = 4 << 20
_DEPTH: Final = 16
_COLUMNS: Final = 5000


@dataclass
class Table:
    """One file of an archive.

    Attributes:
        core: whether it is the core.
        row_type: last part of its row type, such as `Occurrence`, `Multimedia`, `Image`.
        location: name of its file.
        dialect: how it is written.
        skip: lines above its first row.
        id: the column of its id (core) or of the core's id (extension), or None.
        terms: column → the last part of its term, such as `family`.
        constant: term → what holds for all rows.
    """

    core: bool
    row_type: str
    location: str = ""
    dialect: Dialect = field(default_factory=Dialect)
    skip: int = 0
    id: int | None = None
    terms: dict[int, str] = field(default_factory=dict)
    constant: dict[str, str] = field(default_factory=dict)


def read(data: bytes, told: str) -> tuple[Table, ...]:
    """The files that a `meta.xml` describes.

    Args:
        data: its bytes.
        told: its name, for errors.

    Raises:
        DataError: it is no XML, has a DOCTYPE, or describes no file, or one that cannot be read.
    """
    parser, found = expat.ParserCreate(namespace_separator=" "), _Reader(told)
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = found.doctype
    parser.StartElementHandler = found.start
    parser.EndElementHandler = found.end
    parser.CharacterDataHandler = found.text
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise DataError(f"{told} is no XML: {error}.\nThe meta.xml of a Darwin Core archive was expected.") from error
    if not any(table.core for table in found.tables):
        raise DataError(f"{told} describes no core.\nThe meta.xml of a Darwin Core archive was expected.")
    for table in found.tables:
        if not table.location:
            raise DataError(f"{told} says of a table ({table.row_type}) not in which file it is.")
    return tuple(found.tables)


class _Reader:
    """Takes the events of the parser in."""

    def __init__(self, told: str) -> None:
        self.tables: list[Table] = []
        self._told, self._path, self._text = told, list[str](), ""

    def doctype(self, *_: object) -> None:
        raise DataError(
            f"{self._told} has a DOCTYPE, which no Darwin Core archive needs.\nIt may have been made to harm."
        )

    def start(self, name: str, given: Mapping[str, str]) -> None:
        tag = name.rpartition(" ")[2]
        self._path.append(tag)
        self._text = ""
        if len(self._path) > _DEPTH:
            raise DataError(f"{self._told} is nested more than {_DEPTH} deep.\nNo Darwin Core archive's is.")
        if self._path == ["archive", "core"] or self._path == ["archive", "extension"]:
            self.tables.append(self._table(tag == "core", given))
        elif len(self._path) == 3 and self.tables:
            self._column(self.tables[-1], tag, given)

    def end(self, _: str) -> None:
        if self._path[-3:] == ["core", "files", "location"] or self._path[-3:] == ["extension", "files", "location"]:
            self.tables[-1].location = self.tables[-1].location or self._text.strip()
        self._path.pop()

    def text(self, data: str) -> None:
        if self._path[-1:] == ["location"]:
            self._text += data

    def _table(self, core: bool, given: Mapping[str, str]) -> Table:
        encoding = given.get("encoding", "UTF-8") or "UTF-8"
        try:
            codec = codecs.lookup(encoding)
        except (LookupError, ValueError, UnicodeError):
            codec = None
        if codec is None or not getattr(codec, "_is_text_encoding", True):
            raise DataError(f"{self._told} names the encoding {encoding[:40]!r}, which is none.\nUTF-8 was expected.")
        delimiter = _character(given.get("fieldsTerminatedBy", ","))
        quote = _character(given.get("fieldsEnclosedBy", '"'))
        if len(delimiter) != 1 or len(quote) > 1 or delimiter in "\r\n" or quote in ("\r", "\n", delimiter):
            raise DataError(
                f"{self._told}: fields end with {delimiter[:9]!r} and are enclosed by {quote[:9]!r}.\n"
                "One character each was expected."
            )
        row_type = given.get("rowType", "").rstrip("/").replace("#", "/").rpartition("/")[2]
        name = "utf-8-sig" if codec.name == "utf-8" else codec.name
        return Table(
            core, row_type, dialect=Dialect(name, delimiter, quote), skip=self._number(given, "ignoreHeaderLines")
        )

    def _column(self, table: Table, tag: str, given: Mapping[str, str]) -> None:
        if tag in ("id", "coreid"):
            table.id = self._number(given, "index")
        elif tag == "field":
            term = given.get("term", "").rstrip("/").replace("#", "/").rpartition("/")[2].rpartition(":")[2]
            if "index" in given:
                table.terms[self._number(given, "index")] = term
            if given.get("default"):
                table.constant[term] = given["default"]

    def _number(self, given: Mapping[str, str], name: str) -> int:
        text = given.get(name, "") or "0"
        if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) < _COLUMNS):
            raise DataError(f"{self._told}: {name} is {text[:20]!r}.\nA whole number below {_COLUMNS} was expected.")
        return int(text)


def _character(text: str) -> str:
    r"""A character as meta.xml writes it: `\t` is a tab, `&quot;` came unfolded."""
    return {"\\t": "\t", "\\n": "\n", "\\r": "\r", '\\"': '"', "\\'": "'", "\\\\": "\\"}.get(text, text)
