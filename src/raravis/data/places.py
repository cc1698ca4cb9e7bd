"""Where photographs lie: files of this machine, and objects in a store that has an address (`s3://bucket/key`).

Enters: a path or an address. Leaves: its bytes, what they are, or what lies below it. Stores are reached through
fsspec, which knows them by the beginning of the address; packages for single stores (s3fs, gcsfs) are named when they
are lacking. A store that does not answer is asked again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from raravis import files
from raravis.data import decode
from raravis.data.ahead import cores
from raravis.data.decode import SUFFIXES, Probe, UnreadableImageError
from raravis.errors import DataError, MissingError, UsageError

PAUSES: Final = (0.5, 2.0, 8.0)
"""Seconds before a store is asked again."""
READERS: Final = 4
"""Threads a core that read from a store: one decodes while others wait for it."""

_ADDRESS: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_PACKAGES: Final = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}
_FINAL: Final = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
"""What asking again does not change."""


@dataclass(frozen=True)
class Tree:
    """What lies below a folder in a store.

    Attributes:
        address: of the folder, as its store writes it, without a slash at its end.
        images: by their paths from there, sorted: bytes (−1 where the store does not tell), and a number that changes
            when the image does.
    """

    address: str
    images: Mapping[str, tuple[int, int]]


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


def probe(path: str) -> Probe:
    """Look at one photograph, wherever it lies; see `decode.probed`."""
    return decode.probed(lambda: read(path))


def threads(place: Path | str) -> int:
    """How many threads read what lies there: one a core, `READERS` a core from a store."""
    return cores() * (READERS if is_address(str(place)) else 1)


def below(address: str) -> list[str]:
    """The addresses of what an address means, sorted: itself, or every image below it, without hidden ones.

    `*`, `?` and `[…]` stand for what they do in a shell, `**` for any depth. An address that ends like an image is
    taken as it is, without asking the store.

    Raises:
        DataError: the store does not list it.
        MissingError: the package for its store is not installed.
        UsageError: there is no such kind of store.
    """
    if not _is_wild(address) and _is_image(address):
        return [address]
    system, name = _system(address)
    return [system.unstrip_protocol(one) for one in _listed(system, name, address)]


def tree(address: str) -> Tree:
    """What lies below a folder in a store: the images that `below` lists.

    Raises:
        DataError: the store does not list it, or there is no image below it.
        MissingError: the package for its store is not installed.
        UsageError: there is no such kind of store, or it is the address of something else than a folder.
    """
    system, name = _system(address)
    found = {} if _is_wild(address) else _listed(system, name, address)
    base = name.strip("/")
    paths = [one.strip("/")[len(base) :].lstrip("/") for one in found]
    if _is_wild(address) or "" in paths:
        raise UsageError(f"{address} is no folder: the address of one with photographs below it was expected.")
    if not paths:
        raise DataError(f"{address} holds no images, or is not there.\nIs the address right?")
    whole = system.unstrip_protocol(next(iter(found)))
    return Tree(whole.removesuffix(f"/{paths[0]}"), dict(zip(paths, map(_stamp, found.values()), strict=True)))


def _listed(system: Any, name: str, address: str) -> dict[str, dict[str, Any]]:
    """The images that an address means, by their names in the store, sorted, with what it tells of each."""
    try:
        system.invalidate_cache()  # a list that an earlier call of this process got
        if _is_wild(address):
            found = {one: what for one, what in system.glob(name, detail=True).items() if what["type"] == "file"}
        else:
            found = system.find(name, detail=True)
    except Exception as error:  # every store has errors of its own
        told = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"Cannot list {address}: {told}.\nIs the address right, and may you read it?") from error
    given = name.strip("/").split("/")
    base = next((number for number, part in enumerate(given) if _is_wild(part)), len(given))
    seen = [one for one in found if not any(part.startswith(".") for part in one.strip("/").split("/")[base:])]
    return {one: found[one] for one in sorted(seen) if _is_image(one)}


def _stamp(what: Mapping[str, Any]) -> tuple[int, int]:
    """Bytes, and a number that differs where a store tells anything else of an image."""
    size = what.get("size")
    return -1 if size is None else size, int(files.digest(repr(sorted(what.items())))[:15], 16)


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


def _is_wild(name: str) -> bool:
    return any(mark in name for mark in "*?[")


def _is_image(name: str) -> bool:
    last = name.rpartition("/")[2]
    return "." in last and f".{last.rpartition('.')[2].lower()}" in SUFFIXES
