"""a Darwin Core archive: a .zip or folder with meta.xml, such as a GBIF download or an iNaturalist export.

Its core must hold occurrences; their images come from the extension Multimedia (or Audubon media, or Image), else from
the term associatedMedia. `verbatim` tables are passed over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from raravis import taxonomy
from raravis.data.sources import _media, _meta_xml, _rows
from raravis.data.sources._listing import Listing, Request
from raravis.data.sources._media import Medium
from raravis.data.sources._meta_xml import Table
from raravis.data.sources._package import Package
from raravis.errors import DataError

PRIORITY: Final = 60
META: Final = "meta.xml"
MEDIA: Final = ("Multimedia", "Image")
"""Row types of extensions that list media: GBIF's and Audubon Core's `Multimedia`, GBIF's `Image`."""
KEPT: Final = (
    *(
        "scientificName",
        "taxonRank",
        "vernacularName",
        "infraspecificEpithet",
        "occurrenceID",
        "datasetKey",
        "basisOfRecord",
    ),
    *("datasetName", "institutionCode", "collectionCode", "catalogNumber", "recordedBy", "identifiedBy", "eventDate"),
    *("countryCode", "stateProvince", "locality", "decimalLatitude", "decimalLongitude", "sex", "lifeStage"),
)
"""Terms of an occurrence that are kept as columns, beside ranks and rights."""

_OCCURRENCE: Final = frozenset(
    (*taxonomy.RANKS, *KEPT, "specificEpithet", "license", "rights", "rightsHolder", "references", "associatedMedia")
)
_MEDIUM: Final = frozenset(
    (
        *("identifier", "accessURI", "format", "type", "references", "furtherInformationURL", "providerManagedID"),
        *("license", "UsageTerms", "rights", "rightsHolder", "Owner", "creator"),
    )
)
_SPLIT: Final = "|"


def claims(data: str) -> bool:
    """Claim a folder or archive with a `meta.xml`."""
    return META in _rows.peek(data).names


def listing(request: Request, *, quiet: bool = False) -> Listing:
    """List one row for each image of an occurrence; what an occurrence says holds for all of its images.

    The licence is the image's own, else the occurrence's. Sounds and films are left out and counted, and so are
    occurrences without an image.

    Raises:
        UsageError: as `_media.listing`.
        DataError: the archive is damaged, made to harm, has no core of occurrences, or no image.
    """
    with Package(Path(request.data)) as package:
        tables = _meta_xml.read(package.read(META, _meta_xml.MAX_BYTES), package.told(META))
        core = next(table for table in tables if table.core)
        if core.row_type != "Occurrence":
            raise DataError(
                f"The core of {request.data} holds {core.row_type or 'nothing that it names'}.\n"
                "An archive of occurrences was expected, as GBIF and iNaturalist give them."
            )
        extensions = [table for table in tables if not table.core and table.row_type in MEDIA]
        media: list[Medium] = []
        left = {"not images": 0, "bare": 0, "orphans": 0}
        if extensions:
            given: dict[str, list[dict[str, str]]] = {}
            for table in extensions:
                for key, row in _read(package, table, _MEDIUM):
                    given.setdefault(key, []).append(row)
            for key, occurrence in _read(package, core, _OCCURRENCE):
                rows = given.pop(key, [])
                left["bare"] += not rows
                media += _of(key, occurrence, rows, left)
            left["orphans"] = sum(map(len, given.values()))
        else:
            for key, occurrence in _read(package, core, _OCCURRENCE):
                named = [text.strip() for text in occurrence.get("associatedMedia", "").split(_SPLIT) if text.strip()]
                left["bare"] += not named
                media += _of(key, occurrence, [{"identifier": text} for text in named], left)
        return _media.listing(
            "darwin_core", package, media, request, notes=_notes(left), otherwise="scientificName", quiet=quiet
        )


def _read(package: Package, table: Table, wanted: Collection[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Every row of a table: its id, and term → text of the terms that are wanted."""
    terms = [(place, term) for place, term in table.terms.items() if term in wanted]
    for number, row in enumerate(_rows.rows(package, table.location, table.dialect)):
        if number < table.skip:
            continue
        made = dict(table.constant)
        made.update((term, text) for place, term in terms if place < len(row) and (text := row[place].strip()))
        key = row[table.id].strip() if table.id is not None and table.id < len(row) else f"row {number}"
        yield key, made


def _of(key: str, occurrence: Mapping[str, str], rows: list[dict[str, str]], left: dict[str, int]) -> Iterator[Medium]:
    """The images of one occurrence, those that are no images counted."""
    about = occurrence_of(occurrence)
    kept = []
    for row in rows:
        where = row.get("accessURI") or row.get("identifier", "")
        kind = row.get("format") or row.get("type", "")
        if _media.is_image(kind, where) and _media.is_image(row.get("type", ""), where):
            kept.append((where, kind, row))
        else:
            left["not images"] += 1
    for number, (where, kind, row) in enumerate(kept):
        url = _media.is_url(where)
        alone = (key, occurrence.get("catalogNumber", "")) if len(kept) == 1 else ()
        yield Medium(
            id=key if len(kept) == 1 else f"{key}-{number + 1}",
            path="" if url else where,
            url=where if url else "",
            ids=(*alone, f"{key}_{number + 1}", row.get("providerManagedID", "")),
            kind=kind if "/" in kind else "",
            about={
                **about,
                "license": row.get("license") or row.get("UsageTerms") or row.get("rights") or about["license"],
                "rights_holder": row.get("rightsHolder")
                or row.get("Owner")
                or row.get("creator")
                or about["rights_holder"],
                "references": row.get("references") or row.get("furtherInformationURL") or about["references"],
            },
        )


def occurrence_of(row: Mapping[str, str]) -> dict[str, str]:
    """What is kept of an occurrence: ranks, rights, and the terms of `KEPT`."""
    ranks = {rank: row.get(rank, "") for rank in taxonomy.RANKS}
    epithet = row.get("specificEpithet", "")
    if not ranks["species"] and ranks["genus"] and epithet:
        ranks["species"] = f"{ranks['genus']} {epithet}"
    return {
        **ranks,
        **{term: row[term] for term in KEPT if row.get(term)},
        "license": row.get("license") or row.get("rights", ""),
        "rights_holder": row.get("rightsHolder") or row.get("recordedBy") or row.get("institutionCode", ""),
        "references": row.get("references") or row.get("occurrenceID", ""),
    }


def _notes(left: Mapping[str, int]) -> list[str]:
    told = {
        "not images": "{} media are no images (films, sounds); they are left out.",
        "bare": "{} occurrences have no image; they are left out.",
        "orphans": "{} media belong to no occurrence of the archive; they are left out.",
    }
    return [told[kind].format(count) for kind, count in left.items() if count]
