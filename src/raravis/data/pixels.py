"""The pixel store: every image decoded once, kept as one memory-mapped `uint8` array.

Enters: the readable rows of a catalogue. Leaves: a `PixelStore` that gives
`(B, size, size, 3)` batches by id. Why: decoding costs more than a small network does; done once, every later
epoch and run reads rows from the page cache.

A store is a folder below the cache, one for each (data root, size, fit, decoder version), and is append-only:

    pixels.u8   rows of size·size·3 bytes (RGB, row-major)
    ids.bin     32-byte SHA-256 digests of the image files in row order: the record of what is there
    lock        held by the one process that writes

Rows reach the disk before their ids are appended, so an id always stands for a whole row: a kill at any
moment leaves at most bytes without an id, and the next writer cuts those off. Readers need no lock. What
changes in the data changes its id, so only new ids are ever decoded; rows that no catalogue asks for do
no harm.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import portalocker
from numpy.typing import NDArray

from raravis import files, progress
from raravis.data import decode
from raravis.data.ahead import ahead, cores
from raravis.data.decode import Fit
from raravis.errors import DataError, StorageError, UsageError

_ID = np.dtype("V32")
_COMMIT_BYTES = 32 << 20
_RELEASE_BYTES = 64 << 20


class PixelStore:
    """Decoded images by id. Only reads; `open_store` writes. Pickles as its address, not as its pixels.

    Attributes:
        folder: where the store lies.
        size: height and width of every image.
        fit: how images were made square (`squash | pad | crop`).
    """

    def __init__(self, folder: Path, size: int, fit: Fit) -> None:
        self.folder, self.size, self.fit = folder, size, fit
        ids = _committed(folder, size)
        self._order = np.argsort(ids, kind="stable").astype(np.int64)
        self._sorted = ids[self._order]
        self._map: mmap.mmap | None = None
        self._pixels: NDArray[np.uint8] = np.empty((0, size, size, 3), np.uint8)
        if len(ids):
            with (folder / "pixels.u8").open("rb") as stream:
                self._map = mmap.mmap(stream.fileno(), len(ids) * size * size * 3, access=mmap.ACCESS_READ)
            self._pixels = np.frombuffer(self._map, np.uint8).reshape(-1, size, size, 3)
        self._touched = 0

    def __len__(self) -> int:
        return len(self._pixels)

    def __reduce__(self) -> tuple[Any, ...]:
        return PixelStore, (self.folder, self.size, self.fit)

    def __repr__(self) -> str:
        return f"PixelStore({str(self.folder)!r}, size={self.size}, fit={self.fit!r}, images={len(self)})"

    def rows(self, image_ids: Sequence[str]) -> NDArray[np.int64]:
        """Look up the row of each image id, `(N,)`; a row never changes once given.

        Raises:
            DataError: an id has no row here.
        """
        wanted = _digests(image_ids)
        row, found = self._find(wanted)
        if not found.all():
            first = wanted[int(np.argmin(found))].tobytes().hex()
            raise DataError(
                f"{np.sum(~found)} of {len(wanted)} images are not in this store (first: {first[:9]}).\n"
                "Open the store with a catalogue that holds them."
            )
        return row

    def batch(self, rows: NDArray[np.int64] | Sequence[int]) -> NDArray[np.uint8]:
        """Copy the images at `rows`: `uint8`, `(len(rows), size, size, 3)`, RGB, 0–255."""
        taken: NDArray[np.uint8] = self._pixels[np.asarray(rows, np.int64)]
        self._touched += taken.nbytes
        if self._map is not None and self._touched > _RELEASE_BYTES and hasattr(mmap, "MADV_DONTNEED"):
            # The pages stay in the system's cache; without this they would count as this process's memory.
            self._map.madvise(mmap.MADV_DONTNEED)
            self._touched = 0
        return taken

    def read(self, image_ids: Sequence[str]) -> NDArray[np.uint8]:
        """Copy the images with these ids, as `batch` does.

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


def open_store(
    table: pd.DataFrame, root: Path, *, size: int = 224, fit: Fit = "squash", quiet: bool = False
) -> PixelStore:
    """Open the store that holds every image of `table`, decoding only those that it does not hold yet.

    Args:
        table: readable rows of a catalogue: `image_id` (64 hex digits), `file_path` relative to `root`.
        root: folder of the data.
        size: height and width, in pixels.
        fit: `squash` (change the aspect), `pad` or `crop`.
        quiet: show no progress.

    Raises:
        UsageError: `size` is no positive number, or `fit` is unknown.
        DataError: a file is gone, cannot be decoded, or is no longer the one that was catalogued.
        StorageError: the cache cannot be written or is too small. What was decoded until then stays.
    """
    if size < 1 or fit not in get_args(Fit):
        raise UsageError(
            f"Images cannot be kept at size {size}, fit {fit!r}.\nGive a size of 1 or more, and squash, pad or crop."
        )
    home = files.digest(str(root.resolve()), str(size), fit, str(decode.VERSION))[:16]
    folder = files.cache("pixels", home)
    table = table.drop_duplicates("image_id")
    store = PixelStore(folder, size, fit)
    if not len(_lacking(store, table)):
        return store
    with _alone(folder, quiet):
        todo = _lacking(PixelStore(folder, size, fit), table)
        if len(todo):
            _append(folder, todo, root, size, fit, quiet)
    return PixelStore(folder, size, fit)


