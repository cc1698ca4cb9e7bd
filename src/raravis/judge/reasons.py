"""Why a verdict, in words: one sentence for each image, and one for each promise that too few images can carry.

Enter: what was found of every image, and how sure it had to be. Leave: sentences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final

import numpy as np
from numpy.typing import NDArray

from raravis.judge.selective import FEWEST
from raravis.judge.sets import needed

FEW: Final = 4
"""Families in a set that are named in a sentence, at most."""


@dataclass(frozen=True)
class Asked:
    """How sure an answer must be.

    Attributes:
        accept: the precision that was asked of what is called identified.
        threshold: the confidence from which on it is kept; ∞ where it cannot be promised.
        precision: estimated of the answers from there on.
        few: whether that is for want of held-out images.
    """

    accept: float
    threshold: float
    precision: float
    few: bool


def told(
    probabilities: NDArray[np.float32],
    members: NDArray[np.bool_],
    novelty: NDArray[np.float32],
    verdict: NDArray[np.int64],
    families: Sequence[str],
    asked: Asked,
    nothing: NDArray[np.bool_],
) -> tuple[str, ...]:
    """The reason of each verdict.

    Args:
        probabilities: `(n, K)`.
        members: the prediction sets, `(n, K)`.
        novelty: `(n,)`, the share of photographs of known families that are less strange.
        verdict: `(n,)`, 0 identified, 1 uncertain, 2 unfamiliar.
        families: K names.
        asked: how sure an answer must be.
        nothing: `(n,)`, images that show nothing.
    """
    made = []
    for row, which in enumerate(verdict):
        confidence = float(probabilities[row].max())
        if nothing[row]:
            made.append("nearly black, or nearly one colour: nothing is to be seen")
        elif which == 2:
            made.append(f"stranger than {min(float(novelty[row]), 0.999):.1%} of photographs of known families")
        elif which == 0:
            made.append(f"confidence {confidence:.2f}; {_right(asked)}")
        else:
            made.append(_doubt(confidence, probabilities[row], members[row], families, asked))
    return tuple(made)


def _right(asked: Asked) -> str:
    """How often answers such as this one are right, rounded down."""
    which = f"of answers from {asked.threshold:.2f} up" if asked.threshold > 0 else "every answer that fits is taken"
    return f"{which}, {int(100 * asked.precision)}% are right"


def _doubt(
    confidence: float,
    probabilities: NDArray[np.float32],
    members: NDArray[np.bool_],
    families: Sequence[str],
    asked: Asked,
) -> str:
    order = np.argsort(-probabilities, kind="stable")
    names = [families[k] for k in order if members[k]]
    listed = " or ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
    if not isfinite(asked.threshold):
        few = ": too few validation images" if asked.few else ""
        return f"no confidence promises {100 * asked.accept:.4g}% right answers{few}"
    if not names:
        return "no family fits as well as it should"
    if len(names) <= FEW and not members[order[0]]:
        return f"confidence {confidence:.2f}, but {listed} would fit better, being rarer"
    if 2 <= len(names) <= FEW:
        return f"confidence {confidence:.2f}: {listed}"
    if confidence < asked.threshold:
        return "confidence {}, and {} is asked".format(*_apart(confidence, asked.threshold))
    return f"confidence {confidence:.2f}, and not even the phylum is sure"


def _apart(one: float, other: float) -> tuple[str, str]:
    """Two different numbers with two digits, or with as many as it takes to tell them apart."""
    digits = next((d for d in range(2, 7) if f"{one:.{d}f}" != f"{other:.{d}f}"), 7)
    return f"{one:.{digits}f}", f"{other:.{digits}f}"


def shortfalls(
    images: int, asked: Asked, *, coverage: float, right: float, familiar: float, kinds: int
) -> Iterator[str]:
    """What is asked and cannot be promised with so few held-out images, one sentence each.

    Args:
        images: held out.
        asked: of what is called identified.
        coverage: of the prediction sets.
        right: the share of taxa that are to be right.
        familiar: the share of photographs of known families that are to pass as familiar.
        kinds: number of families.
    """
    few = f"{images} validation images"
    if images < needed(coverage):
        yield (
            f"{few} cannot promise a coverage of {coverage:g}: every set holds all {kinds} families; "
            f"{needed(coverage):,} are needed."
        )
    if images < needed(right):
        yield (
            f"{few} cannot promise taxa of which {right:g} are right: the kingdom is told of every image, and nothing "
            f"whose lineage is known is called identified; {needed(right):,} are needed."
        )
    if images < needed(familiar):
        yield (
            f"{few} cannot tell what is stranger than {familiar:g} of known animals: nothing is called unfamiliar; "
            f"{needed(familiar):,} are needed."
        )
    if images < FEWEST:
        yield f"{few} are too few to call anything identified; {FEWEST} are needed."
    elif not isfinite(asked.threshold) and not asked.few:
        yield (
            f"No confidence promises {100 * asked.accept:.4g}% right answers by these {few}: nothing is called "
            "identified. A lower --accept, more validation images or a better network would help."
        )
