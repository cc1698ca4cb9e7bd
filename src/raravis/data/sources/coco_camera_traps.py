"""a COCO Camera Traps file (.json with images, annotations and categories), its images below its folder or --root."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from raravis import taxonomy
from raravis.data.sources import _media, _seen
from raravis.data.sources._listing import Listing, Request
from raravis.data.sources._media import Medium
from raravis.data.sources._package import Package
from raravis.data.sources._paths import writable
from raravis.data.sources.camtrap_dp import DESCRIPTOR
from raravis.errors import DataError

PRIORITY: Final = 35
_PARTS: Final = ("images", "annotations", "categories")
_KEPT: Final = ("location", "seq_id", "frame_num", "datetime", "date_captured")


def claims(data: str) -> bool:
    """Claim any .json file but a `datapackage.json`."""
    path = Path(data)
    return path.suffix.lower() == ".json" and path.name != DESCRIPTOR and path.is_file()


def listing(request: Request, *, quiet: bool = False) -> Listing:
    """List one row for each image. Its label is the family where all categories of animals name one, else its category.

    A category names a family by its own `family`, its name or its `supercategory`. Images that are `empty`, with
    people, of vehicles, and of more than one category are left out and counted; those of no category have no label.
    `file_name` is relative to the file's folder or `--root`, or an http(s) address (else `coco_url` or `url` is one).

    Raises:
        UsageError: as `_media.listing`.
        DataError: the file is no JSON of this kind, or has no image.
    """
    with Package(Path(request.data)) as package:
        name = Path(request.data).name
        told = package.told(name)
        whole = package.json(name)
        images, annotations, categories = (_part(whole, part, told) for part in _PARTS)
        names = _names(categories)
        rights = _rights(whole)
        seen: dict[str, list[str]] = defaultdict(list)
        for one in annotations:
            seen[_text(one.get("image_id"))].append(_text(one.get("category_id")))
        left, plain, found = Counter[str](), set[str](), []
        for number, image in enumerate(images):
            if not isinstance(image.get("file_name"), str) or not image["file_name"].strip():
                raise DataError(f"{told}: image {number} has no file_name.\nThe path of its file was expected there.")
            own = [names[key] for key in dict.fromkeys(seen.get(_text(image.get("id")), ())) if key in names]
            category, out = _seen.verdict([one["name"] for one in own])
            if out:
                left[out] += 1
                continue
            lineage = _lineage(next(one for one in own if one["name"] == category)) if category else {}
            if category and not lineage.get("family"):
                plain.add(category)
            found.append(_medium(image, category, lineage, rights))
        notes = [_seen.LEFT_OUT[kind].format(left[kind]) for kind in _seen.LEFT_OUT if left[kind]]
        if plain and request.label_column is None:
            notes.append(f"{len(plain)} categories name no family (such as {min(plain)!r}).")
            request = replace(request, label_column="category")
        return _media.listing("coco_camera_traps", package, found, request, notes=notes, quiet=quiet)


def _part(whole: Any, part: str, told: str) -> list[dict[str, Any]]:
    """The objects of one part of the file.

    Raises:
        DataError: it is not there, or no list of objects.
    """
    found = whole.get(part) if isinstance(whole, dict) else None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        kind = "what a detector found; give the folder of its images" if _is_detections(whole) else "none"
        raise DataError(
            f"{told} has no list of {part!r}, so it is no COCO Camera Traps file ({kind}).\n"
            f"One object with the lists {', '.join(_PARTS)} was expected."
        )
    return found


def _is_detections(whole: Any) -> bool:
    return isinstance(whole, dict) and "detection_categories" in whole


def _names(categories: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """Each category by its id: its name, and the ranks and supercategory that are given with it."""
    wanted = ("name", "supercategory", "common_name", *taxonomy.RANKS)
    return {
        _text(one.get("id")): {
            "name": "",
            **{key: writable(one[key]) for key in wanted if isinstance(one.get(key), str)},
        }
        for one in categories
    }


def _lineage(category: Mapping[str, str]) -> dict[str, str]:
    """What a category tells of ranks: its own columns first, then its name, then what it is filed under."""
    found = _seen.lineage(category["name"], category)
    above = category.get("supercategory", "")
    return {**_seen.lineage(above), **found} if above and not found.get("family") else found


def _rights(whole: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The licences by id; under "" what holds for all images."""
    info = whole.get("info")
    info = info if isinstance(info, dict) else {}
    listed = whole.get("licenses")
    licences = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    found = {_text(one.get("id")): {"license": _text(one.get("url") or one.get("name"))} for one in licences}
    alone = next(iter(found.values())) if len(found) == 1 else {}
    common = {"rights_holder": _text(info.get("contributor")), "references": _text(info.get("url"))}
    return {**found, "": {"license": "", **common, **alone}}


def _medium(
    image: Mapping[str, Any], category: str, lineage: Mapping[str, str], rights: Mapping[str, Mapping[str, str]]
) -> Medium:
    file = image["file_name"]
    address = next((image[key] for key in ("coco_url", "url") if isinstance(image.get(key), str)), "")
    url = next((text for text in (file, address) if _media.is_url(text)), "")
    licence = _text(image.get("license"))
    own = {**rights[""], **rights.get(licence, {"license": licence} if licence and not licence.isdigit() else {})}
    if holder := _text(image.get("rights_holder")):
        own["rights_holder"] = holder
    return Medium(
        id=_text(image.get("id")) or file,
        path="" if _media.is_url(file) else file,
        url=url,
        about={
            **lineage,
            "category": category,
            **{key: _text(image[key]) for key in _KEPT if image.get(key) is not None},
            **own,
        },
    )


def _text(value: Any) -> str:
    """A word or a number as text; "" for what is neither."""
    if isinstance(value, str):
        return writable(value)
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
