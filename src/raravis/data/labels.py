"""Which families there are to name: a list that a user wrote, or those of a catalogue, each with its known lineage.

Leaves: `Lineages`, family → rank → name, with the family itself under `family`, sorted by family.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from raravis.errors import DataError, UsageError, unknown
from raravis.lineages import accepted, blank
from raravis.taxonomy import RANKS, same, tidy

Lineages = Mapping[str, Mapping[str, str]]

_WIDER = RANKS[: RANKS.index("family") + 1]
_NARROWER = RANKS[len(_WIDER) :]


def read(file: Path) -> Lineages:
    """A text file with one family a line, or a `.csv` file with the column `family` and perhaps other ranks.

    Where the columns `genus` or `species` tell rows apart, a family may come more than once; it is named once.

    Raises:
        UsageError: the file cannot be read, a column is no rank, or `family` is not there.
        DataError: fewer than two families, an empty name, or one that comes twice.
    """
    try:
        if file.suffix == ".csv":
            table = pd.read_csv(file, dtype=str, keep_default_na=False)
        else:
            lines = [tidy(line) for line in file.read_text(encoding="utf-8-sig").splitlines()]
            table = pd.DataFrame({"family": [line for line in lines if line and not line.startswith("#")]})
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise UsageError(f"The list of labels {file} cannot be read: {error}.") from error
    for column in table.columns:
        if column not in RANKS:
            raise UsageError(f"{file}: {unknown('column', str(column), RANKS)}")
    if "family" not in table:
        raise UsageError(f"{file} has no column 'family'; found: {', '.join(table.columns)}.")
    table = table.map(tidy)
    if (empty := table["family"] == "").any():
        raise DataError(f"{file}: line {int(empty.to_numpy().argmax()) + 2} names no family.")
    keys = table[["family", *(rank for rank in _NARROWER if rank in table)]].map(same)
    if (twice := keys.duplicated()).any():
        raise DataError(f"{file} names {table['family'][twice].iloc[0]} twice; each family was expected once.")
    table["family"] = table["family"].groupby(keys["family"]).transform("first")
    if (count := table["family"].nunique()) < 2:
        raise DataError(f"{file} names {count} family; two or more are needed to tell them apart.")
    return of_table(table)


def of_table(table: pd.DataFrame) -> Lineages:
    """The families of a table with ranks as columns; of names that mean the same taxon the most frequent one holds.

    Raises:
        DataError: images of a family name two taxa of one rank.
    """
    ranks = [rank for rank in _WIDER if rank in table]
    found = {}
    for family, rows in table.groupby("family", sort=True):
        names = {rank: rows[rank][rows[rank] != ""].value_counts() for rank in ranks}
        found[str(family)] = {rank: _one(str(family), rank, some) for rank, some in names.items() if len(some)}
    return found


def _one(family: str, rank: str, counts: pd.Series[int]) -> str:
    """The most frequent name, the first by name of equals, of those that the images of a family give at a rank."""
    best = str(min(counts.index, key=lambda name: (-counts[name], name)))
    told = [str(name) for name in counts.index if not blank(str(name))]
    others = [name for name in told if accepted(name, rank)[0] != accepted(told[0], rank)[0]]
    if rank != "family" and others:
        raise DataError(
            f"The family {family} stands in two taxa: {rank} {told[0]} ({counts[told[0]]} images) and {others[0]} "
            f"({counts[others[0]]}).\nMend the column {rank}, so that each family has one parent."
        )
    return best
