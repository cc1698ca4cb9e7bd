"""Rows by image id: one array on the disk that only grows, memory-mapped, and that a kill cannot spoil.

Enter: image ids and a row of numbers for each. Leave: rows, by id or by number. Why: what is computed from an
image's bytes alone (its pixels, its features) is computed once and read from the page cache ever after.

    rows.bin    the rows, row-major
    ids.bin     32-byte SHA-256 digests of the image files in row order: the record of what is there
    lock        held by the one process that writes

Rows reach the disk before their ids are appended, so an id always stands for a whole row: a kill at any
moment leaves at most bytes without an id, and the next writer cuts those off. Readers need no lock.
"""

from __future__ import annotations

import mmap
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import portalocker
from numpy.typing import DTypeLike, NDArray

from raravis import files, progress
from raravis.errors import DataError, StorageError

_ID = np.dtype("V32")
_COMMIT_BYTES = 32 << 20
_COMMIT_SECONDS = 20.0
_RELEASE_BYTES = 64 << 20


class Rows:
    """Rows by id. Only reads; `Writer` writes. Pickles as its address, not as its numbers.

    Attributes:
        folder: where they lie.
        shape: of one row.
        dtype: of its numbers.
    """

    def __init__(self, folder: Path, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self.folder, self.shape, self.dtype = folder, shape, np.dtype(dtype)
        self._ids = ids = committed(folder, self._row_bytes)
        self._order = np.argsort(ids, kind="stable").astype(np.int64)
        self._sorted = ids[self._order]
        self._map: mmap.mmap | None = None
        self._rows: NDArray[Any] = np.empty((0, *shape), self.dtype)
        if len(ids):
            with (folder / "rows.bin").open("rb") as stream:
                self._map = mmap.mmap(stream.fileno(), len(ids) * self._row_bytes, access=mmap.ACCESS_READ)
            self._rows = np.frombuffer(self._map, self.dtype).reshape(-1, *shape)
        self._touched = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __reduce__(self) -> tuple[Any, ...]:
        return Rows, (self.folder, self.shape, self.dtype)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.folder)!r}, shape={self.shape}, dtype={self.dtype}, rows={len(self)})"

    @property
    def _row_bytes(self) -> int:
        return int(np.prod(self.shape)) * self.dtype.itemsize

    def rows(self, image_ids: Sequence[str]) -> NDArray[np.int64]:
        """Look up the row of each image id, `(N,)`; a row never changes once given.

        Raises:
            DataError: an id has no row here.
        """
        row, found = self._find(wanted := digests(image_ids))
        if not found.all():
            first = wanted[int(np.argmin(found))].tobytes().hex()
            raise DataError(
                f"{np.sum(~found)} of {len(wanted)} images are not in this store (first: {first[:9]}).\n"
                "Open the store with a catalogue that holds them."
            )
        return row

    def ids(self, rows: NDArray[np.int64] | Sequence[int]) -> list[str]:
        """The image ids of the given rows."""
        return [digest.tobytes().hex() for digest in self._ids[np.asarray(rows, np.int64)]]

    def lacking(self, image_ids: Sequence[str]) -> NDArray[np.bool_]:
        """Which of the images have no row here, `(N,)`."""
        return ~self._find(digests(image_ids))[1]

    def batch(self, rows: NDArray[np.int64] | Sequence[int]) -> NDArray[Any]:
        """Copy the given rows, `(len(rows), *shape)`."""
        taken: NDArray[Any] = self._rows[np.asarray(rows, np.int64)]
        self._touched += taken.nbytes
        if self._map is not None and self._touched > _RELEASE_BYTES and hasattr(mmap, "MADV_DONTNEED"):
            # The pages stay in the system's cache; without this they would count as this process's memory.
            self._map.madvise(mmap.MADV_DONTNEED)
            self._touched = 0
        return taken

    def read(self, image_ids: Sequence[str]) -> NDArray[Any]:
        """Copy the rows of the images with these ids, as `batch` does.

        Raises:
            DataError: an id has no row here.
        """
        return self.batch(self.rows(image_ids))

    def _find(self, wanted: NDArray[np.void]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Find the row of every digest, and whether there is one (the row is meaningless where not)."""
        if not len(self):
            return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
        place = np.minimum(np.searchsorted(self._sorted, wanted), len(self) - 1)
        return self._order[place], np.asarray(self._sorted[place] == wanted, np.bool_)


class Writer:
    """Appends rows; use within `writing`, which holds the lock."""

    def __init__(self, pixels: int, ids: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._data, self._ids = pixels, ids
        self._shape, self._dtype = shape, dtype
        self._waiting: list[str] = []
        self._bytes = 0
        self._last = time.monotonic()

    def add(self, image_id: str, row: NDArray[Any]) -> None:
        """Append the row of one image; it is on the disk for good some seconds later, or when writing ends.

        Raises:
            DataError: the row is of another shape or dtype than those of the store, which it would shift.
        """
        if (row.shape, row.dtype) != (self._shape, self._dtype):
            raise DataError(
                f"The row of the image {image_id[:12]} is {row.dtype} of shape {row.shape}; "
                f"{self._dtype} of shape {self._shape} was expected.\nWhat made it gives no such rows; it was not kept."
            )
        _write(self._data, row.tobytes())
        self._waiting.append(image_id)
        self._bytes += row.nbytes
        if self._bytes >= _COMMIT_BYTES or time.monotonic() - self._last >= _COMMIT_SECONDS:
            self.commit()

    def commit(self) -> None:
        """Put what was added on the disk for good: the rows first, then their ids."""
        if self._waiting:
            os.fsync(self._data)
            _write(self._ids, bytes.fromhex("".join(self._waiting)))
            os.fsync(self._ids)
            self._waiting.clear()
            self._bytes = 0
        self._last = time.monotonic()


@contextmanager
def alone(folder: Path, doing: str, *, quiet: bool) -> Iterator[None]:
    """Be the only process that writes these rows; wait, and say so, while another one does.

    Args:
        folder: of the rows.
        doing: what the other process is doing, for people: `decoding these images`.
        quiet: wait without a word.

    Raises:
        StorageError: the folder's disk knows no locks.
    """
    path = folder / "lock"
    with files.storage(path):
        stream = path.open("ab")
    with stream:
        try:
            try:
                portalocker.lock(stream, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
            except portalocker.AlreadyLocked:
                progress.say(f"Another process is {doing}; waiting for it.", quiet=quiet)
                portalocker.lock(stream, portalocker.LockFlags.EXCLUSIVE)
        except portalocker.LockException as error:
            raise StorageError(
                f"Cannot lock {path}: {error}.\nLet RARAVIS_CACHE name a folder on a disk that knows file locks."
            ) from error
        yield


@contextmanager
def writing(store: Rows, count: int, *, smaller: str) -> Iterator[Writer]:
    """Append `count` rows to those of `store`; the lock is held. What was added stays, whatever ends the writing.

    Args:
        store: whose folder, shape and dtype these are; it does not see what is added.
        count: how many rows are to come.
        smaller: what makes the rows smaller, for the error on a full disk: `choose a smaller size`.

    Raises:
        StorageError: the disk is too small or cannot be written.
    """
    folder, row_bytes = store.folder, store._row_bytes
    need, free = count * (row_bytes + _ID.itemsize), shutil.disk_usage(folder).free
    if need > free:
        raise StorageError(
            f"Cannot write {folder}: {count} images need {_human(need)}, {_human(free)} are free.\n"
            f"Free some space, {smaller}, or let RARAVIS_CACHE name a folder on another disk."
        )
    held = len(committed(folder, row_bytes))
    with files.storage(folder):
        data = os.open(folder / "rows.bin", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        ids = os.open(folder / "ids.bin", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        writer = Writer(data, ids, store.shape, store.dtype)
        try:
            os.ftruncate(data, held * row_bytes)
            os.ftruncate(ids, held * _ID.itemsize)
            yield writer
        finally:
            try:
                writer.commit()  # after an error or Ctrl-C too: only whole rows were added
            finally:
                os.close(ids)
                os.close(data)


def committed(folder: Path, row_bytes: int) -> NDArray[np.void]:
    """Read the digests whose rows are whole, in row order."""
    try:
        ids = (folder / "ids.bin").read_bytes()
        held = (folder / "rows.bin").stat().st_size // row_bytes
    except FileNotFoundError:
        return np.empty(0, _ID)
    count = min(len(ids) // _ID.itemsize, held)
    return np.frombuffer(ids, _ID, count=count)


def digests(image_ids: Sequence[str]) -> NDArray[np.void]:
    """Hex ids as an array of 32 bytes each.

    Raises:
        DataError: one is no SHA-256.
    """
    try:
        parts = [bytes.fromhex(i) for i in image_ids]
        if any(len(p) != _ID.itemsize for p in parts):
            raise ValueError
    except ValueError:
        wrong = next((i for i in image_ids if len(i) != 2 * _ID.itemsize), "not hexadecimal")
        raise DataError(
            f"An image id is not 64 hex digits ({wrong!r}).\nGive readable images only: they have a SHA-256."
        ) from None
    return np.frombuffer(b"".join(parts), _ID)


def _write(stream: int, data: bytes) -> None:
    """Write all of `data`; the system may take it in parts."""
    left = memoryview(data)
    while left:
        left = left[os.write(stream, left) :]


def _human(count: int) -> str:
    """Write a number of bytes for people."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"
