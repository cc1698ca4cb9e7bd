"""Where photographs lie: files of this machine, and objects in a store that has an address (`s3://bucket/key`).

Enters: a path or an address. Leaves: its bytes, or what lies below it. Stores are reached through fsspec, which knows
them by the beginning of the address; packages for single stores (s3fs, gcsfs) are named when they are lacking. A store
that does not answer is asked again.
"""

from __future__ import annotations

import re
import time
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from raravis.data import decode
from raravis.data.decode import SUFFIXES, UnreadableImageError
from raravis.errors import DataError, MissingError, UsageError

PAUSES: Final = (0.5, 2.0, 8.0)
"""Seconds before a store is asked again."""

_ADDRESS: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_PACKAGES: Final = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}
_FINAL: Final = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
"""What asking again does not change."""


def is_address(path: str) -> bool:
    """Whether a path is the address of something in a store."""
    return _ADDRESS.match(path) is not None


def read(path: str) -> bytes:
    """The bytes of a photograph.

    Raises:
        UnreadableImageError: it is gone, no file, not permitted, empty, too large, or its store does not answer.
        MissingError: the package for its store is not installed.
        UsageError: there is no such kind of store.
    """
    if not is_address(path):
        return decode.read_bytes(Path(path))
    system, name = _system(path)
    for pause in (*PAUSES, None):
        try:
            return _fetched(system, name)
        except UnreadableImageError:
            raise
        except _FINAL as error:
            known = {FileNotFoundError: "no such file", PermissionError: "cannot be opened: permission denied"}
            raise UnreadableImageError(known.get(type(error), "is no regular file")) from None
        except MemoryError:
            raise UnreadableImageError(decode.NO_MEMORY) from None
        except Exception as error:  # every store has errors of its own
            if pause is None:
                told = " ".join(str(error).split())[:200] or type(error).__name__
                raise UnreadableImageError(f"cannot be fetched: {told}") from None
            time.sleep(pause)
    raise AssertionError


def below(address: str) -> list[str]:
    """The addresses of what an address means, sorted: itself, or every image below it, without hidden ones.

    `*`, `?` and `[…]` stand for what they do in a shell, `**` for any depth. An address that ends like an image is
    taken as it is, without asking the store.

    Raises:
        DataError: the store does not list it.
        MissingError: the package for its store is not installed.
        UsageError: there is no such kind of store.
    """
    wild = any(mark in address for mark in "*?[")
    if not wild and _is_image(address):
        return [address]
    system, name = _system(address)
    try:
        if wild:
            found = [one for one, what in system.glob(name, detail=True).items() if what["type"] == "file"]
        else:
            found = system.find(name)
    except Exception as error:  # every store has errors of its own
        told = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"Cannot list {address}: {told}.\nIs the address right, and may you read it?") from error
    given = name.strip("/").split("/")
    base = next((number for number, part in enumerate(given) if set(part) & set("*?[")), len(given))
    seen = [one for one in found if not any(part.startswith(".") for part in one.strip("/").split("/")[base:])]
    return [system.unstrip_protocol(one) for one in sorted(seen) if _is_image(one)]


def _fetched(system: Any, name: str) -> bytes:
    found = system.info(name)
    size = found["size"]
    if found["type"] != "file" or size is None:
        raise UnreadableImageError("is no regular file")
    if size == 0:
        raise UnreadableImageError("is empty (0 bytes)")
    if size > decode.MAX_BYTES:
        raise UnreadableImageError(f"is larger than {decode.MAX_BYTES >> 20} MiB")
    return bytes(system.cat_file(name))


def _system(address: str) -> tuple[Any, str]:
    """The file system of an address, and its name there."""
    kind = address.partition("://")[0].lower()
    package = _PACKAGES.get(kind, "fsspec")
    try:
        found: tuple[Any, str] = import_module("fsspec.core").url_to_fs(address)
    except ImportError as error:
        raise MissingError(
            f"Addresses that begin with {kind}:// need a package that is not installed ({error.name or error}): "
            f"pip install {package}"
        ) from error
    except ValueError as error:
        raise UsageError(f"{address} is of no kind of store that is known: {error}.") from error
    return found


def _is_image(name: str) -> bool:
    last = name.rpartition("/")[2]
    return "." in last and f".{last.rpartition('.')[2].lower()}" in SUFFIXES
