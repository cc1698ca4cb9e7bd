"""Tables inside packages, row by row: only what is asked for is kept, so that a table of many gigabytes takes no more.

Enters: a package, the name of a table, how it is written. Leaves: rows as lists, or as column → text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import IO, Final

from raravis.data.sources._package import Package
from raravis.errors import DataError

TABLES: Final = (".csv", ".tsv", ".txt")
_HEAD: Final = 1 << 16


@dataclass(frozen=True)
class Dialect:
    """How a table is written.

    Attributes:
        encoding: its name, as Python knows it.
        delimiter: one character; "" to find it out from the first line.
        quote: one character, or "" where fields are never enclosed.
    """

    encoding: str = "utf-8-sig"
    delimiter: str = ""
    quote: str = '"'


def rows(package: Package, name: str, dialect: Dialect) -> Generator[list[str]]:
    """Every row of a table, its header included; empty lines are passed over.

    Raises:
        DataError: the table is not there, damaged, or not in the encoding or form that was said.
    """
    with package.open(name) as stream:
        try:
            text = io.TextIOWrapper(stream, encoding=dialect.encoding, newline="")
        except (LookupError, ValueError) as error:
            raise DataError(f"{package.told(name)} is said to be in an unknown encoding: {error}.") from error
        try:
            yield from _parsed(text, dialect)
        except (UnicodeError, csv.Error) as error:
            why = " ".join(str(error).split())[:200]
            raise DataError(
                f"{package.told(name)} cannot be read as a table: {why}.\nSave it as UTF-8 text."
            ) from error
        finally:
            with suppress(ValueError):  # closed since, where a reader broke off
                text.detach()


def records(
    package: Package, name: str, wanted: Collection[str] = (), dialect: Dialect | None = None
) -> Iterator[dict[str, str]]:
    """Every row below the header as column → text; rows of another length than the header's are an error.

    Args:
        package: that holds the table.
        name: of the table.
        wanted: columns that are kept, where they are there; all when empty.
        dialect: comma, semicolon or tab, UTF-8, when not given.

    Raises:
        DataError: as `rows`, or a row has too few or too many fields.
    """
    with closing(rows(package, name, dialect or Dialect())) as lines:
        header = [column.strip() for column in next(lines, [])]
        if len(set(header)) < len(header):
            doubled = next(column for place, column in enumerate(header) if column in header[:place])
            raise DataError(f"{package.told(name)} has two columns named {doubled[:80]!r}.")
        kept = [(place, column) for place, column in enumerate(header) if not wanted or column in wanted]
        for number, row in enumerate(lines, 2):
            if len(row) != len(header):
                raise DataError(
                    f"{package.told(name)}: row {number} has {len(row)} fields, the header {len(header)}.\n"
                    "See that the file is whole; a field that holds the delimiter must be quoted."
                )
            yield {column: row[place].strip() for place, column in kept}


def columns(package: Package, name: str, dialect: Dialect | None = None) -> tuple[str, ...]:
    """The names in a table's header.

    Raises:
        DataError: as `rows`.
    """
    with closing(rows(package, name, dialect or Dialect())) as lines:
        return tuple(column.strip() for column in next(lines, []))


@dataclass(frozen=True)
class Peek:
    """A first look at a package, by which the sources tell whether it is theirs.

    Attributes:
        names: of its files.
        table: the one table that a lone file or an archive is or holds; "" where there is none or more than one.
        header: the columns of that table.
    """

    names: frozenset[str] = frozenset()
    table: str = ""
    header: tuple[str, ...] = ()


def peek(data: str) -> Peek:
    """Look at a path; what is neither an archive, a folder nor a table is empty.

    Raises:
        DataError: an archive is damaged or made to harm.
    """
    path = Path(data)
    try:
        status = path.stat()
    except (OSError, ValueError):
        return Peek()
    return _peeked(path.absolute(), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4)  # every source asks, one after the other
def _peeked(path: Path, size: int, mtime_ns: int) -> Peek:
    suffix = path.suffix.lower()
    if not path.is_dir() and suffix not in (".zip", *TABLES):
        return Peek()
    with Package(path) as package:
        names = frozenset(package.names())
        tables = [name for name in names if name.lower().endswith(TABLES) and "/" not in name]
        if path.is_dir() or len(tables) != 1:
            return Peek(names)
        return Peek(names, tables[0], _header(package, tables[0]))


def _header(package: Package, name: str) -> tuple[str, ...]:
    """The columns of a table; nothing where its first line is none."""
    with package.open(name) as stream:
        head = stream.read(_HEAD)
    line = head.partition(b"\n")[0].decode("utf-8-sig", "replace")
    try:
        return tuple(column.strip() for column in next(csv.reader([line], delimiter=_delimiter(line)), []))
    except csv.Error:
        return ()


def _parsed(text: IO[str], dialect: Dialect) -> Iterator[list[str]]:
    first = text.readline(_HEAD)
    delimiter = dialect.delimiter or _delimiter(first)
    lines = chain([first] if first else [], text)
    if dialect.quote:
        parsed = csv.reader(lines, delimiter=delimiter, quotechar=dialect.quote, strict=False)
    else:
        parsed = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE, quotechar=None)
    return (row for row in parsed if row)


def _delimiter(line: str) -> str:
    r"""Tab, comma or semicolon: what the first line has; of several, the first of these."""
    return next((mark for mark in "\t,;" if mark in line), ",")
