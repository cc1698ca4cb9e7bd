"""The lineage of every family that a network knows: from the user's own columns first, from the bundled table else.

Enter: families, and what a catalogue says of them. Leaves: a `Taxonomy`, checked to be a tree, with notes on what was
filled in, contradicted, or probably misspelt.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis.errors import DataError
from raravis.taxonomy import RANKS, same

WIDER: Final = RANKS[: RANKS.index("family") + 1]
"""From the kingdom to the family."""

_LISTED: Final = 5


@dataclass(frozen=True)
class Taxonomy:
    """Families and the wider taxa that they belong to, a tree.

    Attributes:
        families: K names, in the order in which they were given.
        lineages: of each family, rank → name, for the ranks of `WIDER`; "" where unknown.
    """

    families: tuple[str, ...]
    lineages: Mapping[str, Mapping[str, str]]

    def of_rank(self, rank: str) -> NDArray[np.str_]:
        """The taxon of each family at a rank, `(K,)`; "" where unknown."""
        return np.array([self.lineages[family].get(rank, "") for family in self.families], dtype=np.str_)

    def lineage(self, family: str) -> dict[str, str]:
        """Known ranks of a family, from the widest to itself.

        Raises:
            DataError: no such family.
        """
        if family not in self.lineages:
            raise DataError(f"{family} is none of the {len(self.families)} families of this taxonomy.")
        own = self.lineages[family]
        return {rank: own[rank] for rank in WIDER if own.get(rank)}

    def common(self, families: Iterable[str]) -> tuple[str, str]:
        """The lowest rank and taxon that families share; ("kingdom", "") where they share none."""
        found = [self.lineage(family) for family in families]
        for rank in reversed(WIDER):
            names = {lineage.get(rank, "") for lineage in found}
            if len(names) == 1 and (name := names.pop()):
                return rank, name
        return "kingdom", ""

    def record(self) -> list[dict[str, str]]:
        """One row a family, JSON-able; `of_record` reads it."""
        return [{rank: self.lineages[family].get(rank, "") for rank in WIDER} for family in self.families]

    @classmethod
    def of_record(cls, rows: Sequence[Mapping[str, Any]]) -> Taxonomy:
        """Read what `record` gave.

        Raises:
            DataError: no tree.
        """
        lineages = {str(row["family"]): {rank: str(row[rank]) for rank in WIDER} for row in rows}
        check(lineages)
        return cls(tuple(lineages), lineages)

    @classmethod
    def of(cls, families: Sequence[str], given: Mapping[str, Mapping[str, str]]) -> tuple[Taxonomy, tuple[str, ...]]:
        """The taxonomy of families, and what is to be told of it, one sentence each.

        Args:
            families: their names.
            given: what a catalogue says of each, rank → name; it wins over the bundled table.

        Raises:
            DataError: a taxon has two parents, or is its own ancestor.
        """
        table = bundled()
        lineages, unknown, differing = {}, [], []
        for family in families:
            own = {rank: name for rank, name in given.get(family, {}).items() if rank in WIDER and name}
            known = table.get(_accepted(family), {})
            told = [r for r in own if r != "family" and known.get(r) and _accepted(own[r]) != _accepted(known[r])]
            differing += [f"{family} in {own[rank]} (usually {known[rank]})" for rank in told]
            if not known and not own.get("order"):
                unknown.append(family)
            filled = {} if told else known
            lineages[family] = {rank: own.get(rank) or filled.get(rank, "") for rank in WIDER} | {"family": family}
        made = _consistent(lineages, given)
        check(made)
        return cls(tuple(families), made), tuple(_notes(families, unknown, differing, table))


@cache
def bundled() -> dict[str, dict[str, str]]:
    """Families that raravis knows of, lower case, each with its order, class, phylum and kingdom."""
    return {row["family"]: row for row in _rows("families.csv")}


@cache
def synonyms() -> dict[str, str]:
    """Other names of taxa, lower case, and the name that the bundled table uses."""
    return {row["synonym"]: row["accepted"] for row in _rows("synonyms.csv")}


def check(lineages: Mapping[str, Mapping[str, str]]) -> None:
    """Make sure that lineages form a tree.

    Raises:
        DataError: a taxon has two parents, or is its own ancestor.
    """
    parents: dict[tuple[str, str], tuple[str, str]] = {}
    for family, lineage in lineages.items():
        names = [(rank, same(lineage[rank])) for rank in WIDER if lineage.get(rank)]
        if len({name for _, name in names}) < len(names):
            raise DataError(
                f"The lineage of {family} names a taxon as its own ancestor: "
                f"{' > '.join(name for _, name in names)}.\nMend the columns {', '.join(WIDER)}."
            )
        for above, below in pairwise(names):
            if (before := parents.setdefault(below, above)) != above and before[0] == above[0]:
                raise DataError(
                    f"The {below[0]} {below[1]} stands in two taxa: {before[1]} and {above[1]}.\n"
                    f"Mend the columns {', '.join(WIDER)}, so that each taxon has one parent."
                )


def _consistent(
    lineages: Mapping[str, dict[str, str]], given: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Families that were filled in follow the user where the user places an order or class otherwise than the table."""
    parents: dict[tuple[str, str], str] = {}
    for lineage in given.values():
        for above, below in pairwise(WIDER):
            if lineage.get(above) and lineage.get(below):
                parents.setdefault((below, same(lineage[below])), lineage[above])
    made = {}
    for family, lineage in lineages.items():
        own = dict(lineage)
        for above, below in reversed(list(pairwise(WIDER))):
            if not given.get(family, {}).get(above) and (named := parents.get((below, same(own[below])))):
                own[above] = named
        made[family] = own
    return made


def _notes(
    families: Sequence[str], unknown: Sequence[str], differing: Sequence[str], table: Mapping[str, Any]
) -> Iterable[str]:
    if differing:
        yield f"The data places {_some(differing)}; the data was followed."
    renamed = [f"{family} (now {_accepted(family)})" for family in families if _accepted(family) != same(family)]
    if renamed:
        yield f"Names that are synonyms: {_some(renamed)}; they were kept as given."
    if unknown:
        near = {family: get_close_matches(same(family), table, 1, 0.85) for family in unknown}
        told = [f"{family} (did you mean {names[0]}?)" if names else family for family, names in near.items()]
        yield f"No lineage is known of {_some(told)}; give columns order, class and phylum."


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"{', '.join(names[:_LISTED])}{more}"


def _accepted(name: str) -> str:
    return synonyms().get(same(name), same(name))


def _rows(name: str) -> list[dict[str, str]]:
    text = (resources.files("raravis") / "taxa" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
