"""Labels as every source treats them: names that differ by case or blanks are one name."""

from __future__ import annotations

import unicodedata

import pandas as pd

from raravis import taxonomy

_TOLD = 5


def merged(table: pd.DataFrame, spelled: pd.Series | None = None) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Give every name of every rank one spelling: the most frequent one, of equally frequent ones the first.

    Args:
        table: strings; has `family`, and may have the other ranks.
        spelled: the labels as the user wrote them, where `family` was read out of something longer.

    Returns:
        the table with all ranks, tidy; and notes on what was merged among the families.
    """
    changed = table.assign(**{rank: "" for rank in taxonomy.RANKS if rank not in table})
    for rank in taxonomy.RANKS:
        changed[rank] = _one_spelling(changed[rank])
    raw = table["family"] if spelled is None else spelled
    pairs = pd.DataFrame({"family": changed["family"], "raw": raw}).drop_duplicates()
    told = [
        f"These spellings are one label, {family!r}: {_listed(sorted(raws))}."
        for family, raws in pairs.groupby("family")["raw"]
        if family and len(raws) > 1
    ]
    if len(told) > _TOLD:
        told = [*told[:_TOLD], f"The same holds for {len(told) - _TOLD} more labels."]
    return changed, tuple(told)


def _one_spelling(names: pd.Series) -> pd.Series:
    """Replace each name by the most frequent spelling of it."""
    counts = names.value_counts()
    tidy = {raw: unicodedata.normalize("NFC", taxonomy.tidy(raw)) for raw in counts.index}
    by_spelling = counts.groupby(tidy).sum()
    ranked = sorted(by_spelling.items(), key=lambda item: (-item[1], item[0]))
    best: dict[str, str] = {}
    for spelling, _ in ranked:
        best.setdefault(taxonomy.same(str(spelling)), str(spelling))
    return names.map({raw: best[taxonomy.same(text)] for raw, text in tidy.items()})


def _listed(names: list[str]) -> str:
    """Write some names for people."""
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return ", ".join(map(repr, names[:_TOLD])) + more
