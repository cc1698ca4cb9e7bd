"""Writing so that a reader never meets half a file, and the folder that caches live in.

Everything raravis leaves on a disk goes through `atomic`: bytes go to a hidden neighbour, reach the disk, and then
take the final name in one step. A kill leaves the old file or the new one. A disk that is full or read-only
becomes one `StorageError`.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from raravis.errors import StorageError

_CAUSES = {
    errno.ENOSPC: "the disk is full; free some space and call again",
    errno.EDQUOT: "your disk quota is used up; free some space and call again",
    errno.EFBIG: "the file would pass the size limit; raise the limit or choose another folder",
    errno.EROFS: "the folder is read-only; choose another --out",
    errno.EACCES: "you may not write there; choose another --out or change its permissions",
    errno.EPERM: "you may not write there; choose another --out or change its permissions",
    errno.ENOTDIR: "a part of the path is a file; choose another --out",
    errno.EEXIST: "a file has that name; choose another --out",
    errno.EIO: "the disk reports an error; choose another folder",
}


@contextmanager
def storage(path: Path) -> Iterator[None]:
    """Turn an operating-system error about writing `path` into one `StorageError`."""
    try:
        yield
    except OSError as error:
        cause = _CAUSES.get(error.errno or 0, error.strerror or str(error))
        raise StorageError(f"Cannot write {path}: {cause}.") from error


def folder(path: Path | str) -> Path:
    """Make the folder `path` with its parents and return it absolute.

    Raises:
        StorageError: it cannot be made or written into.
    """
    path = Path(path).absolute()
    with storage(path):
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "not writable", str(path))
    return path


@contextmanager
def atomic(path: Path) -> Iterator[IO[bytes]]:
    """Open `path` for writing bytes; the name appears, whole, when the block ends without an error.

    Raises:
        StorageError: the disk is full, read-only, or the folder does not exist.
    """
    part = beside(path)
    with storage(path):
        try:
            with part.open("wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Like `atomic`, for libraries that want a path with the right suffix instead of a stream."""
    part = beside(path)
    with storage(path):
        try:
            yield part
            with part.open("rb+") as stream:
                os.fsync(stream.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Make a folder under a hidden name; it takes the place of `path` when the block ends without an error.

    A kill leaves the folder that was there before, or none, and perhaps the hidden one.

    Raises:
        StorageError: it cannot be written.
    """
    import shutil  # needed only here

    part = beside(path)
    with storage(path):
        try:
            part.mkdir(parents=True)
            yield part
            if path.exists():
                old = beside(path)
                path.replace(old)
                part.replace(path)
                shutil.rmtree(old)
            else:
                part.replace(path)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise


def beside(path: Path) -> Path:
    """A hidden, unused name in the folder of `path` that keeps its suffixes (`.weights.h5`)."""
    return path.with_name(f".{uuid.uuid4().hex[:8]}.part{''.join(path.suffixes)}")


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with atomic(path) as stream:
        stream.write(text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON (NaN refused), whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def digest(*parts: str | bytes) -> str:
    """SHA-256 of the parts, each led by its length so that no two lists of parts collide; 64 hex digits."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "big"))
        state.update(data)
    return state.hexdigest()


def cache(*names: str) -> Path:
    """A folder below the cache (`RARAVIS_CACHE`, else the user's cache folder), made if need be."""
    base = os.environ.get("RARAVIS_CACHE")
    if not base:
        import platformdirs  # slow to import, needed only here

        base = platformdirs.user_cache_dir("raravis")
    return folder(Path(base, *names))
