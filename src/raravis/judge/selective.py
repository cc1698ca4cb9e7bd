"""Selective prediction: answer where the model is sure enough, leave the rest to a person.

An image is accepted if its confidence is at least a threshold. Coverage is the share accepted, risk the share of wrong
answers among them (El-Yaniv and Wiener, "On the Foundations of Noise-free Selective Classification", 2010; Geifman and
El-Yaniv, "Selective Classification for Deep Neural Networks", 2017).
"""

from __future__ import annotations

from math import inf, nan
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis.errors import DataError
from raravis.judge.logits import log_odds, sigmoid
from raravis.judge.predictions import Floats

Flags = np.ndarray[Any, np.dtype[np.bool_]]

FEWEST: Final = 30
"""Accepted images below which no precision is claimed: of so few, even if all are right, 10% could be wrong elsewhere
(95%; the rule of three)."""
_SUREST: Final = 1 - 1e-6
_STEPS, _SHORTEST, _FLAT, _RIDGE = 100, 1e-10, 1e-9, 1e-9
"""Of Newton's method: how many at most, the shortest part of one, the gain in likelihood that ends it, and what makes
the curvature invertible where all confidences are the same."""


def curve(confidence: Floats, correct: Flags) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coverage and risk at every confidence that occurs, from the highest down.

    Args:
        confidence: `(n,)`, of any scale.
        correct: `(n,)`, whether the answer is right.

    Returns:
        Coverage, rising to 1, and risk, 0–1; each `(m,)`, m distinct confidences. Images of equal confidence are
        accepted together.

    Raises:
        DataError: no image, shapes differ, or NaN.
    """
    _, accepted, right = _accepted(confidence, correct)
    return accepted / accepted[-1], 1 - right / accepted


def aurc(confidence: Floats, correct: Flags) -> tuple[float, float]:
    """Area under the risk-coverage curve, and how much of it the order of the images is to blame for.

    The area is the mean risk of the 1, 2, … n surest images; images of equal confidence count as in random order. The
    excess is what remains when the area of a perfect order, all right answers first, is taken off (Geifman, Uziel and
    El-Yaniv, "Bias-Reduced Uncertainty Estimation for Deep Neural Classifiers", 2019), exactly and not by their
    approximation.

    Returns:
        AURC and E-AURC, 0 is best.

    Raises:
        DataError: as for `curve`.
    """
    _, accepted, right = _accepted(confidence, correct)
    taken = np.arange(1, accepted[-1] + 1)
    wrong = np.interp(taken, [0, *accepted], [0, *(accepted - right)])
    least = np.maximum(taken - right[-1], 0)
    return float((wrong / taken).mean()), float(((wrong - least) / taken).mean())


def threshold(confidence: Floats, correct: Flags, *, precision: float) -> tuple[float, float, float]:
    """The smallest confidence from which on answers are right as often as wanted.

    Precision as counted above each confidence goes up and down by chance, the more so the fewer images are left. It is
    therefore estimated as the mean, over the accepted images, of a logistic curve fitted to right and wrong answers
    (Platt, "Probabilistic Outputs for Support Vector Machines", 1999, with his targets short of 0 and 1). Where the
    surer answers are not the better ones, all images are accepted or none. On halves of 1,119 images thresholds for 99%
    spread half as much as those from counts or isotonic regression, and the other half was on average never less
    precise than wanted.

    Args:
        confidence: `(n,)`, 0–1, of validation images.
        correct: `(n,)`, whether the answer is right.
        precision: wanted share of right answers, 0–1.

    Returns:
        The threshold, the precision estimated and the share of images accepted. The threshold is 0 if nothing need be
        refused; it is ∞, the precision NaN and the share 0 if no threshold that accepts at least 30 images will do.

    Raises:
        DataError: no image, shapes differ, NaN, or a precision or confidence outside 0–1.
    """
    if not 0 <= precision <= 1:
        raise DataError(f"A precision in 0–1 was expected; found {precision:g}.")
    levels, accepted, right = _accepted(confidence, correct)
    if levels[0] > 1 or levels[-1] < 0:
        raise DataError(f"Confidences in 0–1 were expected; found {levels[-1]:g} to {levels[0]:g}.")
    groups = np.diff(accepted, prepend=0)
    estimated = np.cumsum(_logistic(levels, groups, np.diff(right, prepend=0)) * groups) / accepted
    will_do = np.flatnonzero((estimated >= precision) & (accepted >= FEWEST))
    if len(will_do) == 0:
        return inf, nan, 0.0
    last = int(will_do[-1])
    lowest = 0.0 if last == len(levels) - 1 else float(levels[last])
    return lowest, float(estimated[last]), float(accepted[last] / accepted[-1])


def _logistic(
    levels: NDArray[np.float64], images: NDArray[np.float64], right: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Probability of a right answer at each confidence `(m,)`: a logistic curve of its log-odds.

    The likeliest line is found by Newton's method with steps that are halved until they help (Lin, Lin and Weng, "A
    note on Platt's probabilistic outputs for support vector machines", 2007).
    """
    odds = log_odds(np.clip(levels, 1 - _SUREST, _SUREST))
    all_right, all_wrong = right.sum(), (images - right).sum()
    target = right * (all_right + 1) / (all_right + 2) + (images - right) / (all_wrong + 2)

    design = np.stack([odds, np.ones_like(odds)], axis=1)

    def loss(line: NDArray[np.float64]) -> float:
        turned = design @ line
        return float((np.logaddexp(0, turned) * images - target * turned).sum())

    line = np.array([1.0, 0.0])
    for _ in range(_STEPS):
        likely = sigmoid(design @ line)
        slope = design.T @ (likely * images - target)
        curvature = (design.T * (likely * (1 - likely) * images)) @ design + _RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, slope)
        gain, factor = float(slope @ step), 1.0
        while loss(line - factor * step) > loss(line) - 1e-4 * factor * gain and factor > _SHORTEST:
            factor /= 2
        if gain < _FLAT or factor <= _SHORTEST:
            break
        line = line - factor * step
    return sigmoid(design @ line)


def _accepted(
    confidence: Floats, correct: Flags
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Distinct confidences, falling, and how many images and right answers there are from each on; each `(m,)`."""
    sure, right = np.asarray(confidence, np.float64), np.asarray(correct)
    if sure.ndim != 1 or sure.shape != right.shape or right.dtype != np.bool_ or len(sure) == 0:
        raise DataError(
            "One confidence and one boolean an image were expected, of at least one image; found "
            f"{sure.shape} and {right.dtype} {right.shape}."
        )
    if lacking := int(np.isnan(sure).sum()):
        raise DataError(f"{lacking} of {len(sure)} confidences are NaN.\nDid training diverge?")
    levels, places, images = np.unique(-sure, return_inverse=True, return_counts=True)
    hits = np.bincount(places, right, len(levels))
    return -levels, np.cumsum(images).astype(np.float64), np.cumsum(hits)
