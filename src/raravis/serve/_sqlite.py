"""The SQLite file that corrections live in: its tables, how it is opened, and one error for all that may go wrong."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from raravis.errors import StorageError

APPLICATION: Final = 0x52_56_43_4F
"""Tells this kind of SQLite file from all others ("RVCO", in the file's header)."""

VERSION: Final = 1
"""Of the tables; a file of a later version is refused, not guessed at."""

_WAIT: Final = 30.0
_CAUSES: Final = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space and call again",
    sqlite3.SQLITE_READONLY: "the file or its folder is read-only; change its permissions",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; see that its folder is there and may be written",
    sqlite3.SQLITE_PERM: "you may not write there; change its permissions",
    sqlite3.SQLITE_BUSY: "another process has held it for half a minute; try again",
    sqlite3.SQLITE_LOCKED: "another process has held it for half a minute; try again",
    sqlite3.SQLITE_NOTADB: "it is no file of corrections; name another file",
    sqlite3.SQLITE_CORRUPT: "it is damaged; put back a copy, or name another file",
    sqlite3.SQLITE_ERROR: "it is damaged; put back a copy, or name another file",
    sqlite3.SQLITE_IOERR: "the disk reports an error, or a limit on the size of files; choose another folder",
}
_SCHEMA: Final = f"""
CREATE TABLE photographs (sha256 TEXT PRIMARY KEY, suffix TEXT NOT NULL, bytes BLOB NOT NULL);
CREATE TABLE corrections (
    id INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, who TEXT NOT NULL, model TEXT NOT NULL,
    file_name TEXT NOT NULL, told TEXT NOT NULL, family TEXT NOT NULL, note TEXT NOT NULL,
    photograph TEXT NOT NULL REFERENCES photographs (sha256));
CREATE TABLE undone (correction INTEGER PRIMARY KEY REFERENCES corrections (id), time TEXT NOT NULL);
CREATE TRIGGER kept BEFORE DELETE ON corrections BEGIN SELECT RAISE (ABORT, 'corrections are kept'); END;
CREATE TRIGGER unchanged BEFORE UPDATE ON corrections BEGIN SELECT RAISE (ABORT, 'corrections are kept'); END;
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, laid out if it is new, durable, and checked to be what it should before anything is changed.

    Raises:
        StorageError: it is damaged, something else, of a later version, or cannot be written.
    """
    with told(path):
        connection = sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
    try:
        with told(path):
            _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Cursor]:
    """All that is done in the block stands on the disk when it ends, or nothing of it."""
    cursor = connection.execute("BEGIN IMMEDIATE")
    try:
        yield cursor
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        cursor.close()


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Check what the file is before anything in it is changed; lay out one that is new."""
    if not _checked(connection, path):
        with transaction(connection):
            if not _checked(connection, path):  # another process may have been quicker
                for statement in re.split(r";\n", _SCHEMA.strip()):
                    connection.execute(statement)
    deadline = time.monotonic() + _WAIT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:  # changing the mode does not wait by itself
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _checked(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file holds corrections; False for an empty one."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
    if application == 0 and tables == 0:
        return False
    if application != APPLICATION:
        raise StorageError(f"{path} is a database of something else, no file of corrections.\nName another file.")
    if version > VERSION:
        raise StorageError(
            f"{path} was written by a later raravis (version {version} of its tables; {VERSION} was expected).\n"
            "Update raravis, or name another file."
        )
    return True


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what SQLite says into one `StorageError`."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", -1) & 0xFF
        raise StorageError(f"Cannot use {path}: {_CAUSES.get(code, error)}.") from error
