"""What the run says of a photograph, and how far that may be believed: verdicts enter, words for a figure leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from raravis.judge.trust import VERDICTS, Verdicts

UNKNOWN: Final = "Nothing is known of how far to believe it: the run was made without validation images."
_NAMED: Final = 4


@dataclass(frozen=True)
class Said:
    """The verdict on one photograph, as `raravis predict` tells it.

    Attributes:
        verdict: `identified`, `uncertain` or `unfamiliar`.
        reason: why, in words.
        taxon_rank: the lowest rank that the evidence supports.
        taxon: what it is at that rank.
        prediction_set: families that hold the true one as often as was promised, the likeliest first.
        novelty: the share of photographs of known families that are less strange, 0–1.
    """

    verdict: str
    reason: str
    taxon_rank: str
    taxon: str
    prediction_set: tuple[str, ...]
    novelty: float

    def as_json(self) -> dict[str, Any]:
        """The same for scripts."""
        return {**asdict(self), "prediction_set": list(self.prediction_set)}

    def heading(self, question: str) -> str:
        """The title of a figure that asks `question`: what is not identified is told first."""
        return question if self.verdict == "identified" else f"{self.verdict.capitalize()}. {question}"

    def line(self) -> str:
        """One line: verdict, reason, the rank that is sure, the set."""
        held = self.prediction_set[:_NAMED]
        more = len(self.prediction_set) - len(held)
        families = f"{', '.join(held)}{f' and {more} more' if more > 0 else ''}" or "empty, no family fits"
        sure = f"sure of the {self.taxon_rank} {self.taxon}" if self.taxon_rank != "kingdom" else "sure of no rank"
        return f"{self.verdict.capitalize()}: {self.reason}    ·    {sure}    ·    set: {families}"


def of(verdicts: Verdicts, families: Sequence[str], row: int = 0) -> Said:
    """What verdicts say of one image; `families` in the order of the logits."""
    order = np.argsort(-verdicts.probabilities[row], kind="stable")
    return Said(
        VERDICTS[verdicts.verdict[row]],
        verdicts.reason[row],
        str(verdicts.rank[row]),
        str(verdicts.taxon[row]),
        tuple(families[i] for i in order if verdicts.members[row, i]),
        float(verdicts.novelty[row]),
    )
