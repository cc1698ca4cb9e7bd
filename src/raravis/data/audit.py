"""What is wrong with the images: a catalogue's table enters, findings and groups of copies leave.

Copies are files of the same bytes (exact) and images that look the same though their bytes differ (near); chains of
copies are one group.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from raravis.data import near
from raravis.data.hashing import BLANK, FLAT, words

Index = NDArray[np.int64]

TINY: Final = 32
"""An image whose shorter side has fewer pixels is tiny."""

KINDS: Final = (
    "unreadable",
    "unlabelled",
    "label_conflict",
    "exact_duplicate",
    "near_duplicate",
    "tiny",
    "blank",
)
COLUMNS: Final = ("file_path", "kind", "group", "detail")

CUT_FROM: Final = "cut_from"
"""The column of DATA that says which photograph an image was cut out of, by its `image_id`; "" for none."""


def groups(table: pd.DataFrame) -> Index:
    """Number the groups of copies, exact and near.

    Args:
        table: rows of a catalogue with `image_id` and `phash`; one without a hash cannot be read and is a copy of
            nothing.

    Returns:
        int64 `(n,)`: equal numbers mark copies of one another; an image without a copy has a number of its own.
    """
    labels = np.arange(len(table), dtype=np.int64)
    if not len(table):
        return labels
    ids, hashes = table["image_id"].to_numpy(str), table["phash"].to_numpy(str)
    known = np.flatnonzero((ids != "") & (hashes != ""))
    seen = np.flatnonzero((hashes != "") & (hashes != BLANK))
    same = _links(known, pd.factorize(ids[known])[0])
    alike = _links(seen, near.groups(words(hashes[seen].tolist())))
    return near.in_order(near.join(labels, [same, alike]))


def together(table: pd.DataFrame) -> Index:
    """Number the groups that no split may part: copies, and what was cut out of one photograph, and that photograph.

    Args:
        table: as for `groups`; `CUT_FROM`, where it is there, tells the `image_id` of the photograph.

    Returns:
        int64 `(n,)`, as `groups` does.
    """
    labels = groups(table)
    if CUT_FROM not in table:
        return labels
    photographs = table[CUT_FROM].where(table[CUT_FROM] != "", table["image_id"]).to_numpy(str)
    known = np.flatnonzero(photographs != "")
    one = _links(known, pd.factorize(photographs[known])[0])
    return near.in_order(near.join(labels, [one]))


def _links(rows: Index, label: Index) -> tuple[Index, Index]:
    """Pairs of rows that join all of one label."""
    order, sizes = rows[np.argsort(label, kind="stable")], np.sort(label, kind="stable")
    pairs = np.flatnonzero(sizes[1:] == sizes[:-1])
    return order[pairs], order[pairs + 1]


def findings(table: pd.DataFrame) -> pd.DataFrame:
    """Everything that a person should look at before training.

    Args:
        table: a catalogue's whole table.

    Returns:
        `file_path, kind, group, detail`, sorted by kind (in the order of `KINDS`), group and path. `group` is −1 where
        a finding speaks of one file alone.
    """
    copies = groups(table)
    rows = [*_single(table), *_copies(table, copies)]
    found = pd.DataFrame(rows, columns=list(COLUMNS))
    found["group"] = found["group"].astype("int64")
    rank = found["kind"].map({kind: i for i, kind in enumerate(KINDS)})
    return found.assign(rank=rank).sort_values(["rank", "group", "file_path"], ignore_index=True).drop(columns="rank")


def _single(table: pd.DataFrame) -> Iterator[tuple[str, str, int, str]]:
    """Findings about one file each."""
    for row in _rows(table[table["status"] == "unreadable"]):
        yield row.file_path, "unreadable", -1, str(row.error)
    for row in _rows(table[table["status"] == "unlabelled"]):
        yield row.file_path, "unlabelled", -1, "no label stands beside it"
    readable = table[table["status"] != "unreadable"]
    for row in _rows(readable[readable[["width", "height"]].min(axis=1) < TINY]):
        yield row.file_path, "tiny", -1, f"{row.width} × {row.height} pixels; the shorter side has fewer than {TINY}"
    for row in _rows(readable[readable["phash"] == BLANK]):
        yield row.file_path, "blank", -1, f"nearly one flat colour: its grey varies by less than {FLAT:g} of 255 levels"


def _copies(table: pd.DataFrame, copies: Index) -> Iterator[tuple[str, str, int, str]]:
    """Findings about groups of copies: each of their files, and each again where their families differ."""
    member = np.bincount(copies, minlength=1)[copies] > 1
    part = table.loc[member, ["file_path", "image_id", "family"]].reset_index(drop=True)
    part["group"] = np.unique(copies[member], return_inverse=True)[1] + 1
    groups = part.groupby("group")
    part["files"] = groups["image_id"].transform("size")
    part["pictures"] = groups["image_id"].transform("nunique")
    part["twins"] = part.groupby(["group", "image_id"])["file_path"].transform("size")
    for row in _rows(part[part["twins"] > 1]):
        yield row.file_path, "exact_duplicate", row.group, f"{row.twins} files have these very bytes"
    for row in _rows(part[part["pictures"] > 1]):
        yield row.file_path, "near_duplicate", row.group, f"{row.files} files show almost the same picture"
    labelled = part[part["family"] != ""]
    disputed = labelled[labelled.groupby("group")["family"].transform("nunique") > 1]
    bears = disputed.groupby("group")["family"].agg(lambda names: ", ".join(sorted(set(names))))
    for row in _rows(disputed):
        yield row.file_path, "label_conflict", row.group, f"{row.family}; in its group stand {bears[row.group]}"


def _rows(table: pd.DataFrame) -> Iterator[Any]:
    return table.itertuples(index=False)
