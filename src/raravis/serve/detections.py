"""Where the animals are: MegaDetector's results (batch output format 1.0 to 1.6) become boxes to look into.

Enters: the JSON file. Leaves: `Detections`, which finds the entry of a photograph and its boxes. Every field that is
used is checked while reading; one that is wrong is one error. What a person or the repeat detection elimination marked
as no animal has a negative confidence there, and is none here. An entry is kept as the bytes of its JSON, a hundred or
so a detection, so that a season of pictures stays small.

https://lila.science/megadetector-output-format
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from raravis.data.boxes import SLACK
from raravis.errors import DataError
from raravis.serve.row import Box, printable

THRESHOLD: Final = 0.2
"""MegaDetector's own usual threshold since version 5."""

_DRIVE: Final = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True)
class Detections:
    """The results of a detector.

    Attributes:
        file: where they were read.
        info: what the file says of itself.
        categories: names of the detector's categories by their ids.
        threshold: an animal of this confidence or more is one.
        entries: JSON of each image, as it stood.
        parts: the path of each, in its parts.
    """

    file: Path
    info: Mapping[str, Any]
    categories: Mapping[str, str]
    threshold: float
    entries: tuple[bytes, ...]
    parts: tuple[tuple[str, ...], ...]

    def entry(self, number: int) -> dict[str, Any]:
        """What the file says of an image."""
        found: dict[str, Any] = json.loads(self.entries[number])
        return found

    def boxes(self, number: int) -> tuple[tuple[Box, ...], str, str]:
        """The animals of an image, in the file's order; why it could not be looked at; what else was seen."""
        entry = self.entry(number)
        if entry.get("failure") or entry.get("detections") is None:
            return (), f"the detector failed: {entry.get('failure') or 'no detections'}", ""
        found = entry["detections"]
        animals = [(n, d) for n, d in enumerate(found) if d["category"] in self._animals and min(d["bbox"][2:]) > 0]
        boxes = [_box(n, d) for n, d in animals if d["conf"] >= self.threshold]
        if boxes:
            return tuple(boxes), "", ""
        others = [
            f"{self.categories.get(d['category'], 'category ' + d['category'])} {d['conf']:.2f}"
            for d in found
            if d["category"] not in self._animals and d["conf"] >= self.threshold
        ]
        surest = max((float(d["conf"]) for _, d in animals if d["conf"] > 0), default=0.0)
        why = f"no animal above {self.threshold:g}" + (f": the surest has {surest:.2f}" if surest else "")
        return (), "", "; ".join([why, *others])

    def find(self, path: str) -> int | None:
        """The entry of a photograph; None if it has none.

        An entry's path is taken relative to the folder of the file first. Else its whole path must be the end of the
        photograph's (absolute paths count from the folder that they share, as they may come from another machine), or
        the photograph's path as given the end of the entry's. The longest one wins.

        Raises:
            DataError: several entries fit.
        """
        own = _parts(os.path.abspath(path))  # noqa: PTH100 - Path.absolute keeps `..`
        base = _parts(str(self.file.absolute().parent))
        inside = own[len(base) :] if own[: len(base)] == base else None
        fitting = self._whole.get(own) or self._whole.get(inside) or []
        for start in range(len(own)):
            fitting = fitting or self._ends.get(own[start:], [])
        if not fitting and own and not os.path.isabs(path):  # noqa: PTH117 - as above
            given = _parts(os.path.normpath(path))
            fitting = [n for n in self._named.get(own[-1], ()) if self.parts[n][-len(given) :] == given]
        if len(fitting) > 1:
            names = " and ".join(repr("/".join(self.parts[n])) for n in fitting[:2])
            raise DataError(
                f"{printable(path)} may be {names} in {self.file}.\n"
                "Give the photographs by a path with more of its folders, or make their names differ."
            )
        return fitting[0] if fitting else None

    @cached_property
    def _animals(self) -> frozenset[str]:
        return frozenset(key for key, name in self.categories.items() if name.strip().casefold() == "animal")

    @cached_property
    def _whole(self) -> Mapping[tuple[str, ...] | None, list[int]]:
        """The entries by their paths."""
        return {parts: [number] for number, parts in enumerate(self.parts)}

    @cached_property
    def _ends(self) -> Mapping[tuple[str, ...], list[int]]:
        """The entries by their paths; absolute ones without the folders that all of them share."""
        absolute = [parts[:-1] for parts in self.parts if _absolute(parts)]
        shared = _alike(min(absolute), max(absolute)) if absolute else 0
        ends: dict[tuple[str, ...], list[int]] = {}
        for number, parts in enumerate(self.parts):
            ends.setdefault(parts[shared:] if _absolute(parts) else parts, []).append(number)
        return ends

    @cached_property
    def _named(self) -> Mapping[str, list[int]]:
        """The entries by their last names."""
        named: dict[str, list[int]] = {}
        for number, parts in enumerate(self.parts):
            named.setdefault(parts[-1], []).append(number)
        return named


