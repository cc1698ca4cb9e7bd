"""The lineage of every family that a network knows: from the user's own columns first, from the bundled table else.

Enter: families, and what a catalogue says of them. Leaves: a `Taxonomy`, checked to be a tree, with notes on what was
contradicted, renamed, or probably misspelt.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import resources
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis.errors import DataError
from raravis.taxonomy import RANKS, same, tidy

WIDER: Final = RANKS[: RANKS.index("family") + 1]
"""From the kingdom to the family."""

_LISTED: Final = 5
_BLANK: Final = frozenset(("", "-", "?", "n/a", "na", "nan", "none", "null", "unknown", "unassigned", "not assigned"))
_UNPLACED: Final = "incertae sedis"
_ALIKE: Final = 0.85
"""How like a known name an unknown one must be for a hint; names that differ by two swapped letters are."""

Places = dict[tuple[str, str, str], str]
"""Rank, key of a taxon, wider rank → the name of the taxon of that wider rank that it lies in."""


@dataclass(frozen=True)
class Taxonomy:
    """Families and the wider taxa that they belong to, a tree.

    Attributes:
        families: K names, in the order in which they were given.
        lineages: of each family, rank → name, for the ranks of `WIDER`; "" where unknown.
    """

    families: tuple[str, ...]
    lineages: Mapping[str, Mapping[str, str]]

    @property
    def ranks(self) -> tuple[str, ...]:
        """The ranks at which a taxon is known of some family, from the widest to the family."""
        return tuple(rank for rank in WIDER if any(own.get(rank) for own in self.lineages.values()))

    def of_rank(self, rank: str) -> NDArray[np.str_]:
        """The taxon of each family at a rank, `(K,)`; "" where unknown."""
        return np.array([self.lineages[family].get(rank, "") for family in self.families], dtype=np.str_)

    def lump(self, rank: str) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
        """The R taxa of a rank, sorted, and which family is in which, 0 or 1 `(K, R)`; of an unknown taxon, in none."""
        own = self.of_rank(rank)
        names = np.unique(own[own != ""])
        return names, (own[:, None] == names).astype(np.float32)

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
        """The lowest rank and taxon that families share; ("kingdom", "") where they share none.

        Raises:
            DataError: no such family.
        """
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
            DataError: a rank is missing, or the rows are no tree.
        """
        if lacking := next((rank for row in rows for rank in WIDER if rank not in row), ""):
            raise DataError(f"A stored taxonomy lacks the rank {lacking}; all of {', '.join(WIDER)} were expected.")
        lineages = {str(row["family"]): {rank: str(row[rank]) for rank in WIDER} for row in rows}
        check(lineages)
        return cls(tuple(lineages), lineages)

    @classmethod
    def of(cls, families: Sequence[str], given: Mapping[str, Mapping[str, str]]) -> tuple[Taxonomy, tuple[str, ...]]:
        """The taxonomy of families, and what is to be told of it, one sentence each.

        Args:
            families: their names.
            given: what a catalogue says of each, rank → name; it wins over the bundled table. Names such as `unknown`
                or `incertae sedis` count as blank.

        Raises:
            DataError: a taxon has two parents, or is its own ancestor.
        """
        own = _own(families, given)
        check(own)
        made = _filled(own)
        check(made)
        return cls(tuple(families), made), tuple(_notes(own))


@cache
def bundled() -> Mapping[str, Mapping[str, str]]:
    """Families that raravis knows of, lower case, each with its order, class, phylum and kingdom."""
    return {row["family"]: row for row in _rows("families.csv")}


def accepted(name: str, rank: str) -> tuple[str, str]:
    """The name, lower case, that the bundled table uses for a taxon of a rank.

    With it comes a note on how the two differ, such as `snakes, a part of it`; "" where they are one taxon.
    """
    key = same(name)
    row = _synonyms().get(key, {})
    return (row["accepted"], row["note"]) if row.get("rank") == rank else (key, "")


def check(lineages: Mapping[str, Mapping[str, str]]) -> None:
    """Make sure that lineages, family → rank → name, form a tree.

    Raises:
        DataError: a taxon has two parents, or is its own ancestor.
    """
    above: dict[str, set[str]] = {}
    places: Places = {}
    for lineage in lineages.values():
        for wider, below in _pairs(lineage):
            key = same(lineage[below])
            above.setdefault(key, set()).add(same(lineage[wider]))
            before = places.setdefault((below, key, wider), lineage[wider])
            if same(before) != same(lineage[wider]):
                raise DataError(
                    f"The {below} {lineage[below]} stands in two taxa: {before} and {lineage[wider]}.\n"
                    f"Mend the columns {', '.join(WIDER)}, so that each taxon has one parent."
                )
    try:
        TopologicalSorter(above).prepare()
    except CycleError as error:
        raise DataError(
            f"A taxon is its own ancestor: {' < '.join(error.args[1])}.\n"
            f"Mend the columns {', '.join(WIDER)}; each name was expected at one rank."
        ) from error


