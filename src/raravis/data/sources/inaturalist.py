"""an iNaturalist export of observations: a .csv (or a .zip of it) with the columns id, image_url and those of taxa."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from raravis import taxonomy
from raravis.data.sources import _media, _rows, _tables, table
from raravis.data.sources._listing import Listing, Request
from raravis.data.sources._media import Medium
from raravis.data.sources._package import Package
from raravis.errors import DataError

PRIORITY: Final = 40
_RANK: Final = {f"taxon_{rank}_name": rank for rank in taxonomy.RANKS}
_KEPT: Final = (
    *("scientific_name", "common_name", "iconic_taxon_name", "quality_grade", "observed_on", "place_guess"),
    *("latitude", "longitude", "captive_cultivated", "taxon_id"),
)
_RIGHTS: Final = ("id", "image_url", "license", "url", "user_login", "user_name")
_NAMED: Final = ("scientific_name", "taxon_id", "iconic_taxon_name", "common_name", *_RANK)
PAGE: Final = "https://www.inaturalist.org/observations/"


def claims(data: str) -> bool:
    """Claim a table with `id`, `image_url` and a column of taxa, which names no files itself."""
    header = set(_rows.peek(data).header)
    names_files = any(name.casefold() in _tables.PATHS for name in header)
    return {"id", "image_url"} <= header and not header.isdisjoint(_NAMED) and not names_files


def listing(request: Request, *, quiet: bool = False) -> Listing:
    """List one row for each observation with an image (the export names the first one alone).

    Labels are families where the export has the column `taxon_family_name` (tick it when exporting), else the
    scientific names. The licence that the export states is the observation's; that of its photograph may differ.

    Raises:
        UsageError: as `_media.listing`; with `path_column`, as for any table.
        DataError: the table is damaged, or has no image.
    """
    if request.path_column:
        return table.listing(request, quiet=quiet)
    media, bare = [], 0
    with Package(Path(request.data)) as package:
        for row in _rows.records(package, _rows.peek(request.data).table, {*_RIGHTS, *_KEPT, *_RANK}):
            url = row["image_url"]
            if not _media.is_url(url):
                bare += 1
                continue
            media.append(Medium(row["id"], url=url, ids=(_photo(url),), about=_about(row)))
        if not media:
            raise DataError(f"{request.data} has no observation with an image_url.\nTick image_url when exporting.")
        notes = [f"{bare} observations have no image; they are left out."] if bare else []
        return _media.listing(
            "inaturalist", package, media, request, notes=notes, otherwise="scientific_name", quiet=quiet
        )


def _about(row: dict[str, str]) -> dict[str, str]:
    return {
        **{rank: row.get(column, "") for column, rank in _RANK.items()},
        **{name: row[name] for name in _KEPT if row.get(name)},
        "license": row.get("license", ""),
        "rights_holder": row.get("user_name") or row.get("user_login", ""),
        "references": row.get("url") or f"{PAGE}{row['id']}",
    }


def _photo(url: str) -> str:
    """The number of the photograph in `…/photos/123/medium.jpg`, else ""."""
    parts = _media.urlsplit_path(url).split("/")
    return parts[-2] if len(parts) > 2 and parts[-2].isdigit() else ""
