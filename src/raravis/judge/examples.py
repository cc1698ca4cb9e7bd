"""Photographs that make a report plain: what was learned from, what is mistaken for what, and whom to be careful with.

Enter: training images, a few a family, and a table of predictions. Leave: blocks of a report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from raravis import credits, drawing
from raravis.judge import figures
from raravis.judge.figures import Images
from raravis.page import Block, Facts, Picture, Table, Text

A_FAMILY: Final = 2
"""Training images of each family that are enough to show."""
SHOWN: Final = 30
PAIRS: Final = 5
CAREFUL: Final = 0.8
"""Recall or coverage of its sets below which a family is one to be careful with."""
_LISTED: Final = 12
_PICTURED: Final = 5
_ACROSS: Final = 6


@dataclass(frozen=True)
class Examples:
    """What a network learned from.

    Attributes:
        sizes: training images of each family.
        table: some of them, `A_FAMILY` a family at least: `image_id, file_path, family` and `credits.COLUMNS`; empty
            where the training images are not at hand.
        images: gives their pixels.
        groups: family → phylum, for colours.
    """

    sizes: Mapping[str, int]
    table: pd.DataFrame
    images: Images
    groups: Mapping[str, str]

    def of(self, family: str) -> pd.DataFrame:
        """Those of one family, `A_FAMILY` at most."""
        return self.table[self.table["family"] == family].head(A_FAMILY)


@dataclass(frozen=True)
class _Shown:
    """One picture of a grid: its pixels, the words above and below it, and the colour of those above."""

    pixels: np.ndarray[Any, np.dtype[np.uint8]]
    title: str
    told: str
    colour: str


def learned(known: Examples, per_family: Mapping[str, Mapping[str, Any]]) -> Iterator[Block]:
    """What the training data looked like.

    Args:
        known: the training images; of one at least the number is known.
        per_family: `metrics["per_family"]`, for how those with the fewest fared.
    """
    sizes = pd.Series(dict(known.sizes)).sort_values(ascending=False, kind="stable")
    spread = (f"{sizes.median():g}", f"median; {sizes.min()} to {sizes.max()}")
    yield Facts({"Training images": int(sizes.sum()), "Families": len(sizes), "Images a family": spread})
    alt = f"Training images of {len(sizes)} families, from {sizes.max()} down to {sizes.min()}."
    told = "Training images of each family, the largest first; the line is the median."
    yield Picture(drawing.png(figures.sizes(known.sizes, known.groups)), told, alt)
    one_each = known.table.drop_duplicates("family")
    if len(one_each):
        some = one_each.iloc[np.unique(np.linspace(0, len(one_each) - 1, SHOWN).round().astype(int))]
        titles = some["family"].tolist()
        grid = drawing.image_grid(
            known.images(some["image_id"].tolist()), titles, 6, [f"{known.sizes[name]} images" for name in titles]
        )
        which = "of each family" if len(some) == len(one_each) else f"of {len(some)} of the {len(one_each)} families"
        yield Picture(
            drawing.jpeg(grid), f"One training photograph {which}.", f"Training photographs: {', '.join(titles)}."
        )
        yield from credits.blocks(some)
    fewest = sizes.sort_values(kind="stable").head(_LISTED)
    rows = [
        {"family": name, "training images": n, "recall": per_family[name]["recall"], "F1": per_family[name]["f1"]}
        for name, n in zip(map(str, fewest.index), fewest, strict=True)
    ]
    yield Table(pd.DataFrame(rows), "The families with the fewest training images, and how they fared here.")


def confused(
    pairs: pd.DataFrame, shown: pd.DataFrame, images: Images, known: Examples, rights: pd.DataFrame
) -> Iterator[Block]:
    """The most frequent confusions as photographs, beside training images of both families.

    Args:
        pairs: of `confusion.pairs`.
        shown: the table of predictions that they were counted in.
        images: gives its pixels.
        known: what was learned from; nothing is shown where its images are not at hand.
        rights: whose the images of `shown` are: `file_path, family` and `credits.COLUMNS`.
    """
    rows, used = [], []
    for family, other in pairs[["family", "taken for"]].head(PAIRS).itertuples(index=False):
        wrong = shown[(shown["family"] == family) & (shown["predicted"] == other)]
        beside = [*_taught(known, family, drawing.INK), *_taught(known, other, drawing.PALETTE[1])]
        if len(beside) == 2 * A_FAMILY:
            some = _surest(wrong, 2)
            rows.append((f"{family} taken for {other}", [*_missed(some, images, 2), *beside]))
            used += [_rights(some, rights), known.of(family), known.of(other)]
    if rows:
        told = (
            "A confusion a row, the most frequent ones: on the left photographs that were mistaken, then training "
            "photographs of the true family and, in orange, of the one they were taken for. Where you cannot tell them "
            "apart either, no network will."
        )
        yield _picture(rows, told)
        yield from credits.blocks(pd.concat(used))


def careful(
    per_family: Mapping[str, Mapping[str, Any]],
    shown: pd.DataFrame,
    images: Images,
    known: Examples | None,
    rights: pd.DataFrame,
) -> Iterator[Block]:
    """Families that are found, or held by their sets, too seldom.

    Args:
        per_family: `metrics["per_family"]`; `coverage` of the sets may be among it.
        shown: the table of predictions that they were counted in.
        images: gives its pixels.
        known: what was learned from; None where that is not known.
        rights: whose the images of `shown` are: `file_path, family` and `credits.COLUMNS`.
    """
    rows = []
    for name, row in per_family.items():
        if row["support"] and min(row["recall"], _covered(row)) < CAREFUL:
            wrong = shown.loc[(shown["family"] == name) & (shown["predicted"] != name), "predicted"].value_counts()
            taken = ", ".join(f"{other} {n}" for other, n in wrong.head(3).items())
            told = {"family": name, "images here": row["support"], "recall": row["recall"]}
            told |= {"in its set": row["coverage"]} if row.get("coverage") is not None else {}
            told |= {"training images": known.sizes.get(name, 0)} if known else {}
            rows.append({**told, "taken for": taken})
    rows.sort(key=lambda row: (min(row["recall"], row.get("in its set", 1)), row["family"]))
    if not rows:
        yield Text(f"Each family is found, and is in its prediction set, at least {CAREFUL:.0%} of the time.")
        return
    listed = f"; the {_LISTED} worst of {len(rows)}" if len(rows) > _LISTED else ""
    yield Table(
        pd.DataFrame(rows[:_LISTED]),
        f"Found, or in their prediction set, less than {CAREFUL:.0%} of the time{listed}. With few images here, a "
        "figure is a rough guess. Look at every answer that names one of these, or one that they are taken for.",
    )
    pictures: list[tuple[str, list[_Shown]]] = []
    used: list[pd.DataFrame] = []
    for name in (row["family"] for row in rows):
        missed = shown[(shown["family"] == name) & (shown["predicted"] != name)]
        beside = [] if known is None else _taught(known, name, drawing.INK)
        if len(pictures) < _PICTURED and len(missed):
            some = _surest(missed, _ACROSS - len(beside))
            pictures.append((name, [*_missed(some, images, _ACROSS - len(beside)), *beside]))
            used.append(_rights(some, rights))
            used += [] if known is None else [known.of(name)]
    if pictures:
        yield _picture(pictures, "Photographs of the first of them that were mistaken, and what was learned from.")
        yield from credits.blocks(pd.concat(used))


def _covered(row: Mapping[str, Any]) -> float:
    return 1.0 if row.get("coverage") is None else float(row["coverage"])


def _surest(wrong: pd.DataFrame, count: int) -> pd.DataFrame:
    return wrong.sort_values(["confidence", "image_id"], ascending=[False, True]).head(count)


def _rights(some: pd.DataFrame, rights: pd.DataFrame) -> pd.DataFrame:
    return rights[rights["file_path"].isin(some["file_path"])]


def _missed(some: pd.DataFrame, images: Images, count: int) -> list[_Shown]:
    """Mistakes as pictures; empty places where there are fewer than `count`."""
    pixels = images(some["image_id"].tolist())
    rows = zip(pixels, some["family"], some["predicted"], some["confidence"], strict=True)
    found = [_Shown(one, str(name), f"taken for {other} ({sure:.0%})", drawing.INK) for one, name, other, sure in rows]
    return [*found, *[_EMPTY] * (count - len(found))]


def _taught(known: Examples, family: str, colour: str) -> list[_Shown]:
    some = known.of(family)
    return [_Shown(pixels, family, "training", colour) for pixels in known.images(some["image_id"].tolist())]


def _picture(rows: Sequence[tuple[str, Sequence[_Shown]]], told: str) -> Picture:
    flat = [one for _, row in rows for one in row]
    drawn = drawing.image_grid(
        [one.pixels for one in flat],
        [one.title for one in flat],
        len(rows[0][1]),
        [one.told for one in flat],
        [one.colour for one in flat],
        side=168,
    )
    return Picture(drawing.jpeg(drawn), told, f"Photographs: {'; '.join(name for name, _ in rows)}.")


_EMPTY: Final = _Shown(np.full((8, 8, 3), 255, np.uint8), "", "", drawing.INK)
