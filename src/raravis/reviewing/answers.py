"""What people answered: tables enter, one decision a photograph or animal leaves; contradictions are kept apart.

A table of answers is a filled `review.csv`, what the page saved, or any table with `family` and `image_id` or
`file_path`; where `bbox` is filled, one animal in the photograph is meant. Rows without a family are not answered yet.
Of one person's answers about the same the last counts; where two people differ, nobody is right until they agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from raravis.data import boxes
from raravis.data.boxes import Sides
from raravis.data.sources import _tables
from raravis.errors import DataError, UsageError
from raravis.reviewing.sheet import NONE
from raravis.taxonomy import tidy

SUFFIXES: Final = (".csv", ".parquet", ".jsonl")
_ID: Final = re.compile(r"[0-9a-f]{64}")
_PREDICTIONS: Final = ("status", "top_families")


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        image_id: SHA-256 of the photograph's bytes; "" in a table that does not tell it.
        file_path: as the review wrote it; "" where only the bytes were given.
        family: what it shows; `sheet.NONE` for nothing that is usable.
        who: says so, "" if nobody signed.
        time: when, ISO 8601; "" if it is not told.
        note: more words.
        box: of which animal in the photograph it speaks; None for all of the photograph.
    """

    image_id: str
    file_path: str
    family: str
    who: str = ""
    time: str = ""
    note: str = ""
    box: Sides | None = None

    @property
    def photograph(self) -> str:
        """What tells its photograph from all others."""
        return self.image_id or self.file_path

    @property
    def name(self) -> str:
        """What tells what it speaks of from all else."""
        return boxes.name(self.photograph, boxes.written(self.box))


@dataclass(frozen=True)
class Given:
    """What a file of answers holds.

    Attributes:
        answers: in the order of the file.
        open: how many rows have no answer.
        families: every family that the file speaks of as told or labelled: the ones that the model or the data knows.
    """

    answers: tuple[Answer, ...]
    open: int = 0
    families: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Settled:
    """Answers of all files and people together.

    Attributes:
        decided: one answer a photograph or animal.
        conflicts: those on which people differ: all of their last answers.
        repeated: answers that a later one of the same person replaced.
    """

    decided: tuple[Answer, ...]
    conflicts: tuple[tuple[Answer, ...], ...]
    repeated: int


def read(file: Path) -> Given:
    """Read a table of answers.

    Raises:
        UsageError: the file is not there, or no table.
        DataError: it cannot be read, or is no table of answers.
    """
    if file.suffix.lower() not in SUFFIXES or not file.is_file():
        there = "is no table (.csv, .parquet, .jsonl) and no file of corrections" if file.exists() else "is not there"
        raise UsageError(f"{file} {there}.\nA filled review.csv, or the answers that its page saved, was expected.")
    table = _tables.read(file)
    columns = set(map(str, table))
    if columns.issuperset(_PREDICTIONS):
        raise DataError(f"{file} holds predictions, no answers: its families are the model's.\nReview it first.")
    if "family" not in columns or not columns & {"image_id", "file_path"}:
        raise DataError(
            f"{file} is no table of answers: the columns family and image_id or file_path were expected;\n"
            f"found: {', '.join(map(str, table.columns[:8]))}."
        )
    answers, families, left = [], set(), 0
    for number, row in enumerate(table.to_dict("records"), 2):
        cells = {str(name): tidy(str(value)) for name, value in row.items()}
        families |= {cells[name] for name in ("told", "label") if cells.get(name)}
        if not cells["family"]:
            left += 1
            continue
        answers.append(_answer(cells, str(row.get("file_path", "")), file, number))
    return Given(tuple(answers), left, frozenset(families))


def _answer(cells: Mapping[str, str], path: str, file: Path, number: int) -> Answer:
    image_id = cells.get("image_id", "").lower()
    if image_id and not _ID.fullmatch(image_id):
        raise DataError(f"{file}, row {number}: the image_id {image_id[:20]!r} is no SHA-256 (64 hex digits).")
    if not image_id and not path:
        raise DataError(f"{file}, row {number} names no photograph: both image_id and file_path are empty.")
    try:
        box = boxes.read(cells["bbox"]) if cells.get("bbox") else None
    except ValueError as error:
        raise DataError(f"{file}, row {number}: {error}.") from None
    who, time, note = (cells.get(name, "") for name in ("who", "time", "note"))
    return Answer(image_id, path, cells["family"], who, time, note, box)


def settle(*tables: Iterable[Answer]) -> Settled:
    """One decision a photograph or animal; families that differ by case or blanks alone are one.

    Args:
        tables: answers in the order in which they were given; a later `time` counts as later. Who did not sign is
            somebody else in every table.
    """
    by_name: dict[str, dict[str | int, Answer]] = {}
    total = 0
    given = ((number, answer) for number, answers in enumerate(tables) for answer in answers)
    for number, answer in sorted(given, key=lambda one: one[1].time):  # stable: without times, the order given
        by_name.setdefault(answer.name, {})[answer.who.casefold() or number] = answer
        total += 1
    decided, conflicts = [], []
    for people in by_name.values():
        last = tuple(people.values())
        if len({one.family.casefold() for one in last}) > 1:
            conflicts.append(last)
        else:
            decided.append(max(last, key=lambda one: one.time))
    return Settled(tuple(decided), tuple(conflicts), total - sum(map(len, by_name.values())))


def usable(answer: Answer) -> bool:
    """Whether it names a family, and does not say that there is nothing to name."""
    return answer.family != NONE