def _own(families: Sequence[str], given: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """What the data says, blanks left out; names that differ by case or blanks are written as the first of them."""
    spelled: dict[tuple[str, str], str] = {}
    made = {}
    for family in families:
        names = {rank: tidy(given.get(family, {}).get(rank, "")) for rank in WIDER[:-1]}
        known = {rank: name for rank, name in names.items() if not blank(name)}
        made[family] = {rank: spelled.setdefault((rank, same(name)), name) for rank, name in known.items()}
        made[family]["family"] = family
    return made


def _filled(own: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Every rank of every family: as the data says, else as its other rows imply, else as the table has it.

    What would put a taxon into two others is left blank. Families of which the data says more come first.
    """
    places: Places = {}
    spelled: dict[tuple[str, str], str] = {}
    for lineage in own.values():
        _place(places, lineage)
        for rank, name in lineage.items():
            usual, note = accepted(name, rank)
            if not note:
                spelled.setdefault((rank, usual), name)
    made = {}
    for family, lineage in sorted(own.items(), key=lambda item: -len(item[1])):
        whole = dict(lineage)
        for rank in reversed(WIDER[:-1]):
            if rank not in whole and (name := _found(whole, rank, places, spelled)):
                whole[rank] = name
                _place(places, whole)
        made[family] = {rank: whole.get(rank, "") for rank in WIDER}
    return {family: made[family] for family in own}


def _found(whole: Mapping[str, str], rank: str, places: Places, spelled: Mapping[tuple[str, str], str]) -> str:
    """The taxon of a rank that the narrower ones of a lineage lie in; "" where unknown or where it contradicts."""
    narrower = [below for below in reversed(WIDER[WIDER.index(rank) + 1 :]) if below in whole]
    implied = [places.get((below, same(whole[below]), rank), "") for below in narrower]
    usual = [_usual().get((below, accepted(whole[below], below)[0], rank), "") for below in reversed(narrower)]
    name = next(filter(None, [*implied, *(spelled.get((rank, other), other) for other in usual)]), "")
    if not name or same(name) in {same(other) for other in whole.values()}:
        return ""
    if any(other and same(other) != same(name) for other in implied):
        return ""
    for wider in WIDER[: WIDER.index(rank)]:
        placed = places.get((rank, same(name), wider))
        if wider in whole and placed and same(placed) != same(whole[wider]):
            return ""
        other = _usual().get((rank, accepted(name, rank)[0], wider))
        if wider in whole and other and not placed and other != accepted(whole[wider], wider)[0]:
            return ""
    return name


def _place(places: Places, lineage: Mapping[str, str]) -> None:
    for wider, below in _pairs(lineage):
        places.setdefault((below, same(lineage[below]), wider), lineage[wider])


def _pairs(lineage: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Every two ranks that a lineage names, the wider first."""
    return combinations([rank for rank in WIDER if lineage.get(rank)], 2)


def _notes(own: Mapping[str, Mapping[str, str]]) -> Iterable[str]:
    table = bundled()
    differing, renamed, unknown, misspelt = [], [], [], []
    for family, lineage in own.items():
        now = accepted(family, "family")[0]
        known = table.get(now, {})
        if now != same(family):
            renamed.append(f"{family} (now {now})")
        told = [rank for rank in lineage if known and accepted(lineage[rank], rank)[0] != known[rank]]
        differing += [f"{family} in {lineage[rank]} (usually {known[rank]})" for rank in told]
        order = accepted(lineage.get("order", ""), "order")[0]
        near = [] if known else get_close_matches(same(family), table, 1, _ALIKE)
        if not known and not order:
            unknown.append(f"{family} (did you mean {near[0]}?)" if near else family)
        elif near and near[0][0] == same(family)[0] and table[near[0]]["order"] == order:
            misspelt.append(f"{family} ({near[0]}?)")
    if differing:
        yield f"The data places {_some(differing)}; the data was followed."
    if renamed:
        yield f"Names that are synonyms: {_some(renamed)}; they were kept as given."
    if misspelt:
        yield f"Perhaps misspelt: {_some(misspelt)}; they were kept as given."
    if unknown:
        yield f"No lineage is known of {_some(unknown)}; give columns order, class and phylum."


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"{', '.join(names[:_LISTED])}{more}"


def blank(name: str) -> bool:
    """Whether a name says that the taxon is not known, such as `unknown` or `incertae sedis`."""
    return same(name) in _BLANK or same(name).endswith(_UNPLACED)


@cache
def _usual() -> Places:
    """Where the bundled table places every taxon."""
    places: Places = {}
    for lineage in bundled().values():
        _place(places, lineage)
    return places


@cache
def _synonyms() -> dict[str, dict[str, str]]:
    return {row["synonym"]: row for row in _rows("synonyms.csv")}


def _rows(name: str) -> list[dict[str, str]]:
    text = (resources.files("raravis") / "taxa" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
