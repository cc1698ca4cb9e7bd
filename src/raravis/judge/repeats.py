"""Repeated trainings: rows of accuracies enter, means with intervals and a figure leave."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from raravis import drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def summary(trials: pd.DataFrame, *, by: str, sides: Sequence[str]) -> pd.DataFrame:
    """Mean accuracy and its 95% interval for each value of `by`, the best on the last side first.

    Over two or more repeats the interval is Student's t of the mean; with one it is Wilson's (1927) over the images.

    Args:
        trials: one row a training: `by`, and for each side `<side>_accuracy` (0–1) and `<side>_n` (images).
        by: the column that tells what is compared.
        sides: of the split.

    Returns:
        One row a value: `by, repeats`, and for each side `<side>_accuracy, <side>_accuracy_low, <side>_accuracy_high`.
    """
    rows = []
    for value, own in trials.groupby(by, sort=False):
        row: dict[str, object] = {by: value, "repeats": len(own)}
        for side in sides:
            scores, images = own[f"{side}_accuracy"].to_numpy(float), int(own[f"{side}_n"].iloc[0])
            low, high = _student(scores) if len(scores) > 1 else _wilson(float(scores[0]), images)
            row |= {f"{side}_accuracy": scores.mean(), f"{side}_accuracy_low": low, f"{side}_accuracy_high": high}
        rows.append(row)
    return pd.DataFrame(rows).sort_values(f"{sides[-1]}_accuracy", ascending=False, ignore_index=True)


def figure(table: pd.DataFrame, *, by: str) -> Figure:
    """Draw training and validation accuracy with intervals, a line a value, in the table's order from the top."""
    drawn = drawing.figure(8.0, 0.36 * len(table) + 1.5)
    axes = drawing.dress(drawn.subplots(), x="accuracy", grid="x")
    heights = np.arange(len(table))[::-1]
    for side, label, colour, shift in (
        ("train", "training images", drawing.PALETTE[0], 0.13),
        ("val", "validation images", drawing.PALETTE[1], -0.13),
    ):
        low, high = table[f"{side}_accuracy_low"], table[f"{side}_accuracy_high"]
        axes.hlines(heights + shift, low, high, color=colour, linewidth=2)
        axes.plot(table[f"{side}_accuracy"], heights + shift, "o", color=colour, markersize=5, label=label)
    axes.set_yticks(heights, table[by].tolist())
    reach = table[["train_accuracy_high", "val_accuracy_high"]].to_numpy().max()
    axes.set_xlim(0, max(1.06 * float(reach), 0.02))
    drawn.legend(loc="outside lower left", ncols=2, frameon=False, fontsize=9)
    return drawn


def _student(scores: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, float]:
    half = float(stats.t.ppf(0.975, len(scores) - 1) * scores.std(ddof=1) / math.sqrt(len(scores)))
    return max(0.0, scores.mean() - half), min(1.0, scores.mean() + half)


def _wilson(share: float, images: int) -> tuple[float, float]:
    found = stats.binomtest(round(share * images), images).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)
