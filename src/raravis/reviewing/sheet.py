"""Items become what a person answers on: `review.csv`, a table, and `review.html`, a page that stands alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PIL import Image

from raravis import files, page, progress
from raravis.credits import Rights
from raravis.data import boxes, decode
from raravis.data.boxes import Sides
from raravis.data.decode import UnreadableImageError
from raravis.reviewing.item import Item

TABLE: Final = "review.csv"
PAGE: Final = "review.html"
COLUMNS: Final = (
    "file_path",
    "told",
    "confidence",
    "verdict",
    "reason",
    "priority",
    "family",
    "who",
    "note",
    "label",
    "candidates",
    "split",
    "image_id",
    "alike",
    "bbox",
)
"""`family`, `who` and `note` are empty, to be filled in."""

NONE: Final = "-"
"""The answer for a photograph that shows no animal, or is not usable: it is left out of what is learned from."""

SIDE: Final = 480
"""Of the photographs on the page, in pixels."""

WHOLE: Final = 320
"""Of the whole photograph beside an animal that was cut out of it."""

SMALL: Final = 128
"""Of the training photographs beside them."""


@dataclass(frozen=True)
class Beside:
    """A training photograph that is shown beside an item.

    Attributes:
        family: that it is labelled with.
        picture: its bytes, or the file that holds them.
        rights: whose it is.
    """

    family: str
    picture: bytes | Path
    rights: Rights


def write(
    folder: Path,
    items: Sequence[Item],
    *,
    title: str,
    lead: str,
    families: Sequence[str],
    beside: Mapping[str, Sequence[Beside]],
    quiet: bool = False,
) -> None:
    """Write both files.

    Args:
        folder: there already.
        items: in the order in which to look at them; their files were read before.
        title: the page's heading.
        lead: what the reader looks at.
        families: to choose from.
        beside: name of an item → training photographs like it; those that cannot be read are left out.
        quiet: no progress.

    Raises:
        StorageError: they cannot be written.
    """
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(map(_row, items))
    shown: list[dict[str, Any]] = []
    with progress.bar("drawing the page", len(items), quiet=quiet, unit="photographs") as advance:
        for item in items:
            if picture := _picture(item.file, SIDE, item.box):
                shown.append(_shown(item, picture, beside.get(item.name, ())))
            advance()
    key = files.digest(title, *(f"{item.name}\0{item.image_id}" for item in items))[:16]
    html = page.template("review.html.j2").render(title=title, lead=lead, families=families, items=shown, key=key)
    files.write_text(folder / TABLE, text.getvalue())
    files.write_text(folder / PAGE, html)


def _row(item: Item) -> dict[str, Any]:
    own = {name: getattr(item, name) for name in COLUMNS if hasattr(item, name)}
    numbers = {"confidence": f"{item.confidence:.4f}", "priority": f"{item.priority:.4f}"}
    return own | numbers | {"candidates": "|".join(family for family, _ in item.candidates)}


def _shown(item: Item, picture: str, beside: Sequence[Beside]) -> dict[str, Any]:
    """What the template needs of an item."""
    near = [
        {"family": one.family, "picture": small, "rights": one.rights.parts}
        for one in beside
        if (small := _picture(one.picture, SMALL))
    ]
    heading = f"Labelled {item.label}, perhaps {item.told}" if item.label else f"Told {item.told}"
    return {
        "file_path": item.file_path,
        "image_id": item.image_id,
        "told": item.told,
        "label": item.label,
        "heading": heading,
        "reason": f"{item.reason[:1].upper()}{item.reason[1:]}.",
        "split": item.split,
        "alike": item.alike,
        "picture": picture,
        "bbox": item.bbox,
        "box": item.box and [f"{100 * side:.2f}%" for side in item.box],
        "whole": item.box and _picture(item.file, WHOLE),
        "rights": [] if item.rights is None else item.rights.parts,
        "nearest": near,
        "candidates": [(family, f"{share:.0%}" if share >= 0.005 else "") for family, share in item.candidates],
    }


def _picture(file: Path | bytes, side: int, box: Sides | None = None) -> str:
    """A photograph, or an animal in it, at most `side` pixels wide and high, as an address; "" if it cannot be read."""
    try:
        data = file if isinstance(file, bytes) else decode.read_bytes(file)
        image = boxes.opened(data, box, around=boxes.around(side, [box] if box else []))
    except UnreadableImageError:
        return ""
    image.thumbnail((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=80, optimize=True)
    return page.data_uri(stream.getvalue())
