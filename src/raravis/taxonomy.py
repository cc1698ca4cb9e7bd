"""Ranks, and how names of taxa and labels are written the same way everywhere."""

from __future__ import annotations

import re
from typing import Final

RANKS: Final = ("kingdom", "phylum", "class", "order", "family", "genus", "species")
"""From the widest to the narrowest; the columns of every catalogue."""


def tidy(label: str) -> str:
    """A label without outer blanks and with single inner ones; its case is kept."""
    return re.sub(r"\s+", " ", label).strip()


def same(label: str) -> str:
    """The key under which labels that differ only by case or blanks are one label."""
    return tidy(label).casefold()


def from_folder(name: str) -> dict[str, str]:
    """Read a folder name: `phylum_family` gives both ranks when the phylum is known, else all is the family.

    >>> from_folder("chordata_felidae")
    {'phylum': 'chordata', 'family': 'felidae'}
    >>> from_folder("red_fox")
    {'family': 'red_fox'}
    """
    head, _, tail = tidy(name).partition("_")
    if tail and head.casefold() in PHYLA:
        return {"phylum": head, "family": tail}
    return {"family": tidy(name)}


PHYLA: Final = frozenset(
    """
    acanthocephala annelida arthropoda brachiopoda bryozoa chaetognatha chordata cnidaria ctenophora cycliophora
    dicyemida echinodermata entoprocta gastrotricha gnathostomulida hemichordata kinorhyncha loricifera
    micrognathozoa mollusca nematoda nematomorpha nemertea onychophora orthonectida phoronida placozoa
    platyhelminthes porifera priapulida rotifera sipuncula tardigrada xenacoelomorpha
    """.split()  # noqa: SIM905 (thirty-four words read better than thirty-four strings)
)
"""The animal phyla, lower case."""
