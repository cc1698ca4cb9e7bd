"""A folder, a zip archive or a lone file, read as one thing: tables by name, and images that lie in it.

Enters: the path that a user gave. Leaves: streams of bytes. Nothing in an archive is believed: names that leave it,
encrypted entries, and entries that unfold to far more than they take are refused before anything is read, and only
images are ever written out, into the cache.
"""

from __future__ import annotations

import gzip
import io
import json
import lzma
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

from raravis import files, progress
from raravis.data.decode import MAX_BYTES, SUFFIXES
from raravis.data.sources._paths import writable
from raravis.errors import DataError

ENTRIES: Final = 5_000_000
"""Entries that an archive may have."""
RATIO: Final = 100
"""How many times its own size a packed table may unfold to; tables of names and numbers unfold to about 20."""
FREE: Final = 16 << 20
"""Bytes that anything may unfold to."""
JSON_BYTES: Final = 1 << 30
_SPREAD: Final = 4
"""How many times the archive's size all images in it may unfold to; photographs hardly pack at all."""
_BROKEN = (OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError)


class Package:
    """What a user's path holds. Use it in a `with` statement.

    Args:
        where: a folder, a `.zip` file, or any other file, which stands for itself alone.

    Raises:
        DataError: it is no archive, damaged, encrypted, or made to harm.
    """

    def __init__(self, where: Path) -> None:
        self.where = where.absolute()
        self._zip: zipfile.ZipFile | None = None
        if self.packed:
            try:
                self._zip = zipfile.ZipFile(self.where)
            except (*_BROKEN, ValueError) as error:
                raise DataError(
                    f"{where} is no zip archive that can be opened: {_told(error)}.\nFetch it again."
                ) from error
            try:
                self._entries = self._checked(self._zip)
            except BaseException:
                self._zip.close()
                raise

    def __enter__(self) -> Package:
        return self

    def __exit__(self, *_: object) -> None:
        if self._zip is not None:
            self._zip.close()

    @property
    def packed(self) -> bool:
        """Whether it is a zip archive."""
        return self.where.suffix.lower() == ".zip" and self.where.is_file()

    @property
    def folder(self) -> Path:
        """The folder that it is, or that it lies in."""
        return self.where if self.where.is_dir() else self.where.parent

    @cached_property
    def above(self) -> str:
        """What all entries of an archive begin with, such as `name/`; "" for most."""
        if self._zip is None or not self._entries:
            return ""
        first = next(iter(self._entries)).partition("/")
        return f"{first[0]}/" if first[1] and all(name.startswith(f"{first[0]}/") for name in self._entries) else ""

    def names(self) -> list[str]:
        """Entries of an archive, names of files in a folder (not below it), or the lone file's own."""
        if self._zip is not None:
            return [name.removeprefix(self.above) for name in self._entries]
        if not self.where.is_dir():
            return [self.where.name]
        with files_of(self.where) as entries:
            return sorted(entry.name for entry in entries if entry.is_file())

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""
        if self._zip is not None:
            return f"{self.above}{name}" in self._entries
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            return False
        try:
            return (self.folder / name).is_file()
        except (OSError, ValueError):  # a name that no file can have
            return False

    def told(self, name: str) -> str:
        """The name of a file in words, on one line, cut where it is long."""
        plain = " ".join(writable(name).split())
        plain = plain if len(plain) <= 120 else f"{plain[:100]}…"
        return f"{plain} in {self.where}" if self._zip is not None else f"{self.folder}/{plain}"

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """The bytes of a file, unpacked; `.gz` is seen through.

        Raises:
            DataError: it is not there, damaged, encrypted, or unfolds to far more than it takes.
        """
        if not self.has(name):
            raise DataError(f"{self.where} has no file {writable(name)[:120]!r}.\nSee that it is whole.")
        try:
            with self._raw(name) as stream:
                if name.lower().endswith(".gz"):
                    with gzip.open(stream) as inner:
                        limit = max(FREE, RATIO * self._size(name))
                        yield io.BufferedReader(_Bounded(inner, limit, self.told(name)))
                else:
                    yield stream
        except _BROKEN as error:
            raise DataError(f"{self.told(name)} cannot be read: {_told(error)}.\nFetch it again.") from error

    def read(self, name: str, limit: int) -> bytes:
        """All bytes of a small file.

        Raises:
            DataError: as `open`, or there are more than `limit`.
        """
        with self.open(name) as stream:
            data = stream.read(limit + 1)
        if len(data) > limit:
            raise DataError(f"{self.told(name)} is larger than {limit >> 20} MiB.\nThat is no file of its kind.")
        return data

    def json(self, name: str) -> Any:
        """A JSON file.

        Raises:
            DataError: as `open`, or it is no JSON.
        """
        data = self.read(name, JSON_BYTES)
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
            raise DataError(f"{self.told(name)} is no JSON: {_told(error)}.\nFetch it again.") from error

    def images(self, *, quiet: bool = False) -> Path | None:
        """The folder that the images of an archive were unpacked into, once, below the cache; None if it has none.

        Raises:
            DataError: one is damaged, or they unfold to far more than the archive takes.
            StorageError: the cache cannot be written.
        """
        if self._zip is None:
            return None
        held = [info for name, info in self._entries.items() if _unpackable(name)]
        if not held:
            return None
        status = self.where.stat()
        if sum(info.file_size for info in held) > max(FREE, _SPREAD * status.st_size):
            raise DataError(f"{self.where} unfolds to far more than its size.\nIt was made to harm, or is damaged.")
        mark = files.digest(str(self.where), str(status.st_size), str(status.st_mtime_ns))[:16]
        home = files.cache("archives", mark)
        with progress.bar("Unpacking images", len(held), quiet=quiet, unit="files") as advance:
            for info in held:
                target = home / info.filename.removeprefix(self.above)
                if not target.is_file() or target.stat().st_size != info.file_size:
                    self._unpack(info, target)
                advance()
        return home

    def _unpack(self, info: zipfile.ZipInfo, target: Path) -> None:
        if info.file_size > MAX_BYTES:
            raise DataError(f"{info.filename} in {self.where} is larger than {MAX_BYTES >> 20} MiB.\nNo image is.")
        files.folder(target.parent)
        try:
            with self._raw(info.filename.removeprefix(self.above)) as packed, files.atomic(target) as stream:
                shutil.copyfileobj(packed, stream)
        except (zipfile.BadZipFile, zlib.error, EOFError, lzma.LZMAError) as error:
            raise DataError(f"{info.filename} in {self.where} is damaged: {_told(error)}.\nFetch it again.") from error

    def _raw(self, name: str) -> IO[bytes]:
        if self._zip is None:
            return (self.folder / name).open("rb")
        return self._zip.open(self._entries[f"{self.above}{name}"])

    def _size(self, name: str) -> int:
        entry = None if self._zip is None else self._entries[f"{self.above}{name}"]
        return (self.folder / name).stat().st_size if entry is None else entry.file_size

    def _checked(self, opened: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
        """The entries that are files, by name.

        Raises:
            DataError: there are too many, or one leaves the archive, is encrypted or unfolds to far too much.
        """
        listed = opened.infolist()
        if len(listed) > ENTRIES:
            raise DataError(
                f"{self.where} has {len(listed)} entries, more than {ENTRIES}.\nUnpack it and give the folder."
            )
        found: dict[str, zipfile.ZipInfo] = {}
        for info in listed:
            name, path = info.filename, PurePosixPath(info.filename)
            if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in path.parts[:1] or "\0" in name:
                raise DataError(f"{self.where} has an entry that leaves it: {name[:80]!r}.\nIt was made to harm.")
            if info.is_dir() or (info.external_attr >> 16) & 0o170000 == 0o120000 or path.parts[0] == "__MACOSX":
                continue  # folders, links, and what macOS adds
            if info.flag_bits & 1:
                raise DataError(f"{name} in {self.where} is encrypted.\nUnpack it and give the folder.")
            if info.file_size > max(FREE, RATIO * info.compress_size):
                raise DataError(
                    f"{name[:80]} in {self.where} unfolds to {info.file_size:,} bytes, far more than it takes."
                )
            found[name] = info
        return found


def _unpackable(name: str) -> bool:
    """Whether an entry is an image whose name any file system takes."""
    path = PurePosixPath(name)
    parts = [len(part.encode("utf-8", "surrogatepass")) for part in path.parts]
    return path.suffix.lower() in SUFFIXES and max(parts) <= 200 and sum(parts) <= 1000


class _Bounded(io.RawIOBase):
    """A stream that ends in an error beyond a number of bytes."""

    def __init__(self, stream: gzip.GzipFile, limit: int, told: str) -> None:
        super().__init__()
        self._stream, self._left, self._told = stream, limit, told

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, as every raw stream does.

        Raises:
            DataError: more bytes came than may come.
        """
        data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise DataError(f"{self._told} unfolds to far more than it takes.\nIt was made to harm, or is damaged.")
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def files_of(folder: Path) -> Iterator[Iterator[os.DirEntry[str]]]:
    """What lies in a folder.

    Raises:
        DataError: it may not be opened.
    """
    try:
        with os.scandir(folder) as entries:
            yield entries
    except OSError as error:
        raise DataError(f"The folder {folder} cannot be opened: {error.strerror or error}.") from error


def _told(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
