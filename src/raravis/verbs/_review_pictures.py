"""The photographs that answers speak of: which each is, where its bytes are, and the animal that is cut out of it."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from raravis import files
from raravis.data import audit, boxes, decode
from raravis.data.decode import UnreadableImageError
from raravis.reviewing.answers import Answer
from raravis.serve.corrections import Corrections

ADDED: Final = "added"
BOX: Final = "bbox"
"""The column of DATA that says where in its photograph an image was cut out, as `boxes.written` does."""


class Pictures:
    """Photographs of DATA, of files of corrections, and below folders."""

    def __init__(self, ids: Mapping[str, str], paths: Mapping[str, Path], stores: Sequence[Corrections], root: Path):
        """Look nothing up yet.

        Args:
            ids: path as DATA writes it → image id.
            paths: image id → where DATA has it.
            stores: files of corrections.
            root: folder that paths in answers are relative to; else, as DATA may have a use of its own for that, the
                current one.
        """
        self._ids, self._paths, self._folders = ids, paths, (root, Path.cwd())
        self._stores = {one.image_id: (store, one.suffix) for store in stores for one in store.table()}

    def identified(self, answer: Answer) -> Answer:
        """The answer with the id of its photograph; without where there is no such photograph."""
        if answer.image_id:
            return answer
        if (known := self._ids.get(answer.file_path)) is not None:
            return replace(answer, image_id=known)
        return replace(answer, image_id=next((_id(data) for _, data in self._below(answer)), ""))

    def file(self, answer: Answer, out: Path) -> tuple[Path, dict[str, str]] | None:
        """Where that of which an answer speaks lies, and what else a table is to say of it; None if it is not there.

        An animal is cut out into `out`, and a photograph that only a file of corrections holds is written there.

        Raises:
            StorageError: it cannot be written.
        """
        if answer.box is not None:
            return self._cut(answer, out)
        if answer.image_id in self._stores:
            store, suffix = self._stores[answer.image_id]
            return _written(out, f"{answer.image_id}{suffix}", store.image(answer.image_id)), {}
        found = next((path for path, data in self._below(answer) if _id(data) == answer.image_id), None)
        return (found, {}) if found is not None and not decode.probe(found).error else None

    def _cut(self, answer: Answer, out: Path) -> tuple[Path, dict[str, str]] | None:
        assert answer.box is not None
        for data in self._bytes(answer):
            try:
                stream = io.BytesIO()
                boxes.opened(data, answer.box).save(stream, "JPEG", quality=95, subsampling=0)
            except UnreadableImageError:
                continue
            image = stream.getvalue()
            about = {audit.CUT_FROM: answer.image_id, BOX: boxes.written(answer.box)}
            return _written(out, f"{_id(image)}.jpg", image), about
        return None

    def _bytes(self, answer: Answer) -> Iterator[bytes]:
        """Of the photograph, wherever it is."""
        if answer.image_id in self._stores:
            yield self._stores[answer.image_id][0].image(answer.image_id)
        if answer.image_id in self._paths:
            yield from (data for _, data in _read(self._paths[answer.image_id]) if _id(data) == answer.image_id)
        yield from (data for _, data in self._below(answer) if _id(data) == answer.image_id)

    def _below(self, answer: Answer) -> Iterator[tuple[Path, bytes]]:
        """Files by the name that the answer gives."""
        if answer.file_path:
            for folder in self._folders:
                yield from _read(folder / answer.file_path)


def _placed(path: Path) -> Path:
    """A path without `..` and links in its folders, so that paths can be compared."""
    return Path(os.path.realpath(path.parent)) / path.name


def _read(path: Path) -> Iterator[tuple[Path, bytes]]:
    try:
        yield _placed(path), decode.read_bytes(path)
    except UnreadableImageError:
        return


def _id(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _written(out: Path, name: str, data: bytes) -> Path:
    path = files.folder(out / ADDED) / name
    with files.atomic(path) as stream:
        stream.write(data)
    return path