def read(file: Path, threshold: float = THRESHOLD) -> Detections:
    """Read a results file of MegaDetector, or of whatever writes its format.

    Args:
        file: the JSON.
        threshold: an animal of this confidence or more is one, 0–1.

    Raises:
        DataError: it cannot be read, is no JSON, of another format, or a field is wrong; the message names it.
    """
    try:
        with file.open("rb") as stream:
            told = json.load(stream)
    except OSError as error:
        raise DataError(f"Cannot read the detections {file}: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{file} is no JSON ({' '.join(str(error).split())[:120]}).\nGive the results file of MegaDetector."
        ) from None
    try:
        info, categories = _head(told)
        parts, entries, seen = [], [], set[tuple[str, ...]]()
        for number, image in enumerate(_asked(told, "images", list, "")):
            where = f"images[{number}]"
            path = _parts(_asked(image, "file", str, where))
            if not path:
                raise ValueError(f"{where}.file is empty")
            if path in seen:
                raise ValueError(f"{where}.file is {image['file']!r}, which stands there twice")
            seen.add(path)
            _check(image, where)
            parts.append(path)
            entries.append(json.dumps(image, separators=(",", ":"), allow_nan=False).encode())
    except ValueError as error:
        raise DataError(
            f"{file} is no results file of MegaDetector: {printable(str(error))}.\n"
            "Format 1.0 to 1.6 was expected, see https://lila.science/megadetector-output-format."
        ) from None
    return Detections(file, info, categories, threshold, tuple(entries), tuple(parts))


def _head(told: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Check the top of the file: what it says of itself, and the names of its categories."""
    if not isinstance(told, dict):
        raise ValueError(f"a JSON object was expected, found {_kind(told)}")
    info = _asked(told, "info", dict, "")
    version = info.get("format_version", "1.0")  # the first files had none
    try:
        known = 1 <= float(version) < 2 and not isinstance(version, bool)
    except (TypeError, ValueError, OverflowError):
        known = False
    if not known:
        raise ValueError(f"info.format_version is {version!r}")
    categories = _asked(told, "detection_categories", dict, "")
    for key, name in categories.items():
        if not isinstance(name, str):
            raise ValueError(f"detection_categories[{key!r}] is {_kind(name)}, text was expected")
    if not any(name.strip().casefold() == "animal" for name in categories.values()):
        raise ValueError("none of its detection_categories is named animal")
    json.dumps(info, allow_nan=False)  # it is to be written again
    return info, categories


def _check(image: dict[str, Any], where: str) -> None:
    """Check what is used of one image."""
    failure, found = image.get("failure"), image.get("detections")
    if failure is not None and not isinstance(failure, str):
        raise ValueError(f"{where}.failure is {_kind(failure)}, text was expected")
    if found is None and ("failure" in image or "detections" in image):
        return
    for number, one in enumerate(_asked(image, "detections", list, where)):
        place = f"{where}.detections[{number}]"
        _asked(one, "category", str, place)
        if not _within(abs(confidence := _asked(one, "conf", int | float, place)), 0.0):
            raise ValueError(f"{place}.conf is {confidence!r}, a number from -1 to 1 was expected")
        sides = _asked(one, "bbox", list, place)
        good = len(sides) == 4 and all(isinstance(s, int | float) and _within(s, SLACK) for s in sides)
        if not good or min(sides[2:]) < 0:
            raise ValueError(f"{place}.bbox is {str(sides)[:80]}; left, top, width, height from 0 to 1 were expected")


def _asked(holder: Any, key: str, kind: Any, where: str) -> Any:
    """A field that must be there, and of a kind.

    Raises:
        ValueError: it is not.
    """
    name = f"{where}.{key}".lstrip(".")
    if not isinstance(holder, dict):
        raise ValueError(f"{where} is {_kind(holder)}, an object was expected")
    if key not in holder:
        raise ValueError(f"{name} is missing")
    value = holder[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"{name} is {_kind(value)}")
    return value


def _within(value: float, slack: float) -> bool:
    return not isinstance(value, bool) and -slack <= value <= 1 + slack


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", int: "a number", float: "a number", bool: "true or false"}
    return names.get(type(value), "null")


def _parts(path: str) -> tuple[str, ...]:
    r"""The parts of a path, with `/` or `\`; an absolute one keeps its root as the first part."""
    path = path.replace("\\", "/")
    found = tuple(part for part in path.split("/") if part not in ("", "."))
    return ("/", *found) if path.startswith("/") and found else found


def _alike(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How many parts two paths share from the first on."""
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _box(number: int, detection: Mapping[str, Any]) -> Box:
    left, top, width, height = map(float, detection["bbox"])
    return Box(number, left, top, width, height, float(detection["conf"]))


def _absolute(parts: tuple[str, ...]) -> bool:
    return parts[0] == "/" or _DRIVE.fullmatch(parts[0]) is not None
