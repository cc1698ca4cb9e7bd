"""Who learns, who chooses, who judges: images enter with their families, sides leave.

Images that are copies of one another stay on one side. What is drawn by lot is drawn by hashing the seed with the
identity of an image, a species or a family, so that the same images give the same split on every machine and in
whatever order they come.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from raravis import files
from raravis.errors import DataError, UsageError

POLICIES: Final = ("stratified", "held-out-species", "held-out-families")
SIDES: Final = ("train", "val", "test", "novel")
COLUMNS: Final = ("image_id", "file_path", "family", "split")
SPECIES: Final = ("group", "species", "eol_page_id")
"""Columns that may tell species apart, in the order in which they are tried."""
NOVEL_SHARE: Final = 0.15
"""Share of the families that `held-out-families` holds out."""

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Sides for images.

    Attributes:
        table: `image_id, file_path, family, split`, one row a file, sorted by identity and path.
        policy: how the sides were drawn.
        fractions: the shares of train, val and test that were asked for.
        seed: of the lot.
        notes: what the user should know, one sentence each.
    """

    table: pd.DataFrame
    policy: str
    fractions: tuple[float, float, float]
    seed: int
    notes: tuple[str, ...]

    @property
    def digest(self) -> str:
        """See `digest`."""
        return digest(self.table)


def assign(
    table: pd.DataFrame,
    groups: Codes,
    *,
    policy: str = "stratified",
    fractions: Sequence[float] = (0.7, 0.15, 0.15),
    seed: int = 0,
) -> Split:
    """Give every image a side.

    `stratified` divides each family by the fractions. `held-out-species` gives whole species of a family to one
    side, so that val and test ask for species never seen; a family of one species goes to train. `held-out-families`
    gives whole families to `novel` and divides the rest.

    Args:
        table: readable rows of a catalogue: `image_id, file_path, family`, and what the policy needs.
        groups: int64 `(n,)`, equal non-negative numbers for images that are copies of one another; −1 for none.
        policy: one of the three.
        fractions: of train, val and test; they sum to 1, and train is not 0.
        seed: of the lot.

    Raises:
        UsageError: an unknown policy or fractions that are none.
        DataError: fewer than two families, or nothing that tells species apart.
    """
    shares = _shares(fractions)
    if policy not in POLICIES:
        raise UsageError(f"--policy {policy!r} was not understood; one of {', '.join(POLICIES)} was expected.")
    if (count := table["family"].nunique()) < 2:
        raise DataError(f"The data has {count} family; two or more are needed to tell them apart.")
    units = _units(table["image_id"], groups)
    if policy == "stratified":
        sides, notes = _stratified(table, units, shares, seed)
    elif policy == "held-out-species":
        sides, notes = _held_out_species(table, units, shares, seed)
    else:
        sides, notes = _held_out_families(table, units, shares, seed)
    made = table[["image_id", "file_path", "family"]].assign(split=np.asarray(SIDES, object)[sides])
    made = made.sort_values(["image_id", "file_path"], kind="stable", ignore_index=True)
    return Split(made, policy, shares, seed, tuple(notes))


def digest(table: pd.DataFrame) -> str:
    """SHA-256 over the sorted pairs of image and side: what a result names as its split."""
    pairs = table.drop_duplicates("image_id").sort_values("image_id")
    return files.digest("\n".join((pairs["image_id"].astype(str) + "," + pairs["split"].astype(str)).tolist()))


def write(split: Split, path: Path) -> None:
    """Write `split.csv`, whole or not at all."""
    files.write_text(path, text(split.table))


def text(table: pd.DataFrame) -> str:
    """The text of `split.csv`."""
    return table[list(COLUMNS)].to_csv(index=False, lineterminator="\n")


def read(path: Path) -> pd.DataFrame:
    """Read and check a `split.csv`.

    Raises:
        UsageError: the file is not there.
        DataError: it is no split: columns are missing, a side is unknown, or an image stands on two sides.
    """
    if not path.is_file():
        raise UsageError(f"The split file {path} is not there.\nMake one with `raravis split DATA --out split.csv`.")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no CSV that can be read: {error}") from error
    if missing := [name for name in COLUMNS if name not in table]:
        raise DataError(f"{path} lacks the columns {', '.join(missing)}.\nA split has {', '.join(COLUMNS)}.")
    if strange := sorted(set(table["split"]) - set(SIDES)):
        raise DataError(f"{path} has sides {strange[:3]}; only {', '.join(SIDES)} were expected.")
    if (both := table.groupby("image_id")["split"].nunique() > 1).any():
        raise DataError(f"{path}: image {both.idxmax()} stands on two sides; give each image one.")
    return table[list(COLUMNS)]


