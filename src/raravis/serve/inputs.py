"""Which photographs are meant: the PATHs of a user become one list of files, in the order given.

Enters: files, folders, globs, addresses. Leaves: `Given`. Nothing is opened here; whether a file is an image is
found out when it is read, so that one bad file never stops the others.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from raravis.data import places
from raravis.data.decode import SUFFIXES
from raravis.errors import UsageError

_MAGIC = frozenset("*?[")


@dataclass(frozen=True)
class Given:
    """The photographs that are meant.

    Attributes:
        files: one entry for every file, in the order given; a file that is meant twice stands twice.
        notes: what a user should know, one sentence each.
    """

    files: tuple[str, ...]
    notes: tuple[str, ...] = ()


def expand(paths: Iterable[str | Path]) -> Given:
    """List the files that `paths` mean.

    - A file is itself, whatever it is called, and also if it is not there (it becomes an unreadable row).
    - A folder is every image below it by suffix, sorted, without hidden ones; links are followed, each folder
      once.
    - A glob (`*`, `?`, `[…]`, `**` for any depth) is what the shell would make of it, sorted.
    - An address in a store (`s3://bucket/folder`) is every image below it, or what its globs match.

    Raises:
        UsageError: no file at all is meant, or there is no such kind of store.
        DataError, MissingError: a store does not list what is there, or needs a package.
    """
    found: list[str] = []
    notes: list[str] = []
    for path in map(str, paths):
        before = len(found)
        if places.is_address(path):
            found.extend(places.below(path))
            kind = "Nothing was found at {}."
        elif _is_folder(path):
            found.extend(_below(path, notes))
            kind = "The folder {} holds no image."
        elif not os.path.lexists(path) and _MAGIC & set(path):
            for match in _matches(path):
                found.extend(_below(match, notes) if _is_folder(match) else [match])
            kind = "Nothing matches {}."
        else:
            found.append(path)
        if len(found) == before:
            notes.append(kind.format(path))
    if not found:
        what = " ".join(notes) or "No path was given."
        suffixes = " ".join(sorted(SUFFIXES))
        raise UsageError(f"{what}\nGive files, folders or globs of images ({suffixes}).")
    return Given(tuple(found), tuple(notes))


def _below(folder: str, notes: list[str]) -> Iterator[str]:
    """Walk a folder in sorted order; a folder that only pretends to be an image is one entry."""
    stack, seen = [(folder, True)], set[tuple[int, int]]()
    while stack:
        path, is_folder = stack.pop()
        if not is_folder:
            yield path
            continue
        try:
            found = Path(path).stat()
            with os.scandir(path) as listing:
                entries = sorted(listing, key=lambda e: e.name)
        except OSError as error:
            notes.append(f"The folder {path} cannot be opened: {error.strerror}.")
            yield path
            continue
        if (found.st_dev, found.st_ino) in seen:
            continue
        seen.add((found.st_dev, found.st_ino))
        inside = [(e.path, _leads_to_folder(e)) for e in entries if not e.name.startswith(".")]
        inside = [(p, down) for p, down in inside if down or _is_image(p)]
        if not inside and _is_image(path):
            yield path
        stack.extend(reversed(inside))


def _matches(pattern: str) -> list[str]:
    """Find what a glob matches, sorted; `**` does not follow links, so a loop of links ends."""
    parts = Path(pattern).parts
    first = next(i for i, part in enumerate(parts) if _MAGIC & set(part))
    rest = parts[first:]
    if rest[-1] == "**":
        rest = (*rest, "*")
    hidden = any(part.startswith(".") for part in rest)
    base = Path(*parts[:first])
    found = sorted(base.glob("/".join(rest)))
    if not hidden:
        found = [f for f in found if not any(part.startswith(".") for part in f.parts[len(base.parts) :])]
    if "**" in rest:
        found = [f for f in found if not f.is_dir()]  # what they hold matches by itself
    return [str(f) for f in found]


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder or a link to one; a link that leads nowhere is none."""
    return entry.is_dir(follow_symlinks=False) or (entry.is_symlink() and _is_folder(entry.path))


def _is_folder(path: str) -> bool:
    """Whether a path leads to a folder; False for names that no file can have."""
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises for names that are too long


def _is_image(path: str) -> bool:
    """Whether a name ends like an image's."""
    return os.path.splitext(path)[1].lower() in SUFFIXES  # noqa: PTH122 - four times as fast, of 100,000 names
