"""The lowest rank that the evidence supports: family where one is sure enough, else order, class, phylum, kingdom.

The probability of a taxon is the sum of those of its families. The lowest rank is told at which the likeliest taxon
reaches a threshold, one for all ranks. The threshold is the least under which, of held-out images, enough taxa are
right: with one added image that counts as wrong, the expected share of wrong ones stays within bounds for images of the
same kind (Angelopoulos et al., "Conformal risk control", 2024). That asks for losses that never rise with the
threshold. A wider taxon can be wrong where a narrower one was right, so an image counts as wrong at a threshold if it
is wrong there or at any higher one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis.judge import metrics
from raravis.lineages import WIDER, Taxonomy

Floats = NDArray[np.floating[Any]]

_GRID: Final = np.linspace(0, 1, 501)
_ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class RollUp:
    """A threshold, and the taxonomy that it is for.

    Attributes:
        taxonomy: of the K families.
        threshold: the probability that a taxon must reach to be told; ∞ tells the kingdom alone.
        images: how many it was found on.
    """

    taxonomy: Taxonomy
    threshold: float
    images: int

    def __call__(
        self, probabilities: Floats, *, above_family: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
        """The rank and the taxon of every image.

        Args:
            probabilities: `(n, K)`, 0–1, rows sum to 1.
            above_family: `(n,)`, images of which no family is told, such as unfamiliar ones.

        Returns:
            Names of ranks and of taxa, `(n,)` each.
        """
        levels = self._levels
        place = np.full(len(probabilities), len(levels) - 1)
        taxon = np.full(len(probabilities), levels[-1][1][0], dtype=object)
        for number in range(len(levels) - 2, -1, -1):
            _, names, matrix = levels[number]
            masses = probabilities @ matrix
            enough = masses.max(axis=1) >= self.threshold
            if number == 0 and above_family is not None:
                enough &= ~above_family
            place[enough] = number
            taxon[enough] = names[masses[enough].argmax(axis=1)]
        ranks = np.array([rank for rank, _, _ in levels])
        return ranks[place], taxon.astype(str)

    @property
    def root(self) -> tuple[str, str]:
        """Rank and taxon of what nothing is known of."""
        rank, (name,), _ = self._levels[-1]
        return rank, str(name)

    @cached_property
    def _levels(self) -> list[tuple[str, NDArray[np.str_], NDArray[np.float32]]]:
        """Rank, its taxa, and which family is in which `(K, R)`; the lowest rank first, the kingdom last."""
        return levels(self.taxonomy)


def fit(probabilities: Floats, classes: NDArray[np.int64], taxonomy: Taxonomy, *, accept: float) -> RollUp:
    """Find the least threshold under which at most a share `1 - accept` of taxa is wrong.

    Args:
        probabilities: of held-out images, `(n, K)`, calibrated.
        classes: their families, `(n,)`.
        taxonomy: of the K families.
        accept: the share of taxa that are to be right, at whatever rank.
    """
    count = len(classes)
    bearable = 1 - accept + _ROUNDING
    if 1 / (count + 1) > bearable:
        return RollUp(taxonomy, inf, count)
    wrong = _wrong(probabilities, classes, levels(taxonomy))
    ever = np.logical_or.accumulate(wrong[::-1], axis=0)[::-1]
    bounded = (ever.sum(axis=1) + 1) / (count + 1)
    allowed = np.flatnonzero(bounded <= bearable)
    return RollUp(taxonomy, float(_GRID[allowed[0]]) if len(allowed) else inf, count)


def levels(taxonomy: Taxonomy) -> list[tuple[str, NDArray[np.str_], NDArray[np.float32]]]:
    """Every rank with its taxa and which family is in which, the lowest first; the root, over all, comes last.

    The root is the kingdom, `animalia` where none is known, and "" where there are several.
    """
    found = [(rank, *taxonomy.lump(rank)) for rank in ("family", "order", "class", "phylum")]
    kingdoms, _ = taxonomy.lump("kingdom")
    name = "animalia" if len(kingdoms) == 0 else str(kingdoms[0]) if len(kingdoms) == 1 else ""
    root = ("kingdom", np.array([name]), np.ones((len(taxonomy.families), 1), np.float32))
    return [*(level for level in found if len(level[1])), root]


def _wrong(probabilities: Floats, classes: NDArray[np.int64], ranks: list[Any]) -> NDArray[np.bool_]:
    """Whether the taxon told is wrong, at every threshold of the grid: bool `(T, n)`."""
    masses, right = [], []
    for _, _, matrix in ranks[:-1]:
        summed = probabilities @ matrix
        best = summed.argmax(axis=1)
        masses.append(summed.max(axis=1))
        right.append(matrix[classes, best] > 0)
    reached = np.stack(masses)[None] >= _GRID[:, None, None]
    first = np.where(reached.any(axis=1), reached.argmax(axis=1), len(masses))
    of_rank = np.concatenate([np.stack(right), np.ones((1, len(classes)), bool)])
    return ~of_rank[first, np.arange(len(classes))]


def judge(
    rank: NDArray[np.str_], taxon: NDArray[np.str_], classes: NDArray[np.int64], taxonomy: Taxonomy
) -> dict[str, Any]:
    """How often told taxa are right.

    Args:
        rank: `(n,)`, of each taxon.
        taxon: `(n,)`, what was told.
        classes: the true families, `(n,)`.
        taxonomy: of all families.

    Returns:
        JSON-able: `right`, the share of all, and its exact 95% interval `ci95`; `depth`, how many ranks below the
        kingdom on average (4: all families); `ranks`, for each rank that was told `share` of the images
        and `right` among them.
    """
    found = np.zeros(len(rank), bool)
    ranks: dict[str, dict[str, float]] = {}
    for name in reversed(WIDER):
        own = rank == name
        if own.any():
            found[own] = True if name == "kingdom" else taxonomy.of_rank(name)[classes[own]] == taxon[own]
            ranks[name] = {"share": float(own.mean()), "right": float(found[own].mean())}
    depth = sum(WIDER.index(name) * told["share"] for name, told in ranks.items())
    right, within = metrics.share(found)
    return {"right": right, "ci95": within, "depth": float(depth), "ranks": ranks}
