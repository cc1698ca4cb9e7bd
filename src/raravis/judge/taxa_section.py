"""What a person reads of ranks: how often each was told, how often it was right, and two photographs step by step.

Enter: a `Trial`, and what `rollup.judge` found of it. Leave: blocks of a report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from raravis import drawing
from raravis.judge import rollup, trust_figures
from raravis.judge.strangers import Strangers
from raravis.judge.trusted import Trial
from raravis.lineages import WIDER, accepted
from raravis.page import Block, Picture, Table, Text


def taxa(trial: Trial, found: Mapping[str, Any]) -> Iterator[Block]:
    """The section on ranks.

    Args:
        trial: what was judged.
        found: `trusted.figures(trial)["taxa"]`.
    """
    told = f"{trial.trust.rollup.threshold:.3f}" if np.isfinite(trial.trust.rollup.threshold) else "no probability"
    yield Text(
        "The probability of an order is the sum of those of its families, and so on upwards. The lowest rank is told "
        f"whose surest taxon reaches {told}; so that {found['asked']:.4g} of the taxa told are right."
    )
    groups = {
        "known animals": {
            rank: (row["share"], row["share"] * (1 - row["right"])) for rank, row in found["ranks"].items()
        }
    }
    if trial.new is not None:
        groups["new animals"] = strange(trial.new)
    alt = "; ".join(f"{rank} {row['share']:.1%}, {row['right']:.1%} right" for rank, row in found["ranks"].items())
    caption = "The rank that is told, by share of the images; the hatched part names a wrong taxon."
    yield Picture(drawing.png(trust_figures.ranks(groups)), caption, f"Known animals: {alt}.")
    rows = [{"rank": rank, **values} for rank, values in found["ranks"].items()]
    yield Table(pd.DataFrame(rows), "Known animals: how often each rank was told, and was right.")
    for row in _doubtful(trial):
        yield Table(_steps(trial, row), _story(trial, row))


def strange(new: Strangers) -> dict[str, tuple[float, float]]:
    """Rank → the share of new animals that are told it, and how much of that is known to be wrong; narrowest first.

    A family is always wrong, the kingdom never; a rank that is not known of an animal counts as right.
    """
    found = {}
    for rank in reversed(WIDER):
        own = np.flatnonzero(new.verdicts.rank == rank)
        wrong = sum(_is_wrong(rank, str(new.verdicts.taxon[i]), new.lineages[new.families[i]]) for i in own)
        if len(own):
            found[rank] = (len(own) / len(new.families), wrong / len(new.families))
    return found


def _is_wrong(rank: str, taxon: str, lineage: Mapping[str, str]) -> bool:
    if rank in ("family", "kingdom"):
        return rank == "family"
    true = lineage.get(rank, "")
    return bool(true) and accepted(true, rank)[0] != accepted(taxon, rank)[0]


def _doubtful(trial: Trial) -> Iterator[int]:
    """A photograph each of an order and of a class or phylum that was rightly told, of a mistaken family first."""
    own, mistaken = trial.verdicts, trial.verdicts.probabilities.argmax(axis=1) != trial.classes
    for ranks in (("order",), ("class", "phylum")):
        rows = np.flatnonzero(np.isin(own.rank, ranks))
        right = [i for i in rows if trial.trust.taxonomy.of_rank(str(own.rank[i]))[trial.classes[i]] == own.taxon[i]]
        if right:
            yield int(max(right, key=lambda i: (mistaken[i], own.probabilities[i].max())))


def _steps(trial: Trial, row: int) -> pd.DataFrame:
    """Rank by rank: the surest taxon, the sum of its families' probabilities, the true one, and which was told."""
    verdicts, lines = trial.verdicts, []
    for rank, names, matrix in rollup.levels(trial.trust.taxonomy):
        masses = verdicts.probabilities[row] @ matrix
        best = int(masses.argmax())
        true = str(trial.trust.taxonomy.of_rank(rank)[trial.classes[row]]) if rank != "kingdom" else str(names[0])
        said = "← told" if verdicts.rank[row] == rank else ""
        lines.append(
            {"rank": rank, "surest of": str(names[best]), "with": float(masses[best]), "it is": true, "": said}
        )
    return pd.DataFrame(lines)


def _story(trial: Trial, row: int) -> str:
    family = trial.trust.families[int(trial.classes[row])]
    rank, taxon = str(trial.verdicts.rank[row]), str(trial.verdicts.taxon[row])
    return f"A photograph of {family}. The family is in doubt, the {rank} {taxon} is not."
