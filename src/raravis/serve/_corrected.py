"""Corrections become a folder that `raravis train` takes as DATA: photographs by family, and `metadata.csv`.

    FOLDER/metadata.csv                      one row a photograph: path, lineage, who, when, which model, what was told
    FOLDER/<phylum>_<family>/<sha256>.jpg    its bytes, as they were given

Photographs are written first, then the table in one step, then those that the table before named and this one does
not are removed: a kill at any moment leaves a table whose files are all there.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from raravis import files
from raravis.errors import StorageError
from raravis.lineages import WIDER, Taxonomy

if TYPE_CHECKING:
    from raravis.serve.corrections import Correction

METADATA: Final = "metadata.csv"
COLUMNS: Final = (
    "file_path",
    *WIDER,
    "image_id",
    "correction",
    "who",
    "time",
    "model",
    "told",
    "file_name",
    "note",
    "also_said",
)
"""`also_said`: other families that people gave the same photograph before, joined with `|`."""

_OWN: Final = re.compile(r"\w[\w-]*/[0-9a-f]{64}\.[a-z]+")


def write(folder: Path, standing: Sequence[Correction], image: Callable[[str], bytes], *, nothing: str) -> Path:
    """Write corrections that stand, at least one, into a folder; return it.

    Args:
        folder: absolute; made if need be. An earlier export there is brought up to date.
        standing: the oldest first; of one photograph the last counts.
        nothing: the family that stands for none: its photographs have no family in the table.
        image: gives the bytes of a photograph by its id.

    Raises:
        StorageError: the folder holds something else, or cannot be written.
    """
    before = _before(folder)
    last = {one.image_id: one for one in standing}
    taxonomy, _ = Taxonomy.of(sorted({one.family for one in last.values()} - {nothing}), {})
    said: dict[str, dict[str, None]] = {}
    for one in standing:
        said.setdefault(one.image_id, {})[one.family] = None
    rows = []
    for one in last.values():
        lineage = taxonomy.lineages.get(one.family, {})
        name = f"{_folder(lineage.get('phylum', ''), one.family)}/{one.image_id}{one.suffix}"
        others = [family for family in said[one.image_id] if family != one.family]
        about = {"image_id": one.image_id, "correction": one.id, "who": one.who, "time": one.time, "model": one.model}
        about |= {"told": one.told, "file_name": one.file_name, "note": one.note, "also_said": "|".join(others)}
        rows.append({"file_path": name, **lineage, **about})
        _place(folder / name, one.image_id, image)
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    files.write_text(folder / METADATA, text.getvalue())
    for name in before - {str(row["file_path"]) for row in rows}:
        _remove(folder, name)
    return folder


def _before(folder: Path) -> set[str]:
    """The files of an earlier export.

    Raises:
        StorageError: the folder holds something else.
    """
    table = folder / METADATA
    with files.storage(folder):
        if not folder.exists() or (folder.is_dir() and not table.exists() and not _strange(folder)):
            return set()
        try:
            with table.open(encoding="utf-8", newline="") as stream:
                rows = csv.DictReader(stream)
                if tuple(rows.fieldnames or ()) == COLUMNS:
                    return {name for row in rows if _OWN.fullmatch(name := row["file_path"] or "")}
        except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError, csv.Error):
            pass
    raise StorageError(f"{folder} holds something else than exported corrections; it was left alone.\nName another.")


def _strange(folder: Path) -> bool:
    """Whether a folder without a table holds more than an export that was cut short can have left."""
    own = (f"{path.parent.name}/{path.name}" for path in folder.glob("*/*"))
    top = [path for path in folder.iterdir() if not path.is_dir() and not path.name.startswith(".")]
    return bool(top) or not all(_OWN.fullmatch(name) or "/." in name for name in own)


def _place(path: Path, image_id: str, image: Callable[[str], bytes]) -> None:
    """Write a photograph, unless it is there already, whole."""
    files.folder(path.parent)
    with files.storage(path):
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == image_id:
            return
    with files.atomic(path) as stream:
        stream.write(image(image_id))


def _remove(folder: Path, name: str) -> None:
    """Remove a photograph of an earlier export, and its folder if that was the last one in it."""
    path = folder / name
    with files.storage(path):
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()


def _folder(phylum: str, family: str) -> str:
    """A folder's name for a family that people may have written in any way; the table says the family itself."""
    name = "_".join(filter(None, (phylum, family)))
    return re.sub(r"[^\w-]+", "-", name).strip("-_")[:60] or "family"
