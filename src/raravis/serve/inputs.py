"""Which photographs are meant: the PATHs of a user become one list of files, in the order given.

Enters: files, folders, globs, addresses. Leaves: `Given`. Nothing is opened here; whether a file is an image is
found out when it is read, so that one bad file never stops the others.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from raravis.data import places
from raravis.data.decode import SUFFIXES
from raravis.errors import UsageError

_MAGIC = frozenset("*?[")
_PHONES = (".heic", ".heif", ".hif")
_RAWS = (
    *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos", ".mrw", ".nef"),
    *(".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
)
_FILMS = (
    *(".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".webm"),
    ".wmv",
)
_OTHERS = frozenset((*_PHONES, *_RAWS, *_FILMS))
"""Suffixes of what people take for pictures, and raravis does not read, lower case."""


@dataclass(frozen=True)
class Given:
    """The photographs that are meant.

    Attributes:
        files: one entry for every file, in the order given; a file that is meant twice stands twice.
        notes: what a user should know, one sentence each.
        missing: those of `files` that are not there.
    """

    files: tuple[str, ...]
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def expand(paths: Iterable[str | Path]) -> Given:
    """List the files that `paths` mean.

    - A file is itself, whatever it is called, and also if it is not there (it becomes an unreadable row).
    - A folder is every image below it by suffix, sorted, without hidden ones; links are followed, each folder
      once. HEIC, raw files and films are left out, and counted in a note. What lies in `.` has no `./` before it.
    - A glob (`*`, `?`, `[…]`, `**` for any depth) is what the shell would make of it, sorted.
    - An address in a store (`s3://bucket/folder`) is every image below it, or what its globs match.

    Raises:
        UsageError: no file at all is meant, a path that ends with a slash is not there, or there is no such kind of
            store.
        DataError, MissingError: a store does not list what is there, or needs a package.
    """
    found: list[str] = []
    notes: list[str] = []
    missing: list[str] = []
    left, where = Counter[str](), list[str]()
    for path in map(str, paths):
        before, more = len(found), left.total()
        if places.is_address(path):
            found.extend(places.below(path))
            kind = "Nothing was found at {}."
        elif _is_folder(path):
            found.extend(_below(path, notes, left))
            kind = "The folder {} holds no image."
        elif not os.path.lexists(path) and _MAGIC & set(path):
            for match in _matches(path):
                found.extend(_below(match, notes, left) if _is_folder(match) else [match])
            kind = "Nothing matches {}."
        else:
            if _is_missing(path):
                missing.append(path)
                if path.endswith("/"):
                    raise UsageError(f"There is no folder {path!r}.\n{_advice()}")
            found.append(path)
        if len(found) == before:
            notes.append(kind.format(path))
        if left.total() > more:
            where.append(path)
    notes += _left_out(left, where)
    if not found:
        what = " ".join(notes) or "No path was given."
        convert = "Convert them to JPEG, of films single frames. " if left else ""
        raise UsageError(f"{what}\n{convert}{_advice()}")
    return Given(tuple(found), tuple(notes), tuple(missing))


def at_hand(given: Given, out: Path) -> Given:
    """Hand on what is meant, unless it looks like a slip: rows of nothing that is there replace no file that is.

    Args:
        given: where none of it is there, it must be called as images are.
        out: what the rows go to; where none of `given` is there, this must not be there either.

    Raises:
        UsageError: it is a slip.
    """
    gone = given.missing
    if len(gone) < len(given.files) or (all(_suffix(path) in SUFFIXES for path in gone) and not out.exists()):
        return given
    listed = ", ".join(map(repr, gone[:3])) + ", …" * (len(gone) > 3)
    told = (
        f"There is no file or folder {listed}." if len(gone) == 1 else f"None of {len(gone)} paths is there: {listed}."
    )
    raise UsageError(f"{' '.join([*given.notes, told])}\n{_advice()}")


def _advice() -> str:
    return f"Give files, folders or globs of images ({' '.join(sorted(SUFFIXES))})."


def _left_out(left: Counter[str], where: Sequence[str]) -> list[str]:
    """Say, in at most one sentence, how many files of which suffixes were left out of which folders."""
    if not left:
        return []
    folders = where[0] if len(where) == 1 else f"{where[0]} and {len(where) - 1} more"
    listed = ", ".join(f"{suffix} {left[suffix]}" for suffix in sorted(left, key=lambda s: (-left[s], s)))
    if left.total() == 1:
        return [f"1 file of {folders} is no image that raravis reads and was left out: {listed}."]
    return [f"{left.total()} files of {folders} are no images that raravis reads and were left out: {listed}."]


def _below(folder: str, notes: list[str], left: Counter[str]) -> Iterator[str]:
    """Walk a folder in sorted order; a folder that only pretends to be an image is one entry.

    Args:
        folder: where to begin.
        notes: told here, which folders cannot be opened.
        left: counted here, by suffix, what people take for pictures and raravis does not read.
    """
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
        inside: list[tuple[str, bool]] = []
        for entry in entries:
            if entry.name.startswith("."):
                continue
            suffix, down = _suffix(entry.name), _leads_to_folder(entry)
            if down or suffix in SUFFIXES:
                inside.append((entry.name if path in (".", "./") else entry.path, down))
            elif suffix in _OTHERS:
                left[suffix] += 1
        if not inside and _suffix(path) in SUFFIXES:
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


def _is_missing(path: str) -> bool:
    """Whether nothing is there; False where that cannot be told, and for names that no file can have."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        pass
    return False


def _suffix(path: str) -> str:
    """The suffix of a name, lower case."""
    return os.path.splitext(path)[1].lower()  # noqa: PTH122 - four times as fast, of 100,000 names
