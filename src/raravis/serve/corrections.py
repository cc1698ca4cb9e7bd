"""What people said a photograph shows where the model was wrong: one SQLite file that loses no acknowledged word.

Enter: a photograph's bytes, what was told, what is right, who says so. Leave: a history that only grows (a correction
that is taken back is marked, never removed), and a folder that `raravis train` takes as DATA.

    photographs   sha256, suffix, bytes      the same photograph, corrected twice, stands once
    corrections   id, time, who, model, file_name, told, family, note, photograph
    undone        correction, time

Durable: WAL with `synchronous=FULL`, so what `add` returned is on the disk. One object serves many threads; several
processes may hold the same file. The file names that users give are words to show, never paths.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from raravis import files, taxonomy
from raravis.data.decode import SUFFIXES
from raravis.errors import StorageError, UsageError
from raravis.serve import _corrected, _sqlite

SOMETHING_ELSE: Final = "something else"
"""What a correction says where a photograph shows none of the families that the model knows: no family to train on."""

LONGEST: Final = {"family": 200, "told": 200, "who": 200, "model": 200, "file_name": 500, "note": 4000}
"""Characters kept of each word. A longer family is refused; of the others the rest is cut off."""

_ROWS: Final = """
SELECT c.id, c.time, c.who, c.model, c.file_name, c.told, c.family, c.note, c.photograph, p.suffix,
       COALESCE(u.time, '')
