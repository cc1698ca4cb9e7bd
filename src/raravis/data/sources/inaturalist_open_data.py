"""the iNaturalist open data: a folder with photos.csv, observations.csv and taxa.csv (tab-separated; .gz too)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from raravis import taxonomy
from raravis.data.sources import _media, _rows
from raravis.data.sources._listing import Listing, Request
from raravis.data.sources._media import Medium
from raravis.data.sources._package import Package
from raravis.data.sources._rows import Dialect
from raravis.errors import DataError

PRIORITY: Final = 45
TABLES: Final = ("photos", "observations", "taxa")
PHOTOS: Final = "https://inaturalist-open-data.s3.amazonaws.com/photos/"
"""Where the photographs are published; `<photo_id>/original.<extension>` follows."""

_DIALECT: Final = Dialect(delimiter="\t", quote="")
_OBSERVATION: Final = ("taxon_id", "quality_grade", "observed_on", "latitude", "longitude", "observer_id")


def claims(data: str) -> bool:
    """Claim a folder or archive with the three tables."""
    names = _rows.peek(data).names
    return all(_found(names, table) for table in TABLES)


def listing(request: Request, *, quiet: bool = False) -> Listing:
    """List one row for each photograph, with its observation's taxon and its own licence.

    Cut the tables to what you want first: all of them is hundreds of millions of rows.

    Raises:
        UsageError: as `_media.listing`.
        DataError: a table is damaged or lacks a column, or there is no photograph.
    """
    with Package(Path(request.data)) as package:
        names = frozenset(package.names())
        needed = ("photo_id", "observation_uuid", "extension", "license")
        photos = list(_table(package, _found(names, "photos"), *needed))
        wanted = {row["observation_uuid"] for row in photos}
        observations = {
            row["observation_uuid"]: row
            for row in _table(package, _found(names, "observations"), "observation_uuid", *_OBSERVATION)
            if row["observation_uuid"] in wanted
        }
        taxa = _taxa(package, _found(names, "taxa"))
        people = _found(names, "observers")
        observers = (
            {
                row["observer_id"]: row.get("name") or row["login"]
                for row in _table(package, people, "observer_id", "login")
            }
            if people
            else {}
        )
        media, orphans = [], 0
        for row in photos:
            own = observations.get(row["observation_uuid"])
            if own is None:
                orphans += 1
                continue
            person = observers.get(row.get("observer_id") or own["observer_id"], "")
            media.append(_medium(row, own, taxa.get(own["taxon_id"], {}), person))
        notes = [f"{orphans} photographs belong to no observation in the tables; they are left out."] if orphans else []
        return _media.listing(
            "inaturalist_open_data", package, media, request, notes=notes, otherwise="scientific_name", quiet=quiet
        )


def _medium(photo: Mapping[str, str], own: Mapping[str, str], taxon: Mapping[str, str], person: str) -> Medium:
    number = photo["photo_id"]
    return Medium(
        id=number,
        url=f"{PHOTOS}{number}/original.{photo['extension']}",
        ids=(photo.get("photo_uuid", ""),),
        about={
            **taxon,
            **{name: own[name] for name in _OBSERVATION},
            "observation_uuid": own["observation_uuid"],
            "license": photo["license"],
            "rights_holder": person,
            "references": f"https://www.inaturalist.org/photos/{number}",
        },
    )


def _taxa(package: Package, name: str) -> dict[str, dict[str, str]]:
    """Each taxon's lineage, by its id: `ancestry` is a path of ids such as `48460/1/2`."""
    known = {row["taxon_id"]: row for row in _table(package, name, "taxon_id", "ancestry", "rank", "name")}
    made = {}
    for key, row in known.items():
        lineage = {"scientific_name": row["name"]}
        for place in (*row["ancestry"].split("/")[:64], key):
            other = known.get(place, {})
            if other.get("rank") in taxonomy.RANKS:
                lineage[other["rank"]] = other["name"]
        made[key] = lineage
    return made


def _table(package: Package, name: str, *needed: str) -> Iterator[dict[str, str]]:
    """Rows of a table that has all columns that are needed."""
    columns = _rows.columns(package, name, _DIALECT)
    if missing := [column for column in needed if column not in columns]:
        raise DataError(f"{package.told(name)} has no column {missing[0]!r}.\nThe open data as published was expected.")
    return _rows.records(package, name, (), _DIALECT)


def _found(names: frozenset[str], table: str) -> str:
    """The file of a table, packed or not; "" if there is none."""
    return next((name for name in (f"{table}.csv", f"{table}.csv.gz") if name in names), "")
