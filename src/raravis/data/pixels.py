"""The pixel store: every image decoded once, kept as one memory-mapped `uint8` array.

Enters: the readable rows of a catalogue. Leaves: a `PixelStore` that gives
`(B, size, size, 3)` batches by id. Why: decoding costs more than a small network does; done once, every later
epoch and run reads rows from the page cache.

A store is a folder of `rows` below the cache, one for each (data root, size, fit, decoder version). What changes in
the data changes its id, so only new ids are ever decoded; rows that no catalogue asks for do no harm.
"""

from __future__ import annotations

import hashlib
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from raravis import files, progress
from raravis.data import decode, places
from raravis.data.ahead import ahead
from raravis.data.decode import Fit
from raravis.data.rows import Rows, alone, writing
from raravis.errors import DataError, UsageError


class PixelStore(Rows):
    """Decoded images by id: RGB `uint8` `(size, size, 3)`, 0–255. Only reads; `open_store` writes.

    Attributes:
        size: height and width of every image.
        fit: how images were made square (`squash | pad | crop`).
    """

    def __init__(self, folder: Path, size: int, fit: Fit) -> None:
        super().__init__(folder, (size, size, 3), np.uint8)
        self.size, self.fit = size, fit

    def __reduce__(self) -> tuple[Any, ...]:
        return PixelStore, (self.folder, self.size, self.fit)


def open_store(
    table: pd.DataFrame, root: Path | str, *, size: int = 224, fit: Fit = "squash", quiet: bool = False
) -> PixelStore:
    """Open the store that holds every image of `table`, decoding only those that it does not hold yet.

    Args:
        table: readable rows of a catalogue: `image_id` (64 hex digits), `file_path` relative to `root`.
        root: folder of the data, or its address in a store.
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
    place = root.resolve() if isinstance(root, Path) else root
    home = files.digest(str(place), str(size), fit, str(decode.VERSION))[:16]
    folder = files.cache("pixels", home)
    table = table.drop_duplicates("image_id")
    store = PixelStore(folder, size, fit)
    if not store.lacking(table["image_id"].tolist()).any():
        return store
    with alone(folder, "decoding these images", quiet=quiet):
        store = PixelStore(folder, size, fit)
        todo = table[store.lacking(table["image_id"].tolist())]
        if len(todo):
            _append(store, todo, root, quiet)
    return PixelStore(folder, size, fit)


def _append(store: PixelStore, todo: pd.DataFrame, root: Path | str, quiet: bool) -> None:
    """Decode the images of `todo` and append them; the lock is held."""

    def one(row: tuple[str, str]) -> NDArray[np.uint8]:
        return _decoded(f"{root}/{row[1]}", row[0], store.size, store.fit)

    threads = places.threads(root)
    rows = list(zip(todo["image_id"], todo["file_path"], strict=True))
    with (
        writing(store, len(rows), smaller="choose a smaller size") as writer,
        progress.bar("decoding", len(rows), quiet=quiet, unit="images") as advance,
        closing(ahead(one, rows, window=2 * threads, threads=threads)) as images,
    ):
        for (image_id, _), image in zip(rows, images, strict=True):
            writer.add(image_id, image)
            advance()


def _decoded(path: str, image_id: str, size: int, fit: Fit) -> NDArray[np.uint8]:
    """Decode one file after checking that it is still the one that was catalogued."""
    again = "Call again: the catalogue then looks at the file anew, and the images decoded so far are kept."
    try:
        data = places.read(path)
        if hashlib.sha256(data).hexdigest() != image_id:
            raise DataError(f"{path} has changed since it was catalogued.\n{again}")
        return decode.pixels(data, size, fit)
    except decode.UnreadableImageError as error:
        raise DataError(f"{path} was catalogued as readable, but now: {error}.\n{again}") from error
