"""a GBIF download of the kind SIMPLE_CSV (tab-separated, with a column gbifID), beside images named by their ids.

Such a table names no media: an occurrence's image is the file that bears its gbifID, occurrenceID or catalogNumber.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from raravis import taxonomy
from raravis.data.sources import _media, _rows
from raravis.data.sources._listing import Listing, Request
from raravis.data.sources._media import Medium
from raravis.data.sources._package import Package
from raravis.data.sources._paths import images_below
from raravis.data.sources.darwin_core import KEPT, META, occurrence_of
from raravis.errors import DataError, UsageError

PRIORITY: Final = 50
ID: Final = "gbifID"
_WANTED: Final = frozenset(
    (ID, *taxonomy.RANKS, *KEPT, "specificEpithet", "license", "rights", "rightsHolder", "references")
)


def claims(data: str) -> bool:
    """Claim a table, alone or in an archive, with the column `gbifID`."""
    found = _rows.peek(data)
    return ID in found.header and META not in found.names


def listing(request: Request, *, quiet: bool = False) -> Listing:
    """List one row for each occurrence whose image is below `--root`, else beside the table.

    A file may be named `<gbifID>.jpg`, `<gbifID>-2.jpg` or `<gbifID>_2.jpg`, likewise with the occurrenceID or the
    catalogNumber; occurrences without a file are counted.

    Raises:
        UsageError: as `_media.listing`.
        DataError: the table is damaged, or no occurrence has an image.
    """
    with Package(Path(request.data)) as package:
        root = (request.root or package.images(quiet=quiet) or package.folder).absolute()
        if not root.is_dir():
            raise UsageError(f"--root {root} is no folder.\nGive the folder that holds the images.")
        files: dict[str, list[str]] = {}
        for path in images_below(root).images:
            stem = Path(path).stem
            files.setdefault(stem.casefold(), []).append(path)
            head, mark, tail = _parts(stem)
            if mark and tail.isascii() and tail.isdigit() and len(tail) < 4:
                files.setdefault(head.casefold(), []).append(path)
        media, taken, bare = [], set[str](), 0
        dialect = _rows.Dialect(delimiter="\t", quote="")
        for row in _rows.records(package, _rows.peek(request.data).table, _WANTED, dialect):
            names = (row[ID], row.get("occurrenceID", "").rpartition("/")[2], row.get("catalogNumber", ""))
            found = next((files[name.casefold()] for name in names if name and name.casefold() in files), [])
            bare += not found
            about = {**occurrence_of(row), ID: row[ID]}
            about["references"] = row.get("references") or f"https://www.gbif.org/occurrence/{row[ID]}"
            for path in found:
                if path not in taken:
                    media.append(Medium(id=Path(path).stem, path=path, about=about))
                taken.add(path)
        notes = [f"{bare} occurrences have no image below {root}; they are left out."] if bare else []
        if not media:
            raise DataError(
                f"{request.data} names no media, and no image below {root} bears a gbifID of it.\n"
                "Say with --root where images named by gbifID are; or download from GBIF as a Darwin Core archive."
            )
        return _media.listing("gbif_csv", package, media, request, notes=notes, otherwise="scientificName", quiet=quiet)


def _parts(stem: str) -> tuple[str, str, str]:
    """What stands before and behind the last `-` or `_`."""
    return max(stem.rpartition("-"), stem.rpartition("_"), key=lambda parts: len(parts[0]))
