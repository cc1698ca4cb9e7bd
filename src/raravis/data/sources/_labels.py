"""Labels and paths as every source treats them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from raravis import taxonomy
from raravis.data.decode import SUFFIXES


def merged(table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Give every rank one spelling a name: those that differ by case or blanks become the most frequent one.

    Returns the table with all ranks present and tidy, and a note on what was merged among families.
    """
    changed = table.assign(**{rank: "" for rank in taxonomy.RANKS if rank not in table})
    notes: list[str] = []
    for rank in taxonomy.RANKS:
        tidy = changed[rank].map(taxonomy.tidy)
        counts = tidy.value_counts().rename_axis("name").reset_index(name="n")
        counts["key"] = counts["name"].map(taxonomy.same)
        best = counts.sort_values(["n", "name"], ascending=[False, True]).drop_duplicates("key").set_index("key")
        changed[rank] = tidy.map(taxonomy.same).map(best["name"])
        if rank == "family":
            spelt = changed.assign(raw=table["family"]).groupby("family")["raw"].unique()
            notes = [
                f"Labels that differ by case or blanks are one family, {name!r}: {', '.join(map(repr, sorted(raws)))}."
                for name, raws in spelt.items()
                if len(raws) > 1
            ]
    return changed, tuple(notes)


def images_below(folder: Path) -> list[Path]:
    """Every image file below `folder`, sorted, by suffix; links are followed, loops and hidden names are not."""
    found: list[Path] = []
    seen: set[tuple[int, int]] = set()

    def walk(here: Path) -> None:
        status = here.stat()
        if (status.st_dev, status.st_ino) in seen:
            return
        seen.add((status.st_dev, status.st_ino))
        for entry in sorted(os.scandir(here), key=lambda e: e.name):
            if entry.name.startswith("."):
                continue
            path = here / entry.name
            if entry.is_dir() and os.access(path, os.R_OK | os.X_OK):
                walk(path)
            elif path.suffix.lower() in SUFFIXES:
                found.append(path)

    walk(folder)
    return found


def problem(root: Path, file_path: str) -> str:
    """Why a path in a table must not be read, or ""."""
    if not file_path.strip():
        return "the row names no file"
    path = Path(os.path.normpath(root / file_path))
    if "\0" in file_path or not path.is_relative_to(os.path.normpath(root)):
        return "the path leaves the folder of the data"
    try:
        if not path.resolve().is_relative_to(root.resolve()):
            return "the path leaves the folder of the data by a link"
        if not path.is_file():
            return "no such file"
    except (OSError, RuntimeError):
        return "the path is a loop of links or cannot be followed"
    return ""


def problems(root: Path, file_paths: Iterable[str]) -> list[str]:
    """`problem` of each path."""
    return [problem(root, path) for path in file_paths]


def writable(name: str) -> str:
    """A file name as text that can be written anywhere: bytes that are no UTF-8 are shown as `\\xNN`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
