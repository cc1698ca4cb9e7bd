"""Which identified photographs a person should look at, how much, and why: what was told enters, items leave.

Each reason has a share of its own, 0 to 1, and the priority joins them as if each alone could make the answer wrong:
1 − Π (1 − share). The shares:

    doubt        1 − the told probability: calibrated, so the share of such answers that are wrong
    unfamiliar   how strange the photograph is, where the verdict says so
    neighbours   half of the share of the nearest training photographs that carry other families, if most of them do
    tie          half of the second family's probability over the first one's, from `TIE` on
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from raravis.reviewing.item import CANDIDATES, Item
from raravis.reviewing.told import Told

TIE: Final = 0.7
"""How near the second family's probability must come to the first one's, as a share of it, to be called a tie."""

LEAST: Final = 0.05
"""Photographs of a lower priority are not worth a look."""


def items(rows: Sequence[Told], near: Mapping[str, Sequence[str]], root: Path) -> list[Item]:
    """Everything that is worth a look, the most needful first; what shows no sign of doubt is left out.

    Args:
        rows: what was told.
        near: name → families of the nearest training photographs; empty where they are not known.
        root: folder that relative paths are relative to.
    """
    found = [item for row in rows if (item := _item(row, near.get(row.name, ()), root)).priority >= LEAST]
    return sorted(found, key=lambda item: (-item.priority, item.name))


def _item(row: Told, near: Sequence[str], root: Path) -> Item:
    first, sure = row.families[0], row.confidences[0]
    shares, reasons = [1 - sure], []
    if row.verdict == "unfamiliar":
        strange = row.novelty if row.novelty is not None else 0.95
        shares.append(strange)
        reasons.append(f"unfamiliar: stranger than {_percent(strange)} of the animals it knows")
    others = Counter(family for family in near if family != first)
    if near and 2 * others.total() > len(near):
        shares.append(_NEIGHBOURS * others.total() / len(near))
        reasons.append(_neighbours(first, others, len(near)))
    if len(row.confidences) > 1 and row.confidences[1] >= TIE * sure:
        shares.append(row.confidences[1] / sure / 2)
        reasons.append(f"near tie: {first} {sure:.2f}, {row.families[1]} {row.confidences[1]:.2f}")
    elif row.verdict == "uncertain" or not reasons:
        reasons.append(f"{'uncertain' if row.verdict == 'uncertain' else 'not sure'}: {first} {sure:.2f}")
    left = 1.0
    for share in shares:
        left *= 1 - share
    candidates = dict(zip(row.families[:CANDIDATES], row.confidences[:CANDIDATES], strict=True))
    for family in others:
        if len(candidates) < CANDIDATES + 1:
            candidates.setdefault(family, 0.0)
    return Item(
        row.file_path,
        root / row.file_path,
        first,
        sure,
        row.verdict,
        "; ".join(reasons),
        1 - left,
        candidates=tuple(candidates.items()),
        box=row.box,
    )


_NEIGHBOURS: Final = 0.5
"""What disagreeing neighbours count for at most: of such answers about as many are wrong."""


def _neighbours(first: str, others: Counter[str], count: int) -> str:
    """What the nearest training photographs carry instead, in words."""
    other, votes = others.most_common(1)[0]
    if others.total() == votes:
        return f"{votes} of its {count} nearest training photographs are {other}, not {first}"
    most = f", {votes} of them {other}" if votes > 1 else ", each another"
    return f"{others.total()} of its {count} nearest training photographs are not {first}{most}"


def _percent(share: float) -> str:
    return "over 99%" if share > 0.99 else f"{share:.0%}"
