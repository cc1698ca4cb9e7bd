"""Which files a source may read: a walk that ends, and paths in tables that stay inside their folder."""

# Paths are strings here: a table may name a million files, and `Path` is ten times slower.
# ruff: noqa: PTH100, PTH116, PTH118, PTH120, PTH122

from __future__ import annotations

import os
import stat
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from raravis.data.decode import SUFFIXES

UNKNOWN: Final = frozenset((".heic", ".heif", ".jp2", ".jxl", ".psd", ".svg", ".dng", ".cr2", ".cr3", ".nef", ".arw"))
"""Suffixes of images that are not read; a note tells how many there are."""

_UNNAMED = "its name is not UTF-8; rename it"
_LEAVES = "the path leaves the folder of the data"


@dataclass(frozen=True)
class Walk:
    """What lies below a folder.

    Attributes:
        images: paths relative to the folder, POSIX, sorted; as the system gave them (see `writable`).
        notes: what was passed over, one sentence each.
    """

    images: tuple[str, ...]
    notes: tuple[str, ...]


def images_below(folder: Path) -> Walk:
    """Find every image file below `folder` by its suffix; hidden names are passed over.

    Links to folders are followed after all real folders were seen, so that a file is listed once and by its
    real place; a folder that was seen, or that holds `folder`, is not entered, so loops end.
    """
    top = os.path.realpath(folder)
    seen = {_mark(parent) for parent in Path(top).parents}
    found: list[str] = []
    passed: Counter[str] = Counter()
    closed = 0
    waiting, links = deque([""]), deque[str]()
    while waiting or links:
        inside = waiting.popleft() if waiting else links.popleft()
        here = os.path.join(top, inside)
        try:
            if (mark := _mark(here)) in seen:
                continue
            seen.add(mark)
            with os.scandir(here) as entries:
                names = sorted((entry.name, _is_folder(entry), entry.is_symlink()) for entry in entries)
        except OSError:
            closed += 1
            continue
        for name, is_folder, is_link in names:
            if name.startswith("."):
                continue
            path = f"{inside}/{name}" if inside else name
            suffix = os.path.splitext(name)[1].lower()
            if is_folder:
                (links if is_link else waiting).append(path)
            elif suffix in SUFFIXES:
                found.append(path)
            elif suffix in UNKNOWN:
                passed[suffix] += 1
    notes = []
    if passed:
        kinds = ", ".join(f"{n} {suffix}" for suffix, n in sorted(passed.items()))
        notes.append(f"Files of formats that are not read were left out: {kinds}.")
    if closed:
        notes.append(f"{closed} folders below {folder} could not be opened and were left out.")
    return Walk(tuple(sorted(found)), tuple(notes))


def located(root: Path, texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """Settle paths that a table names.

    Args:
        root: the folder that they are relative to and must not leave, by `..`, as absolute paths or by links.
        texts: as written in the table.

    Returns:
        for each its normal form relative to `root` (as written if it leaves `root`), and why it must not or
        cannot be read, or "".
    """
    top, real_top = os.path.abspath(root), os.path.realpath(root)
    folders: dict[str, str] = {}
    paths: list[str] = []
    problems: list[str] = []
    for text in texts:
        inside = _inside(top, real_top, text)
        if inside is None:
            paths.append(text)
            problems.append(_LEAVES if text.strip() else "the row names no file")
            continue
        full = os.path.join(top, inside)
        folder = os.path.dirname(full)
        if folder not in folders:
            folders[folder] = os.path.realpath(folder)
        paths.append(inside)
        problems.append(_fault(full, folders[folder], real_top))
    return paths, problems


def nameable(paths: Iterable[str]) -> tuple[list[str], list[str]]:
    """Write paths of a walk as text; say of those that are no UTF-8 that they cannot be read, of others ""."""
    written = {path: writable(path) for path in paths}
    return list(written.values()), ["" if path == text else _UNNAMED for path, text in written.items()]


def writable(name: str) -> str:
    r"""Write a file name as text that any file can hold: bytes that are no UTF-8 become `\xNN`."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raw = name.encode("utf-8", "surrogatepass" if _lone(name) else "surrogateescape")
        return raw.decode("utf-8", "backslashreplace")
    return name


def _lone(name: str) -> bool:
    """Say whether a surrogate stands there that no undecodable byte can have left."""
    return any("\ud800" <= char <= "\udfff" and not "\udc80" <= char <= "\udcff" for char in name)


def _inside(top: str, real_top: str, text: str) -> str | None:
    """Give `text` as a normal path relative to `top`, or None if it is empty or leaves it."""
    if not text.strip() or "\0" in text:
        return None
    full = os.path.normpath(os.path.join(top, text))
    for base in (top, real_top):
        prefix = base.rstrip(os.sep) + os.sep
        if full.startswith(prefix):
            return full[len(prefix) :].replace(os.sep, "/")
    return None


def _fault(full: str, real_folder: str, real_top: str) -> str:
    """Say why the file `full` must not or cannot be read, or "" if nothing speaks against it."""
    try:
        mode, real = os.lstat(full).st_mode, real_folder
        if stat.S_ISLNK(mode):
            real = os.path.realpath(full)
        if not f"{real}{os.sep}".startswith(real_top.rstrip(os.sep) + os.sep):
            return f"{_LEAVES} by a link"
        if not stat.S_ISREG(os.stat(full).st_mode if stat.S_ISLNK(mode) else mode):
            return "is no regular file"
    except (FileNotFoundError, NotADirectoryError):
        return "no such file"
    except OSError as error:
        return f"cannot be opened: {error.strerror or error}"
    except ValueError:
        return "has a name that no file can have"
    return ""


def _mark(path: Path | str) -> tuple[int, int]:
    """Give what tells a folder from all others."""
    status = os.stat(path)
    return status.st_dev, status.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Say whether an entry is a folder or leads to one; a loop of links is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False
