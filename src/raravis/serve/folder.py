"""The bundle folder: the only file that knows its file names, and the door through which its bytes enter.

    BUNDLE/  bundle.json                     what it is, and the digest of every other file; written last
             model.onnx  [model.int8.onnx]   the network, its preprocessing inside
             [trust.npz]  [neighbours.npz]   how far to believe it; training photographs as features
             [thumbnails.bin]                the same photographs as JPEG, one behind the other
             [model.tflite]  card.md         for phones; for people

A bundle may come from a stranger. Files are opened by the names above and by no name that stands in the bundle, are
bounded in size, and the bytes that are used are bytes whose digest was checked: a file is checked anew when it is read.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from raravis.errors import BundleError

ABOUT: Final = "bundle.json"
MODEL: Final = "model.onnx"
INT8: Final = "model.int8.onnx"
TRUST: Final = "trust.npz"
NEIGHBOURS: Final = "neighbours.npz"
THUMBNAILS: Final = "thumbnails.bin"
LITERT: Final = "model.tflite"
CARD: Final = "card.md"

FORMAT: Final = "raravis bundle"
VERSION: Final = 2

LARGEST: Final[Mapping[str, int]] = {
    ABOUT: 16 << 20,
    MODEL: (2 << 30) - 1,
    INT8: (2 << 30) - 1,
    TRUST: 1 << 30,
    NEIGHBOURS: 1 << 30,
    THUMBNAILS: 4 << 30,
    LITERT: (2 << 30) - 1,
    CARD: 1 << 20,
}
"""Bytes that a file may have."""

MOST_FAMILIES: Final = 100_000
SIDES: Final = range(8, 4097)
"""Of the images, in pixels."""
_LONGEST: Final = 200
_AGAIN: Final = "Fetch it again, or export it anew with `raravis export`."


@dataclass(frozen=True)
class Folder:
    """A bundle folder whose `bundle.json` was read and makes sense.

    Attributes:
        path: absolute.
        about: what `bundle.json` holds.
        digest: SHA-256 of it: the name of this model.
        families: sorted.
        size: side of the images, in pixels.
        fit: how they are made square.
    """

    path: Path
    about: Mapping[str, Any]
    digest: str
    families: tuple[str, ...]
    size: int
    fit: str

    @classmethod
    def open(cls, path: Path | str) -> Folder:
        """Read and check `bundle.json`.

        Raises:
            BundleError: the folder is no bundle, or its `bundle.json` is damaged or beyond bounds.
        """
        path = Path(path).absolute()
        if not is_bundle(path):
            raise missing(path, "a folder that `raravis export --out` made")
        content = _bytes(path / ABOUT)
        try:
            about = json.loads(content, parse_constant=_refused)
            families, size, fit = _checked(about)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            told = f"it lacks {error}" if isinstance(error, KeyError) else str(error)[:200]
            raise BundleError(f"{path / ABOUT} is damaged: {told}.\n{_AGAIN}") from None
        return cls(path, about, hashlib.sha256(content).hexdigest(), families, size, fit)

    def holds(self, name: str) -> bool:
        """Whether the bundle has a file of this name."""
        return name in self.about["digests"]

    def read(self, name: str) -> bytes:
        """The bytes of a file, which are those that `bundle.json` speaks of.

        Raises:
            BundleError: the file is missing, too large, or not the one that was exported.
        """
        if not self.holds(name):
            raise BundleError(f"{self.path} has no {name}.\n{_AGAIN}")
        content = _bytes(self.path / name)
        self._same(name, len(content), hashlib.sha256(content).hexdigest())
        return content

    def check(self, *, but: Collection[str] = ()) -> None:
        """See that every file is the one that `bundle.json` speaks of; none is held in memory.

        Args:
            but: files that are left out: they are checked when they are read.

        Raises:
            BundleError: as `read`, of the first file that is wrong.
        """
        for name in self.about["digests"]:
            if name not in but:
                with _opened(self.path / name) as stream:
                    count = os.fstat(stream.fileno()).st_size
                    self._same(name, count, hashlib.file_digest(stream, "sha256").hexdigest())

    def part(self, *names: str) -> dict[str, bytes]:
        """A bundle of those of its files alone that are named, as bytes by name: its `bundle.json` speaks of no others.

        Raises:
            BundleError: as `read`.
        """
        held = {name: self.read(name) for name in names if self.holds(name)}
        about = {**self.about, "digests": {name: self.about["digests"][name] for name in held}}
        return {ABOUT: json.dumps(about).encode(), **held}

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """The arrays of an `.npz` file; nothing in it is executed, and it does not grow when opened.

        Raises:
            BundleError: as `read`, or it holds something else than plain arrays.
        """
        content = self.read(name)
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                entries = packed.infolist()
            if any(one.compress_type != zipfile.ZIP_STORED for one in entries):
                raise ValueError("it is compressed")
            if sum(one.file_size for one in entries) > len(content):
                raise ValueError("it says to hold more than it has")
            with np.load(io.BytesIO(content), allow_pickle=False) as held:
                return {key: held[key] for key in held.files}
        except Exception as error:  # zipfile and NumPy raise many kinds for one fault: a damaged file
            raise self.damaged(name, error) from None

    def _same(self, name: str, count: int, digest: str) -> None:
        """Hold bytes and SHA-256 of a file against those that `bundle.json` tells."""
        told = self.about["digests"][name]
        if count != told["bytes"]:
            raise BundleError(
                f"{self.path / name} has {count:,} bytes, {told['bytes']:,} were expected: it is cut short or changed."
                f"\n{_AGAIN}"
            )
        if digest != told["sha256"]:
            raise BundleError(f"{self.path / name} was changed: it has another SHA-256 than {ABOUT} says.\n{_AGAIN}")

    def damaged(self, name: str, error: BaseException) -> BundleError:
        """The error of a file that is what was exported, and makes no sense all the same."""
        told = " ".join(str(error).split())[:200] or type(error).__name__
        return BundleError(f"{self.path / name} cannot be used: {told}.\n{_AGAIN}")


def entry(file: Path) -> dict[str, Any]:
    """What `bundle.json` says of a file: its bytes and their SHA-256."""
    with file.open("rb") as stream:
        return {"bytes": file.stat().st_size, "sha256": hashlib.file_digest(stream, "sha256").hexdigest()}


def is_bundle(path: Path | str) -> bool:
    """Whether the folder holds a bundle."""
    return (Path(path) / ABOUT).is_file()


def missing(path: Path | str, expected: str, *, kinds: str = "bundle") -> BundleError:
    """The error of a path that leads to no bundle.

    Args:
        path: where none is.
        expected: what should be there.
        kinds: what a folder may lack, such as `run and no bundle`.
    """
    path = Path(path).absolute()
    if path.is_dir():
        if (path / MODEL).is_file():
            return BundleError(f"{path} is an incomplete bundle: it holds {MODEL}, but no {ABOUT}.\n{_AGAIN}")
        return BundleError(f"{path} holds no {kinds} (no {ABOUT}); {expected} was expected.")
    if path.exists():
        return BundleError(
            f"{path} is a file; {expected} was expected.\nGive the folder that it lies in or unpacks to."
        )
    return BundleError(f"{path} is not there; {expected} was expected.")


def _bytes(file: Path) -> bytes:
    """A regular file, whole, if it is not too large."""
    with _opened(file) as stream:
        content = stream.read(LARGEST[file.name] + 1)
        if len(content) > LARGEST[file.name]:  # it has grown since
            raise _too_large(file)
        return content


@contextmanager
def _opened(file: Path) -> Iterator[io.BufferedReader]:
    """A regular file that is not too large; what goes wrong while it is read is one error."""
    try:
        found = file.stat()
        if not stat.S_ISREG(found.st_mode):
            raise BundleError(f"{file} is no regular file.\n{_AGAIN}")
        if found.st_size > LARGEST[file.name]:
            raise _too_large(file)
        with file.open("rb") as stream:
            yield stream
    except (OSError, MemoryError) as error:
        raise BundleError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.\n{_AGAIN}") from None


def _too_large(file: Path) -> BundleError:
    return BundleError(f"{file} has more than the {LARGEST[file.name]:,} bytes that such a file may have.\n{_AGAIN}")


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _checked(about: Any) -> tuple[tuple[str, ...], int, str]:
    """Families, size and fit of what `bundle.json` holds; ValueError, KeyError or TypeError where it makes no sense."""
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise ValueError(f"it is no {FORMAT}")
    if about["version"] != VERSION:
        raise ValueError(f"it is of version {about['version']!r}, this raravis reads version {VERSION}")
    families = _families(about["families"])
    image = about["preprocessing"]
    if type(image["size"]) is not int or image["size"] not in SIDES:
        raise ValueError(f"a size of {image['size']!r} pixels; {SIDES[0]} to {SIDES[-1]} were expected")
    if image["fit"] not in ("squash", "pad", "crop"):
        raise ValueError(f"the fit {image['fit']!r}; squash, pad or crop was expected")
    files = about["digests"]
    for name, told in files.items():
        if name not in LARGEST or name == ABOUT:
            raise ValueError(f"it speaks of a file {name[:_LONGEST]!r}, which no bundle has")
        if type(told["bytes"]) is not int or not isinstance(told["sha256"], str):
            raise ValueError(f"bytes and SHA-256 of {name} were expected")
    if MODEL not in files:
        raise ValueError(f"it has no {MODEL}")
    for table in ("taxonomy", "outputs"):
        if not isinstance(about[table], list if table == "taxonomy" else dict):
            raise ValueError(f"its {table} is of another kind than expected")
    return families, image["size"], image["fit"]


def _families(names: Sequence[Any]) -> tuple[str, ...]:
    if not isinstance(names, list) or not 1 <= len(names) <= MOST_FAMILIES:
        raise ValueError(f"a list of 1 to {MOST_FAMILIES:,} families was expected")
    if strange := [n for n in names if not isinstance(n, str) or not 0 < len(n) <= _LONGEST or not n.isprintable()]:
        raise ValueError(f"{str(strange[0])[:40]!r} is no name of a family")
    if names != sorted(set(names)):
        raise ValueError("its families are not sorted, or one stands there twice")
    return tuple(names)
