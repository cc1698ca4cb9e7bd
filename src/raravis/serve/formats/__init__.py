"""Output formats: one file each, whose name is its public name.

A format is a module with

- `HEADER: bytes` — what the file begins with; tells a file of this format from any other,
- `record(row) -> bytes` — one `Row` as it stands in the file,
- `records(stream) -> Iterator[tuple[Row, int]]` — from a binary stream that stands behind the header: every
  row that is whole, with the offset in the file at which it ends; a row that a kill cut short is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Protocol, cast

from raravis import registry
from raravis.serve.row import Row


class Format(Protocol):
    """What a module of this package offers."""

    HEADER: bytes

    def record(self, row: Row) -> bytes:
        """Write one row."""

    def records(self, stream: IO[bytes]) -> Iterator[tuple[Row, int]]:
        """Read the whole rows back."""


def load(name: str) -> Format:
    """Look up a format by its name.

    Raises:
        UsageError: no such format; the message lists those that exist.
    """
    return cast(Format, registry.load(__name__, name, "format"))