def leaks(table: pd.DataFrame, groups: Codes) -> int:
    """How many groups of copies stand on more than one side; `groups` as in `assign`, in the order of the rows."""
    known = np.asarray(groups) >= 0
    return int((table["split"][known].groupby(np.asarray(groups)[known]).nunique() > 1).sum())


def _shares(fractions: Sequence[float]) -> tuple[float, float, float]:
    values = tuple(float(f) for f in fractions)
    if len(values) != 3 or min(values) < 0 or values[0] <= 0 or abs(sum(values) - 1) > 1e-6:
        raise UsageError(
            f"Fractions {', '.join(map(str, fractions))} were not understood.\n"
            "Three shares of train, val and test that sum to 1 were expected, such as 0.7,0.15,0.15."
        )
    return values


def _units(image_ids: pd.Series, groups: Codes) -> Codes:
    """Number what must stay together: rows of one group or one identity; int64 `(n,)`, 0 … m − 1."""
    ids = pd.factorize(image_ids)[0]
    groups = np.asarray(groups, np.int64)
    grouped = groups >= 0
    offset = int(ids.max(initial=-1)) + 1
    units: Codes = _linked(ids[grouped], groups[grouped] + offset, offset + int(groups.max(initial=-1)) + 1)[ids]
    return units


def _linked(left: Codes, right: Codes, size: int) -> Codes:
    """Number the connected parts of a graph of `size` nodes whose edges are `(left, right)`; int64 `(size,)`."""
    graph = coo_array((np.ones(len(left), bool), (left, right)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _lot(seed: int, names: Sequence[str]) -> NDArray[np.uint64]:
    """A number for each name, by hashing it with the seed: uint64 `(n,)`."""
    key = f"raravis split {seed}".encode()
    encoded = (name.encode("utf-8", "surrogateescape") for name in names)
    drawn = b"".join(hashlib.blake2b(name, digest_size=8, key=key).digest() for name in encoded)
    return np.frombuffer(drawn, ">u8").astype(np.uint64)


def _quotas(counts: Codes, shares: tuple[float, float, float], lots: NDArray[np.uint64]) -> Codes:
    """Whole numbers nearest to the shares of each count, int64 `(m, 3)`, rows summing to `counts`.

    Largest remainders; ties by lot. From 3 on each side with a share gets one; 2 are for train and test (or val if
    test has no share), 1 for train.
    """
    wanted = counts[:, None] * np.asarray(shares)
    whole: Codes = np.floor(wanted + 1e-9).astype(np.int64)
    ties = np.stack([(lots >> np.uint64(8 * k)).astype(np.uint8) / 1e6 for k in range(3)], axis=1)
    order = np.argsort(-(wanted - whole + ties), axis=1, kind="stable")
    left = counts - whole.sum(axis=1)
    np.put_along_axis(whole, order, np.take_along_axis(whole, order, 1) + (np.arange(3) < left[:, None]), 1)
    for side in (0, 2, 1):  # train first, then test
        if shares[side] > 0:
            lacking = (whole[:, side] == 0) & (counts > (0, 2, 1)[side])
            rich = np.argmax(whole, axis=1)
            whole[lacking, rich[lacking]] -= 1
            whole[lacking, side] += 1
    return whole


def _deal(strata: Codes, lots: NDArray[np.uint64], sizes: Codes, quotas: Codes) -> Codes:
    """A side for each unit: in the order of the lot, train is filled first, then val, then test.

    Args:
        strata: int64 `(u,)`, the stratum of each unit.
        lots: its place in the lot.
        sizes: how much it counts.
        quotas: int64 `(m, 3)`, what each stratum gives to each side.
    """
    order = np.lexsort((lots, strata))
    total = np.cumsum(sizes[order])
    first = np.flatnonzero(np.r_[True, strata[order][1:] != strata[order][:-1]])
    before = np.repeat(np.r_[0, total[first[1:] - 1]], np.diff(np.r_[first, len(order)]))
    middle = total - before - sizes[order] / 2
    ends = np.cumsum(quotas, axis=1)[strata[order]]
    dealt = np.empty(len(order), np.int64)
    dealt[order] = (middle[:, None] > ends[:, :2]).sum(axis=1)
    dealt[order[first]] = 0  # a stratum whose first unit is larger than train's quota still has something to learn
    return dealt


def _taught(families: pd.Series, units: Codes, sides: Codes) -> Codes:
    """Move the units of families that copies alone carried out of train back to it: none is judged untaught."""
    taught = families[sides == 0].unique()
    lost = np.unique(units[~families.isin(taught).to_numpy(bool)])
    moved: Codes = np.where(np.isin(units, lost), 0, sides)
    return moved


def _stratified(
    table: pd.DataFrame, units: Codes, shares: tuple[float, float, float], seed: int
) -> tuple[Codes, list[str]]:
    families, names = pd.factorize(table["family"], sort=True)
    rows = pd.DataFrame({"unit": units, "family": families, "id": table["image_id"].to_numpy()})
    votes = rows.groupby(["unit", "family"]).size().rename("n").reset_index()
    votes = votes.sort_values(["unit", "n", "family"], ascending=[True, False, True]).drop_duplicates("unit")
    sizes = np.bincount(units).astype(np.int64)
    lots = _lot(seed, rows.groupby("unit")["id"].min().tolist())
    strata = votes["family"].to_numpy(np.int64)
    counts = np.bincount(strata, sizes, minlength=len(names)).astype(np.int64)
    quotas = _quotas(counts, shares, _lot(seed, list(names)))
    small = [name for name, n in zip(names, counts, strict=True) if n < sum(s > 0 for s in shares)]
    notes = []
    if small:
        notes.append(
            f"{len(small)} families have too few images to stand on every side, so train has theirs first: "
            f"{', '.join(small[:8])}{' …' if len(small) > 8 else ''}."
        )
    return _taught(table["family"], units, _deal(strata, lots, sizes, quotas)[units]), notes


def _held_out_species(
    table: pd.DataFrame, units: Codes, shares: tuple[float, float, float], seed: int
) -> tuple[Codes, list[str]]:
    species = species_of(table)
    if species is None:
        raise DataError(
            f"Nothing tells species apart: none of the columns {', '.join(SPECIES)} is there and filled.\n"
            "Add one to the table, or take another --policy."
        )
    codes, names = pd.factorize(species, sort=True)
    linked = _linked(codes, units + len(names), len(names) + int(units.max()) + 1)[codes]
    kinds, heads = pd.factorize(species.groupby(linked).transform("min"), sort=True)
    families, family_names = pd.factorize(table.groupby(kinds)["family"].transform("min"), sort=True)
    strata = pd.Series(families).groupby(kinds).first().to_numpy(np.int64)
    counts = np.bincount(strata, minlength=len(family_names)).astype(np.int64)
    quotas = _quotas(counts, shares, _lot(seed, list(family_names)))
    sides = _deal(strata, _lot(seed, list(heads)), np.ones(len(strata), np.int64), quotas)
    if (single := int((counts == 1).sum())) == len(counts):
        raise DataError("Every family has one species alone, so none can be held out; take another --policy.")
    notes = [f"{single} families have a single species; all of their images are in train."] if single else []
    return _taught(table["family"], kinds, sides[kinds]), notes


def species_of(table: pd.DataFrame) -> pd.Series | None:
    """A name for the species of every image, with its family: from the first column that tells any apart, if one does.

    Args:
        table: rows of a catalogue.
    """
    for column in SPECIES:
        if column in table and (table[column] != "").any():
            kind = table[column]
            if column == "species" and "genus" in table:
                kind = table["genus"] + " " + kind
            return table["family"] + "/" + kind
    return None


def _held_out_families(
    table: pd.DataFrame, units: Codes, shares: tuple[float, float, float], seed: int
) -> tuple[Codes, list[str]]:
    phyla = table["phylum"] if "phylum" in table else pd.Series("", index=table.index)
    families = pd.DataFrame({"family": table["family"], "phylum": phyla}).groupby("family")["phylum"].min()
    if len(families) < 3:
        raise DataError(f"{len(families)} families are too few to hold one out; three or more are needed.")
    drawn = families.reset_index().assign(lot=_lot(seed, families.index.tolist())).sort_values(["phylum", "lot"])
    count = max(1, round(NOVEL_SHARE * len(drawn)))
    start = int(_lot(seed, ["first"])[0] % 1000) / 1000
    places = ((np.arange(count) + start) * len(drawn) / count).astype(int)
    novel = drawn["family"].to_numpy()[places]
    touched = pd.Series(table["family"].isin(novel).to_numpy()).groupby(units).transform("any").to_numpy(bool)
    if touched.all():
        raise DataError("Copies tie every image to a family that would be held out; look at `raravis audit` first.")
    sides = np.full(len(table), SIDES.index("novel"), np.int64)
    rest = pd.factorize(units[~touched])[0].astype(np.int64)
    sides[~touched], notes = _stratified(table[~touched], rest, shares, seed)
    return sides, [f"{count} families are held out as novel: {', '.join(sorted(novel))}.", *notes]
