"""Media of archives become a listing: each one's file is looked for, its label chosen, its rights kept.

Enters: what an archive says of each medium. Leaves: a `Listing`. A medium whose file is not at hand is a row that says
so; `raravis fetch` puts it where this file looks for it.
"""

from __future__ import annotations

import mimetypes
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

import pandas as pd

from raravis import files, taxonomy
from raravis.data.decode import SUFFIXES
from raravis.data.sources import _tables
from raravis.data.sources._listing import Listing, Request
from raravis.data.sources._package import Package
from raravis.data.sources._paths import images_below, writable
from raravis.errors import DataError, UsageError, unknown

_URL: Final = re.compile(r"(?i)https?://")
_IMAGE: Final = ("", "image", "stillimage", "still image")


@dataclass(frozen=True)
class Medium:
    """One image of an archive.

    Attributes:
        id: a name for it that the archive gives no other medium.
        path: where the archive says that its file lies: a path, or "".
        url: http(s), or "".
        ids: further names that its file may bear, without a suffix.
        kind: MIME type, or "" where unknown.
        about: the ranks, `license`, `rights_holder`, `references` and whatever else is to be kept.
    """

    id: str
    path: str = ""
    url: str = ""
    ids: tuple[str, ...] = ()
    kind: str = ""
    about: Mapping[str, str] = field(default_factory=dict)


def listing(
    source: str,
    package: Package,
    media: Sequence[Medium],
    request: Request,
    *,
    notes: Iterable[str] = (),
    otherwise: str = "",
    quiet: bool = False,
) -> Listing:
    """Make a listing of media.

    A file is looked for by its path below `--root`; where that was given, or the archive is a folder or holds images
    itself, also by its name and by the medium's ids, where only one file bears them.

    Args:
        source: name of the source.
        package: that the media come from.
        media: at least one.
        request: what the user said; `label_column` may name anything that `about` holds.
        notes: what the source has to tell.
        otherwise: the column that labels where no family is known of any medium.
        quiet: no progress while images are unpacked.

    Raises:
        UsageError: the root is no folder, a path column was named, or the label column is not there.
        DataError: there is no medium, or the archive was made to harm.
    """
    if request.path_column:
        raise UsageError(f"{request.data} says itself where its media are.\nLeave --path-column out.")
    if not media:
        raise DataError(f"{request.data} names no image.\nImages (media) were expected in it: {_told(notes)}")
    unpacked = package.images(quiet=quiet)
    root = (request.root or unpacked or package.folder).absolute()
    if not root.is_dir():
        raise UsageError(f"--root {root} is no folder.\nGive the folder that holds the media.")
    below = bool(request.root or unpacked or package.where.is_dir())
    home = "" if request.root else "media" if unpacked or package.where.is_dir() else f"{package.where.stem}.media"
    paths = _placed(media, root, home, below=below)
    rows = [
        {**medium.about, "media_id": medium.id, "source_url": medium.url, "file_path": path}
        for medium, path in zip(media, paths, strict=True)
    ]
    table = pd.DataFrame(rows, dtype=object).fillna("").map(writable)
    table, more = _labelled(table, request.label_column, otherwise)
    return _tables.listing(source, root, table, (*notes, *more))


def is_image(kind: str, name: str) -> bool:
    """Whether a MIME type, or where it says nothing the suffix of a name, is that of an image that is read."""
    kind = kind.strip().casefold()
    if "/" in kind:
        return kind.startswith("image/")
    if kind not in _IMAGE:
        return False
    suffix = PurePosixPath(urlsplit_path(name)).suffix.lower()
    guessed = mimetypes.types_map.get(suffix, "")
    return suffix in SUFFIXES or not guessed.startswith(("video/", "audio/", "text/", "application/pdf"))


def is_url(text: str) -> bool:
    """Whether a text is an http(s) address."""
    return bool(_URL.match(text))


def urlsplit_path(text: str) -> str:
    """The path of an address, percent signs resolved; any other text as it is."""
    if not is_url(text):
        return text
    try:
        return unquote(urlsplit(text).path)
    except ValueError:
        return ""


def file_name(medium: Medium) -> str:
    """The name under which a medium's file is kept once it was fetched: letters, digits, `.`, `_` and `-` alone."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", medium.id).strip(".-")[-60:].lstrip(".-") or "image"
    mark = files.digest(medium.id, medium.url)[:8]
    suffix = PurePosixPath(urlsplit_path(medium.url)).suffix.lower()
    if suffix not in SUFFIXES:
        suffix = {"image/png": ".png", "image/gif": ".gif", "image/webp": ".webp", "image/tiff": ".tif"}.get(
            medium.kind.casefold(), ".jpg"
        )
    return f"{plain}-{mark}{suffix}"


def _placed(media: Sequence[Medium], root: Path, home: str, *, below: bool) -> list[str]:
    """Where each file is, or where it would be."""
    paths = []
    for medium in media:
        name = file_name(medium)
        paths.append(medium.path if medium.path else f"{home}/{name}" if home else name)
    lost = [place for place, path in enumerate(paths) if not _there(root, path)]
    if not lost or not below:
        return paths
    by_name: dict[str, str] = {}
    by_stem: dict[str, str] = {}
    names, stems = Counter[str](), Counter[str]()
    for path in images_below(root).images:
        own = PurePosixPath(path)
        names[own.name.casefold()] += 1
        stems[own.stem.casefold()] += 1
        by_name[own.name.casefold()], by_stem[own.stem.casefold()] = path, path
    asked = Counter(key for medium in media for key in {*_names(medium), *_stems(medium)})
    for place in lost:
        medium = media[place]
        found = [by_name[key] for key in _names(medium) if names[key] == 1 and asked[key] == 1]
        found += [by_stem[key] for key in _stems(medium) if stems[key] == 1 and asked[key] == 1]
        if found:
            paths[place] = found[0]
    return paths


def _names(medium: Medium) -> list[str]:
    """Names that the medium's file may bear, in the order of their worth."""
    told = (medium.path.replace("\\", "/"), urlsplit_path(medium.url))
    return [file_name(medium).casefold(), *(PurePosixPath(text).name.casefold() for text in told if text)]


def _stems(medium: Medium) -> list[str]:
    return [text.casefold() for text in dict.fromkeys((medium.id, *medium.ids)) if text]


def _there(root: Path, path: str) -> bool:
    try:
        return (root / path).is_file()
    except (OSError, ValueError):
        return False


def _labelled(table: pd.DataFrame, wanted: str | None, otherwise: str) -> tuple[pd.DataFrame, list[str]]:
    """Choose the labels: the column that was named, else the families, else what the source holds them for."""
    table = table.assign(**{rank: "" for rank in taxonomy.RANKS if rank not in table})
    if wanted is not None:
        known = {name.casefold(): name for name in map(str, table.columns)}
        if wanted.casefold() not in known:
            raise UsageError(unknown("column for the label", wanted, map(str, table.columns)))
        name = known[wanted.casefold()]
        if name == "family":
            return table, []
        return table.assign(family=table[name]), [f"Labels come from the column {name!r}; families are not used."]
    if (table["family"] != "").any() or otherwise not in table:
        return table, []
    told = f"No family is known of any image; labels are those of the column {otherwise!r}."
    return table.assign(family=table[otherwise]), [told]


def _told(notes: Iterable[str]) -> str:
    return " ".join(notes) or "it has none."
