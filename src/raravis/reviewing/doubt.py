"""Which labels are probably wrong: what says so had not seen the label it speaks of.

Enter: probabilities by a model that did not learn from the image, and what the image's neighbours are labelled with.
Leaves: a suspicion for every image, and the family that it probably shows.

Confident learning: C. Northcutt, L. Jiang, I. Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels",
Journal of Artificial Intelligence Research 70, 2021. An image labelled i counts as one of family j where the
probability of j is at least what it is, on average, for images labelled j: a family that the model is seldom sure of
asks for less. Neighbours: D. Bahri, H. Jiang, M. Gupta, "Deep k-NN for Noisy Labels", 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS: Final = 10
_AT_ONCE: Final = 512
_LEAST: Final = 1e-4


@dataclass(frozen=True)
class Doubt:
    """What is thought of n labels.

    Attributes:
        suspicion: float32 `(n,)`, 0–1, higher is more suspect; 0 where nothing speaks against the label.
        family: int64 `(n,)`, the class that the image probably shows.
        confident: bool `(n,)`, whether confident learning finds the label wrong.
    """

    suspicion: NDArray[np.float32]
    family: NDArray[np.int64]
    confident: NDArray[np.bool_]


def doubt(probabilities: NDArray[np.float32], classes: NDArray[np.int64], votes: NDArray[np.float32]) -> Doubt:
    """How much speaks against each label.

    Of model and neighbours the mean is taken. With a for what the best other class has and b for what the label has,
    the suspicion is (a − b) / (a + b), 0 where the label has more: what counts is how little the label has, not how
    sure the other is. (On photographs with swapped labels this listed 91% wrong ones where a − b listed 74%; see
    docs/review.md.) An image of which the model says nothing, a row of NaN, is left to its neighbours.

    Args:
        probabilities: float32 `(n, K)`, rows sum to 1, by a model that did not learn from the image; NaN for none.
        classes: int64 `(n,)`, the labels.
        votes: float32 `(n, K)`, rows sum to 1 or are 0: what the nearest other images are labelled with.
    """
    known = ~np.isnan(probabilities[:, 0])
    joint = np.where(known[:, None], np.nan_to_num(probabilities) + votes, 2 * votes) / 2
    own = joint[np.arange(len(classes)), classes]
    others = joint.copy()
    others[np.arange(len(classes)), classes] = -1
    family = others.argmax(1)
    best = others[np.arange(len(classes)), family]
    margin = (best - own) / (best + own + _LEAST)
    found = confident(np.nan_to_num(probabilities), classes)
    return Doubt(np.clip(margin, 0, 1).astype(np.float32), family, (found != classes) & (found >= 0) & known)


def confident(probabilities: NDArray[np.float32], classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The class that each image is confidently counted as, int64 `(n,)`; −1 where none reaches its threshold."""
    count = probabilities.shape[1]
    sums = np.bincount(classes, probabilities[np.arange(len(classes)), classes], count)
    sizes = np.bincount(classes, minlength=count)
    least = np.where(sizes > 0, sums / np.maximum(sizes, 1), 2.0)  # above any probability: nothing is counted as it
    passed = np.where((probabilities >= least) & (least > 0), probabilities, -1.0)
    best: NDArray[np.int64] = passed.argmax(1)
    return np.where(passed.max(1) > 0, best, -1)


def nearest(features: NDArray[np.float32], groups: NDArray[np.int64], count: int = NEIGHBOURS) -> NDArray[np.int64]:
    """The other images that are most like each, by cosine: int64 `(n, count)`, the nearest first, −1 for none.

    Copies of an image are not among them: they would carry the same mistake.

    Args:
        features: float32 `(n, D)`.
        groups: int64 `(n,)`; equal numbers mark copies of one another.
        count: how many.
    """
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    found = np.full((len(features), count), -1, np.int64)
    kept = min(count, len(features))
    for start in range(0, len(features), _AT_ONCE):
        near = unit[start : start + _AT_ONCE] @ unit.T
        rows = np.arange(len(near))[:, None]
        near[groups[start : start + _AT_ONCE, None] == groups[None]] = -2
        places = np.argpartition(-near, kept - 1, axis=1)[:, :kept]
        places = places[rows, np.argsort(-near[rows, places], axis=1, kind="stable")]
        found[start : start + _AT_ONCE, :kept] = np.where(near[rows, places] > -2, places, -1)
    return found


def votes(places: NDArray[np.int64], classes: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """What the nearest images are labelled with, float32 `(n, count)`: shares of their votes; rows of 0 without any.

    Each vote is divided by the size of its class, so that large families do not rule.

    Args:
        places: as `nearest` gives them.
        classes: int64 `(n,)`.
        count: number of classes.
    """
    weight = 1 / np.maximum(np.bincount(classes, minlength=count), 1)[classes]
    found = np.zeros((len(places), count), np.float32)
    rows, columns = np.nonzero(places >= 0)
    there = places[rows, columns]
    np.add.at(found, (rows, classes[there]), weight[there])
    shares: NDArray[np.float32] = found / np.maximum(found.sum(1, keepdims=True), 1e-12)
    return shares
