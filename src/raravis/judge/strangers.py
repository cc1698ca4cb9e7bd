"""What a `Trust` makes of real animals of families that the network does not know.

Enter: verdicts on photographs of known families, which had no part in it, and on photographs of new ones, with their
lineages. Leave: JSON-able figures. They come last and choose nothing: what is called unfamiliar was settled without.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis.judge import metrics
from raravis.judge.trust import Trust, Verdicts
from raravis.lineages import accepted

KINDS: Final[Mapping[str, str]] = {
    "near": "a family of a known order",
    "between": "a family of a new order, of a known phylum",
    "far": "a family of a new phylum",
    "unplaced": "a family whose order is not known",
}
RESAMPLES: Final = 1000


@dataclass(frozen=True)
class Strangers:
    """Photographs of families that the network does not know.

    Attributes:
        verdicts: on n images.
        families: the true family of each.
        lineages: of those families, rank → name; "" where unknown.
    """

    verdicts: Verdicts
    families: tuple[str, ...]
    lineages: Mapping[str, Mapping[str, str]]

    def kind(self, family: str, trust: Trust) -> str:
        """How far a family is from those that the network knows: one of `KINDS`."""
        for rank, kind in (("order", "near"), ("phylum", "between")):
            name = self.lineages[family].get(rank, "")
            if not name:
                return "unplaced"
            if _key(name, rank) in {_key(other, rank) for other in trust.taxonomy.of_rank(rank) if other}:
                return kind
        return "far"

    def kinds(self, trust: Trust) -> NDArray[np.str_]:
        """That of every image, `(n,)`."""
        found = {family: self.kind(family, trust) for family in set(self.families)}
        return np.array([found[family] for family in self.families])


def figures(trust: Trust, known: Verdicts, new: Strangers, *, seed: int = 0) -> dict[str, Any]:
    """How well new animals were told from known ones, and what was said of them.

    Args:
        trust: what made the verdicts.
        known: verdicts on images of known families, of the same kind of photographs.
        new: at least one image of others.
        seed: of the bootstrap, which draws known images, and new families and of each its images.

    Returns:
        JSON-able: `n` images, `families`; `auroc`, the area under the ROC curve of `novelty`, and its interval `ci95`;
        for each of `KINDS` that there is the same four, under its name; `unfamiliar` and `identified`, shares of the
        images; `taxa_right`, the share of the taxa told that are right, where the true one is known; `per_family`: `n,
        kind, auroc, unfamiliar, identified`, and `taken_for`, the family that most of its images are most like.
    """
    kinds, families = new.kinds(trust), np.array(new.families)
    usual, score = known.novelty, new.verdicts.novelty
    found = _told(usual, score, families, seed)
    for kind in KINDS:
        if (own := kinds == kind).any():
            found[kind] = _told(usual, score[own], families[own], seed)
    said = new.verdicts.probabilities.argmax(axis=1)
    rows = {}
    for name in sorted(set(new.families)):
        own = families == name
        most = Counter(said[own].tolist()).most_common(1)[0][0]
        rows[name] = {
            "n": int(own.sum()),
            "kind": str(kinds[own][0]),
            "auroc": area(usual, score[own]),
            **_shares(new.verdicts, own),
            "taken_for": trust.families[most],
        }
    every = np.ones(len(families), np.bool_)
    return {**found, **_shares(new.verdicts, every), "taxa_right": _right(new), "per_family": rows}


def area(known: NDArray[np.float32], new: NDArray[np.float32]) -> float:
    """How often a new image scores higher than a known one, equal scores counted half: the area under the ROC curve."""
    ranked = np.sort(known)
    below = np.searchsorted(ranked, new, side="left") + np.searchsorted(ranked, new, side="right")
    return float(below.mean() / (2 * len(ranked)))


def _told(
    known: NDArray[np.float32], new: NDArray[np.float32], families: NDArray[np.str_], seed: int
) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    names, numbers = np.unique(families, return_inverse=True)
    of_family = [np.flatnonzero(numbers == number) for number in range(len(names))]
    areas = np.empty(RESAMPLES)
    for trial in range(RESAMPLES):
        drawn = [of_family[number] for number in rng.integers(0, len(names), len(names))]
        rows = np.concatenate([own[rng.integers(0, len(own), len(own))] for own in drawn])
        areas[trial] = area(known[rng.integers(0, len(known), len(known))], new[rows])
    return {"n": len(new), "families": len(names), "auroc": area(known, new), "ci95": metrics.interval(areas)}


def _shares(verdicts: Verdicts, own: NDArray[np.bool_]) -> dict[str, float]:
    told = verdicts.verdict[own]
    return {"unfamiliar": float((told == 2).mean()), "identified": float((told == 0).mean())}


def _right(new: Strangers) -> float | None:
    """The share of taxa told that are right; a family never is, the kingdom always."""
    right: list[bool] = []
    told = zip(new.verdicts.rank, new.verdicts.taxon, new.families, strict=True)
    for rank, taxon, family in told:
        true = new.lineages[family].get(rank, "")
        if rank in ("kingdom", "family"):
            right.append(bool(rank == "kingdom"))
        elif true:
            right.append(_key(true, str(rank)) == _key(str(taxon), str(rank)))
    return float(np.mean(right)) if right else None


def worst(found: Mapping[str, Any], count: int) -> Sequence[tuple[str, Mapping[str, Any]]]:
    """The new families of `figures` that are most often called identified, at most `count`."""
    rows = found["per_family"].items()
    return sorted(rows, key=lambda row: (-row[1]["identified"], row[1]["auroc"], row[0]))[:count]


def _key(name: str, rank: str) -> str:
    return accepted(name, rank)[0]
