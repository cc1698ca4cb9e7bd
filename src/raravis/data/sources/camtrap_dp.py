"""a Camtrap DP (a .zip or folder with datapackage.json, and tables of deployments, media and observations)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

from raravis import taxonomy
from raravis.data.sources import _media, _rows, _seen
from raravis.data.sources._listing import Listing, Request
from raravis.data.sources._media import Medium
from raravis.data.sources._package import Package
from raravis.data.sources._rows import Dialect
from raravis.data.sources.layout import METADATA
from raravis.errors import DataError

PRIORITY: Final = 55
DESCRIPTOR: Final = "datapackage.json"
_OBSERVED: Final = (
    *("deploymentID", "mediaID", "eventID", "eventStart", "eventEnd", "observationLevel", "observationType"),
    "scientificName",
)
_Table = tuple[list[str], Dialect]
"""Files of a resource, read one after the other, and how they are written."""
_PLACE: Final = ("locationID", "locationName", "latitude", "longitude")


def claims(data: str) -> bool:
    """Claim a folder or archive with a `datapackage.json` and no `metadata.csv`, and such a file itself."""
    if Path(data).name == DESCRIPTOR and Path(data).is_file():
        return True
    names = _rows.peek(data).names
    return DESCRIPTOR in names and METADATA not in names


def listing(request: Request, *, quiet: bool = False) -> Listing:
    """List one row for each image; what it shows is told by its own observations, else by those of its event.

    An event's observations hold for every image of the deployment between its start and its end. Images with people,
    of vehicles, of nothing, and with animals of more than one name are left out and counted; animals that nobody named
    have no label. Films are left out. Files that are not public are not fetched.

    Raises:
        UsageError: as `_media.listing`.
        DataError: a table is missing, damaged or lacks a column, or there is no image.
    """
    where = Path(request.data)
    with Package(where.parent if where.name == DESCRIPTOR and where.is_file() else where) as package:
        about = package.json(DESCRIPTOR)
        tables = _tables(about, package)
        media, films = [], 0
        for row in _needed(package, tables["media"], "mediaID", "deploymentID", "filePath"):
            if _media.is_image(row.get("fileMediatype", ""), row.get("fileName") or row["filePath"]):
                media.append(row)
            else:
                films += 1
        shown = _shown(package, tables["observations"], media)
        places = _places(package, tables.get("deployments"))
        common = _rights(about)
        taxa = _taxa(about)
        left, found = Counter[str](), []
        for row in media:
            name, out = _seen.verdict(shown.get(row["mediaID"], ()))
            if out:
                left[out] += 1
            else:
                known = taxa.get(taxonomy.same(name), {})
                found.append(_medium(row, name, known, {**places.get(row["deploymentID"], {}), **common}))
        notes = [_seen.LEFT_OUT[kind].format(left[kind]) for kind in _seen.LEFT_OUT if left[kind]]
        notes += [f"{films} media are no images (films); they are left out."] if films else []
        return _media.listing(
            "camtrap_dp", package, found, request, notes=notes, otherwise="scientificName", quiet=quiet
        )


def _medium(row: Mapping[str, str], name: str, known: Mapping[str, str], common: Mapping[str, str]) -> Medium:
    path, url = row["filePath"], _media.is_url(row["filePath"])
    public = row.get("filePublic", "").casefold() != "false"
    file = row.get("fileName", "")
    return Medium(
        id=row["mediaID"],
        path="" if url else path,
        url=path if url and public else "",
        ids=(PurePosixPath(file).stem,),
        kind=row.get("fileMediatype", ""),
        about={
            **(_seen.lineage(name, known) if name else {}),
            "scientificName": name,
            "deploymentID": row["deploymentID"],
            "timestamp": row.get("timestamp", ""),
            **common,
        },
    )


def _shown(package: Package, table: _Table, media: list[dict[str, str]]) -> dict[str, set[str]]:
    """The names that stand at each medium, by its id."""
    own: dict[str, set[str]] = defaultdict(set)
    by_event: dict[str, set[str]] = defaultdict(set)
    spans: dict[str, list[tuple[datetime, datetime, str]]] = defaultdict(list)
    for row in _needed(package, table, "deploymentID", "observationType", "scientificName", wanted=_OBSERVED):
        name = row["scientificName"] or row["observationType"]
        name = row["observationType"] if _seen.kind(row["observationType"]) in (_seen.HUMAN, _seen.VEHICLE) else name
        if row.get("mediaID"):
            own[row["mediaID"]].add(name)
            continue
        if row.get("eventID"):
            by_event[row["eventID"]].add(name)
        start, end = _seen.moment(row.get("eventStart", "")), _seen.moment(row.get("eventEnd", ""))
        if start and end:
            spans[row["deploymentID"]].append((start, end, name))
    times: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for row in media:
        if row["mediaID"] in own:
            continue
        if row.get("eventID") in by_event:
            own[row["mediaID"]] |= by_event[row["eventID"]]
        elif (taken := _seen.moment(row.get("timestamp", ""))) and row["deploymentID"] in spans:
            times[row["deploymentID"]].append((taken, row["mediaID"]))
    for deployment, points in times.items():
        for key, names in _seen.covering(points, spans[deployment]).items():
            own[key] |= names
    return own


def _tables(about: Any, package: Package) -> dict[str, _Table]:
    """The resources of a data package that are tables, by name.

    Raises:
        DataError: media or observations are missing.
    """
    found: dict[str, _Table] = {}
    for resource in _list(about, "resources"):
        paths = resource.get("path", []) if isinstance(resource, dict) else []
        paths = [paths] if isinstance(paths, str) else paths
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths) or not paths:
            continue
        dialect = resource.get("dialect")
        mark = dialect.get("delimiter", "") if isinstance(dialect, dict) else ""
        encoding = str(resource.get("encoding", "utf-8")).lower().replace("_", "-")
        codec = "utf-8-sig" if encoding in ("utf-8", "utf8") else encoding[:40]
        mark = mark if isinstance(mark, str) and len(mark) == 1 and mark not in '\r\n"' else ""
        found[str(resource.get("name"))] = (paths, Dialect(codec, mark))
    for name in ("media", "observations"):
        if name not in found:
            raise DataError(
                f"{package.told(DESCRIPTOR)} has no resource {name!r}.\n"
                "A Camtrap DP was expected, with the tables deployments, media and observations."
            )
    return found


def _needed(package: Package, table: _Table, *needed: str, wanted: tuple[str, ...] = ()) -> Iterator[dict[str, str]]:
    """Rows of a table that has all columns that are needed."""
    paths, dialect = table
    for path in paths:
        columns = _rows.columns(package, path, dialect)
        if missing := [column for column in needed if column not in columns]:
            raise DataError(
                f"{package.told(path)} has no column {missing[0]!r}.\nA table of Camtrap DP 1.0 was expected."
            )
        yield from _rows.records(package, path, wanted, dialect)


def _places(package: Package, table: _Table | None) -> dict[str, dict[str, str]]:
    """Where each camera stood."""
    if table is None or not all(package.has(path) for path in table[0]):
        return {}
    rows = _needed(package, table, "deploymentID")
    return {row["deploymentID"]: {name: row[name] for name in _PLACE if row.get(name)} for row in rows}


def _taxa(about: Any) -> dict[str, dict[str, str]]:
    """What the package says of each scientific name: rank → name."""
    found = {}
    for taxon in _list(about, "taxonomic"):
        if isinstance(taxon, dict) and isinstance(name := taxon.get("scientificName"), str):
            own = {rank: taxon[rank] for rank in taxonomy.RANKS if isinstance(taxon.get(rank), str)}
            if taxon.get("taxonRank") in taxonomy.RANKS:
                own.setdefault(taxon["taxonRank"], name)
            found[taxonomy.same(name)] = own
    return found


def _rights(about: Any) -> dict[str, str]:
    """The licence of the media, who holds the rights, and the page of the package."""
    licences = [one for one in _list(about, "licenses") if isinstance(one, dict)]
    media = [one for one in licences if one.get("scope") == "media"]
    names = [str(one.get("name") or one.get("path") or one.get("title") or "") for one in media]
    people = [one for one in _list(about, "contributors") if isinstance(one, dict)]
    holders = [str(one.get("title", "")) for one in people if one.get("role") == "rightsHolder"]
    pages = [about.get(name) for name in ("homepage", "id")] if isinstance(about, dict) else []
    return {
        "license": next(filter(None, names), ""),
        "rights_holder": ", ".join(dict.fromkeys(filter(None, holders))),
        "references": next((page for page in pages if isinstance(page, str) and _media.is_url(page)), ""),
    }


def _list(about: Any, name: str) -> list[Any]:
    found = about.get(name) if isinstance(about, dict) else None
    return found if isinstance(found, list) else []
