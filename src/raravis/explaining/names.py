"""File names made of other names: any text enters, one that every disk takes, and that nothing else has, leaves."""

from __future__ import annotations

import re

_LONGEST = 48


def distinct(wanted: str, taken: set[str]) -> str:
    """A file name like `wanted` that is not in `taken`, and add it there.

    Letters of any alphabet, digits, `.`, `-` and `_` stay; all else becomes `_`. Names that differ by case alone count
    as one, because some disks cannot tell them apart.
    """
    base = re.sub(r"[^\w.-]+", "_", wanted).strip("._")[:_LONGEST] or "image"
    name, number = base, 1
    while name.casefold() in taken:
        number += 1
        name = f"{base}-{number}"
    taken.add(name.casefold())
    return name