def _lacking(store: PixelStore, table: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows of `table` that the store has no pixels of."""
    _, found = store._find(_digests(table["image_id"].tolist()))
    return table[~found]


def _digests(image_ids: Sequence[str]) -> NDArray[np.void]:
    """Hex ids as an array of 32 bytes each."""
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


def _committed(folder: Path, size: int) -> NDArray[np.void]:
    """Read the digests whose rows are whole, in row order."""
    try:
        ids = (folder / "ids.bin").read_bytes()
        held = (folder / "pixels.u8").stat().st_size // (size * size * 3)
    except FileNotFoundError:
        return np.empty(0, _ID)
    count = min(len(ids) // _ID.itemsize, held)
    return np.frombuffer(ids, _ID, count=count)


@contextmanager
def _alone(folder: Path, quiet: bool) -> Iterator[None]:
    """Be the only process that writes this store; wait, and say so, while another one does."""
    path = folder / "lock"
    with files.storage(path):
        stream = path.open("ab")
    with stream:
        try:
            try:
                portalocker.lock(stream, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
            except portalocker.AlreadyLocked:
                progress.say("Another process is decoding these images; waiting for it.", quiet=quiet)
                portalocker.lock(stream, portalocker.LockFlags.EXCLUSIVE)
        except portalocker.LockException as error:
            raise StorageError(
                f"Cannot lock {path}: {error}.\nLet RARAVIS_CACHE name a folder on a disk that knows file locks."
            ) from error
        yield


def _append(folder: Path, todo: pd.DataFrame, root: Path, size: int, fit: Fit, quiet: bool) -> None:
    """Decode the images of `todo` and append them; the lock is held."""
    row_bytes = size * size * 3
    need, free = len(todo) * (row_bytes + _ID.itemsize), shutil.disk_usage(folder).free
    if need > free:
        raise StorageError(
            f"Cannot write {folder}: {len(todo)} images need {_human(need)}, {_human(free)} are free.\n"
            "Free some space, choose a smaller size, or let RARAVIS_CACHE name a folder on another disk."
        )

    def one(row: tuple[str, str]) -> NDArray[np.uint8]:
        return _decoded(root / row[1], row[0], size, fit)

    count = len(_committed(folder, size))
    rows = list(zip(todo["image_id"], todo["file_path"], strict=True))
    with files.storage(folder):
        pixels = os.open(folder / "pixels.u8", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        ids = os.open(folder / "ids.bin", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        waiting: list[str] = []

        def commit() -> None:
            if waiting:
                os.fsync(pixels)
                _write(ids, bytes.fromhex("".join(waiting)))
                os.fsync(ids)
                waiting.clear()

        try:
            os.ftruncate(pixels, count * row_bytes)
            os.ftruncate(ids, count * _ID.itemsize)
            bar = progress.bar("decoding", len(rows), quiet=quiet, unit="images")
            with bar as advance, closing(ahead(one, rows, window=2 * cores())) as images:
                for (image_id, _), image in zip(rows, images, strict=True):
                    _write(pixels, image.tobytes())
                    waiting.append(image_id)
                    if len(waiting) * row_bytes >= _COMMIT_BYTES:
                        commit()
                    advance()
        finally:
            try:
                commit()  # after an error or Ctrl-C too: `waiting` names whole rows only
            finally:
                os.close(ids)
                os.close(pixels)


def _decoded(path: Path, image_id: str, size: int, fit: Fit) -> NDArray[np.uint8]:
    """Decode one file after checking that it is still the one that was catalogued."""
    again = "Call again: the catalogue then looks at the file anew, and the images decoded so far are kept."
    try:
        data = decode.read_bytes(path)
        if hashlib.sha256(data).hexdigest() != image_id:
            raise DataError(f"{path} has changed since it was catalogued.\n{again}")
        return decode.pixels(data, size, fit)
    except decode.UnreadableImageError as error:
        raise DataError(f"{path} was catalogued as readable, but now: {error}.\n{again}") from error


def _write(stream: int, data: bytes) -> None:
    """Write all of `data`; the system may take it in parts."""
    left = memoryview(data)
    while left:
        left = left[os.write(stream, left) :]


def _human(count: int) -> str:
    """Write a number of bytes for people."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"