FROM corrections c JOIN photographs p ON p.sha256 = c.photograph LEFT JOIN undone u ON u.correction = c.id
ORDER BY c.id
"""


@dataclass(frozen=True)
class Correction:
    """One correction, as it was made.

    Attributes:
        id: its number; later ones are larger.
        time: when, ISO 8601 in UTC.
        who: said so; "" where nobody gave a name.
        model: digest of the model that was corrected.
        file_name: the photograph's, as its user gave it: words, no path.
        told: the family that the model told; "" where it told none.
        family: the right one.
        note: more words.
        image_id: SHA-256 of the photograph's bytes, 64 hex digits.
        suffix: of the photograph, such as `.jpg`.
        undone: when it was taken back, likewise; "" for one that stands.
    """

    id: int
    time: str
    who: str
    model: str
    file_name: str
    told: str
    family: str
    note: str
    image_id: str
    suffix: str
    undone: str = ""


class Corrections:
    """An open file of corrections; safe to use from many threads. Close it, or use it in a `with` block."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.RLock()

    @classmethod
    def open(cls, file: Path | str) -> Self:
        """Open a file of corrections; one that is not there is made, with its folder.

        Raises:
            StorageError: it is damaged, something else, of a later version, or cannot be written.
        """
        path = Path(file).absolute()
        files.folder(path.parent)
        connection = _sqlite.connect(path)
        try:
            with _sqlite.told(path):
                connection.execute(_ROWS + "LIMIT 1").fetchall()  # the tables are those that are expected
        except BaseException:
            connection.close()
            raise
        return cls(path, connection)

    def add(
        self,
        image: bytes,
        *,
        suffix: str,
        file_name: str,
        told: str,
        family: str,
        who: str,
        model: str,
        note: str = "",
    ) -> int:
        """Keep one correction; when this returns its number, it is on the disk.

        Args:
            image: the photograph's bytes.
            suffix: of an image that raravis reads, such as `.jpg`.
            file_name: what the user calls the photograph.
            told: what the model told, "" if nothing.
            family: what is right.
            who: says so.
            model: digest of the model.
            note: more words.

        Raises:
            UsageError: no image, another suffix, no family, or one that is no name.
            StorageError: it could not be kept (disk full, in use, damaged); nothing of it stands then.
        """
        if not image:
            raise UsageError("The corrected photograph is empty (0 bytes); its bytes were expected.")
        if suffix.lower() not in SUFFIXES:
            raise UsageError(f"{suffix!r} is no suffix of an image that raravis reads.\nKnown: {_listed(SUFFIXES)}.")
        if not _clean(family):
            raise UsageError("The correction names no family; the right one was expected.")
        if len(_clean(family)) > LONGEST["family"]:
            raise UsageError(f"The family has {len(family)} characters; {LONGEST['family']} at most were expected.")
        given = {"who": who, "model": model, "file_name": file_name, "told": told, "family": family, "note": note}
        words = {name: _clean(value)[: LONGEST[name]] for name, value in given.items()}
        sha = hashlib.sha256(image).hexdigest()
        with self._writing() as cursor:
            cursor.execute("INSERT OR IGNORE INTO photographs VALUES (?, ?, ?)", (sha, suffix.lower(), image))
            columns = ", ".join(words)
            cursor.execute(
                f"INSERT INTO corrections (time, photograph, {columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (_now(), sha, *words.values()),
            )
            number = cursor.lastrowid
        assert number is not None
        return number

    def undo(self, id: int) -> bool:
        """Take a correction back: it stays in the history, marked. False if there is none that stands by that number.

        Raises:
            StorageError: it could not be written.
        """
        if not 0 < id < 1 << 63:
            return False
        with self._writing() as cursor:
            there = cursor.execute("SELECT 1 FROM corrections WHERE id = ?", (id,)).fetchone()
            if not there:
                return False
            cursor.execute("INSERT OR IGNORE INTO undone VALUES (?, ?)", (id, _now()))
            return cursor.rowcount > 0

    def count(self) -> int:
        """How many corrections stand, without those taken back.

        Raises:
            StorageError: the file cannot be read.
        """
        query = "SELECT COUNT(*) FROM corrections WHERE id NOT IN (SELECT correction FROM undone)"
        return int(self._read(query)[0][0])

    def table(self) -> list[Correction]:
        """The whole history, the oldest first; those taken back are marked.

        Raises:
            StorageError: the file cannot be read.
        """
        return [Correction(*row) for row in self._read(_ROWS)]

    def image(self, image_id: str) -> bytes:
        """The bytes of a photograph.

        Raises:
            UsageError: none was kept by that id.
            StorageError: the file cannot be read, or the bytes are not those that were kept.
        """
        found = self._read("SELECT bytes FROM photographs WHERE sha256 = ?", image_id)
        if not found:
            raise UsageError(f"{self.path} keeps no photograph {image_id[:12]!r}.")
        data = bytes(found[0][0])
        if hashlib.sha256(data).hexdigest() != image_id:
            raise StorageError(f"{self.path} is damaged: photograph {image_id[:12]} is not what was kept.")
        return data

    def export(self, folder: Path | str) -> Path:
        """Write the corrected photographs and `metadata.csv` into a folder that `raravis train` takes as DATA.

        Of a photograph that was corrected more than once the last correction that stands counts; one of
        `SOMETHING_ELSE` has no family there, and is not trained on. An earlier export there is brought up to date; a
        reader always meets a table whose files are all there.

        Returns:
            The folder, absolute.

        Raises:
            UsageError: no correction stands.
            StorageError: the folder holds something else, cannot be written, or the file of corrections is damaged.
        """
        standing = [one for one in self.table() if not one.undone]
        if not standing:
            raise UsageError(f"{self.path} holds no correction that stands; there is nothing to export.")
        return _corrected.write(Path(folder).absolute(), standing, self.image, nothing=SOMETHING_ELSE)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _read(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock, _sqlite.told(self.path):
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Cursor]:
        """One transaction: all of it stands on the disk when the block ends, or nothing."""
        with self._lock, _sqlite.told(self.path), _sqlite.transaction(self._connection) as cursor:
            yield cursor


def _clean(text: str) -> str:
    r"""One line of printable text: what is no UTF-8 is written as `\udcXX`, control characters become blanks."""
    sound = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return taxonomy.tidy("".join(" " if ord(c) < 32 or 127 <= ord(c) < 160 else c for c in sound))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
