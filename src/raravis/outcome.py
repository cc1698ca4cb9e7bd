"""What every verb returns: where it wrote, what it found, what it could not read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """The result of one verb.

    Attributes:
        verb: the verb's name.
        out: the file or folder that was written (absolute).
        figures: JSON-able figures, the same that `--json` prints.
        unreadable: `file_path: reason` of every file that could not be read; any entry makes exit code 3.
        notes: what a user should know, one sentence each (merged labels, families too small, …).
        read_next: the file to open next, usually a report.
    """

    verb: str
    out: Path
    figures: Mapping[str, Any] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    read_next: Path | None = None

    @property
    def exit_code(self) -> int:
        """0 when every file was read, else 3."""
        return 3 if self.unreadable else 0

    def as_json(self) -> dict[str, Any]:
        """The one JSON object that `--json` prints."""
        return {
            "verb": self.verb,
            "out": str(self.out),
            **self.figures,
            "unreadable_files": list(self.unreadable),
            "notes": list(self.notes),
            "read_next": None if self.read_next is None else str(self.read_next),
        }
