"""What is known of one animal after identification: the row that every output format writes.

Enters: a path, and the box in it if one was given, with the model's probabilities, or with the reason why there are
none. Leaves: a `Row`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from raravis.judge.trust import VERDICTS

if TYPE_CHECKING:
    from raravis.data.boxes import Sides
    from raravis.serve.predictor import Answer  # slow to import


@dataclass(frozen=True)
class Box:
    """Where a detector saw an animal.

    Attributes:
        number: its place among the detections of its photograph, from 0.
        left, top, width, height: shares of the upright photograph's width and height.
        confidence: the detector's, 0–1.
    """

    number: int
    left: float
    top: float
    width: float
    height: float
    confidence: float

    @property
    def sides(self) -> Sides:
        """As tables tell them."""
        return self.left, self.top, self.width, self.height


@dataclass(frozen=True)
class Row:
    """One photograph that was given, or one animal in it.

    Attributes:
        file_path: as given, in characters that every UTF-8 reader takes (see `printable`).
        error: why it cannot be read, in words; "" when it was.
        families: the likeliest families, best first; empty when unreadable, or when no animal was detected.
        confidences: their probabilities, 0–1, falling.
        verdict: `identified`, `uncertain` or `unfamiliar`; "" where nothing is known of how far it may be believed, as
            are the following then.
        prediction_set: the families that hold the true one as often as was promised, the likeliest first.
        novelty: the share of photographs of known families that are less strange, 0–1.
        taxon_rank: the lowest rank that the evidence supports.
        taxon: what it is at that rank.
        reason: why the verdict, in words; of a photograph without an animal, what the detector said.
        box: the part that was looked at; None for the whole photograph.
    """

    file_path: str
    error: str = ""
    families: tuple[str, ...] = ()
    confidences: tuple[float, ...] = ()
    verdict: str = ""
    prediction_set: tuple[str, ...] = ()
    novelty: float | None = None
    taxon_rank: str = ""
    taxon: str = ""
    reason: str = ""
    box: Box | None = None

    @property
    def status(self) -> str:
        """`unreadable`, `empty` (no animal was detected), or `ok`."""
        return "unreadable" if self.error else "ok" if self.families else "empty"


def unreadable(path: str, reason: str) -> Row:
    """Make the row of a photograph that cannot be read; the reason becomes one line."""
    return Row(printable(path), " ".join(printable(reason).split()))


def best(path: str, answer: Answer, number: int, families: tuple[str, ...], top_k: int) -> Row:
    """Make the row of a photograph from what is said of it.

    Args:
        path: as given.
        answer: of a batch.
        number: its place there.
        families: the K names; equal probabilities keep their order.
        top_k: how many to keep, all if there are fewer.
    """
    probabilities, verdicts = answer.probabilities[number], answer.verdicts
    order = np.argsort(-probabilities, kind="stable")
    row = Row(
        printable(path),
        families=tuple(families[i] for i in order[:top_k]),
        confidences=tuple(float(probabilities[i]) for i in order[:top_k]),
    )
    if verdicts is None:
        return row
    return replace(
        row,
        verdict=VERDICTS[verdicts.verdict[number]],
        prediction_set=tuple(families[i] for i in order[verdicts.members[number, order]]),
        novelty=float(verdicts.novelty[number]),
        taxon_rank=str(verdicts.rank[number]),
        taxon=str(verdicts.taxon[number]),
        reason=verdicts.reason[number],
    )


def printable(text: str) -> str:
    r"""Write bytes of a file name that are no UTF-8 as `\udcXX`, so that one such name spoils no table."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
