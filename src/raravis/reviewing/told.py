"""What `raravis predict` wrote becomes rows to choose from: a table enters, a `Told` for each animal leaves."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from raravis.data import boxes
from raravis.data.boxes import Sides
from raravis.data.sources import _tables
from raravis.errors import DataError, UsageError
from raravis.judge.predictions import PREFIX

NEEDED: Final = ("file_path", "family", "confidence")
SUFFIXES: Final = (".csv", ".parquet")


@dataclass(frozen=True)
class Told:
    """What a model said of one photograph, or of one animal in it.

    Attributes:
        file_path: as it was given to `predict`.
        families: the likeliest, best first, at least one.
        confidences: their probabilities, 0–1.
        verdict: `identified`, `uncertain`, `unfamiliar`, or "".
        novelty: share of known photographs that are less strange, 0–1; None where nothing is known of it.
        reason: why the verdict, in words.
        box: the part that was looked at; None for the whole photograph.
    """

    file_path: str
    families: tuple[str, ...]
    confidences: tuple[float, ...]
    verdict: str = ""
    novelty: float | None = None
    reason: str = ""
    box: Sides | None = None

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return boxes.name(self.file_path, boxes.written(self.box))


def read(file: Path) -> tuple[list[Told], tuple[str, ...]]:
    """Read a table of predictions; rows that name no family (unreadable, without an animal) are left out.

    Of a photograph or animal that has several rows, the one that the model is least sure of counts.

    Returns:
        the rows in their order, and what is to be noted, one sentence each.

    Raises:
        UsageError: the file is not there, or no table.
        DataError: it cannot be read, is no table of predictions, or names no family at all.
    """
    if file.suffix.lower() not in SUFFIXES or not file.is_file():
        there = "is no .csv or .parquet" if file.is_file() else "is not there"
        raise UsageError(f"{file} {there}; a table that `raravis predict` wrote, or a run folder, was expected.")
    table = _tables.read(file)
    if any(column.startswith(PREFIX) for column in map(str, table)):
        raise DataError(
            f"{file} holds a run's own predictions of labelled images.\nGive its run folder, to look for wrong labels."
        )
    if lacking := [name for name in NEEDED if name not in table]:
        raise DataError(
            f"{file} lacks the columns {', '.join(lacking)}; found: {', '.join(map(str, table.columns[:8]))}.\n"
            "A table that `raravis predict --format raravis` wrote was expected."
        )
    rows: dict[str, Told] = {}
    nameless = again = 0
    for number, row in enumerate(table.to_dict("records"), 2):
        cells = {str(name): str(value) for name, value in row.items()}
        if not cells["family"]:
            nameless += 1
            continue
        one = _row(cells, file, number)
        before = rows.get(one.name)
        again += before is not None
        if before is None or one.confidences[0] < before.confidences[0]:
            rows[one.name] = one
    if not rows:
        raise DataError(f"None of the {len(table)} rows of {file} names a family; there is nothing to review.")
    notes = []
    if nameless:
        notes.append(f"{nameless} rows name no family (unreadable, or no animal); they are left out.")
    if again:
        notes.append(f"{again} rows stand there more than once; the one that the model is least sure of counts.")
    return list(rows.values()), tuple(notes)


def _row(row: Mapping[str, str], file: Path, number: int) -> Told:
    try:
        families = _listed(row.get("top_families", "")) or (row["family"],)
        confidences = tuple(map(float, _listed(row.get("top_confidences", "")))) or (float(row["confidence"]),)
        novelty = float(row["novelty"]) if row.get("novelty") else None
        box = boxes.read(row["bbox"]) if row.get("bbox") else None
        if len(families) != len(confidences) or not all(0 <= value <= 1 for value in (*confidences, novelty or 0)):
            raise ValueError("families and confidences do not match, or lie outside 0–1")
    except ValueError as error:
        raise DataError(
            f"{file}, row {number}: {error}.\nA table that `raravis predict --format raravis` wrote was expected."
        ) from error
    return Told(row["file_path"], families, confidences, row.get("verdict", ""), novelty, row.get("reason", ""), box)


def _listed(text: str) -> tuple[str, ...]:
    """The parts of a field: joined with `|` in a CSV, a list in Parquet."""
    if text.startswith("[") and text.endswith("]"):
        try:
            return tuple(map(str, ast.literal_eval(text)))
        except (SyntaxError, ValueError):
            raise ValueError(f"{text[:40]!r} is no list") from None
    return tuple(part for part in text.split("|") if part)


def families_of(rows: Iterable[Told]) -> tuple[str, ...]:
    """Every family that is told anywhere, sorted."""
    return tuple(sorted({family for row in rows for family in row.families}))
