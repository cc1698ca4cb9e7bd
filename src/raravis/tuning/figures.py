"""What a search found, drawn: one line a trial across the fields of its space, coloured by its score."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from raravis import drawing
from raravis.tuning.search import OBJECTIVES, Trial
from raravis.tuning.space import Field

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WORST, _BEST = "#d9e3ea", "#0072B2"
_TICKS: Final = 5


def parallel(trials: Sequence[Trial], space: Sequence[Field], objective: str) -> Figure:
    """Draw parallel coordinates: an axis a field and one for the score; dark lines are good trials, orange the best.

    Args:
        trials: completed ones, at least one.
        space: the fields, in the order of the axes.
        objective: what the score is.
    """
    from matplotlib.colors import LinearSegmentedColormap

    scores = np.array([trial.score for trial in trials], float)
    good = scores if OBJECTIVES[objective] == "max" else -scores
    order = np.argsort(good)  # the best is drawn last, above the others
    heights = np.column_stack([*(_heights(field, trials) for field in space), _scaled(scores)])
    drawn = drawing.figure(max(6.0, 1.9 * heights.shape[1]), 4.2)
    axes = drawn.subplots()
    shades = LinearSegmentedColormap.from_list("scores", [_WORST, _BEST])
    ranks = np.linspace(0.15, 1, len(trials)) if len(trials) > 1 else np.ones(1)
    for place, rank in zip(order, ranks, strict=True):
        last = place == order[-1]
        look: dict[str, Any] = {
            "color": drawing.PALETTE[1] if last else shades(rank),
            "linewidth": 2.4 if last else 1.3,
        }
        axes.plot(range(heights.shape[1]), heights[place], marker="o", markersize=3.5, **look)
    axes.set_xlim(-0.35, heights.shape[1] - 0.3)
    axes.set_ylim(-0.06, 1.06)
    axes.set_yticks([])
    names = [field.key.replace(".", ".\n") for field in space]
    axes.set_xticks(range(heights.shape[1]), [*names, objective], color=drawing.INK, fontsize=9)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    for number, ticks in enumerate([*(_ticks(field, trials) for field in space), _score_ticks(scores)]):
        axes.axvline(number, color=drawing.LINE, zorder=0)
        for height, text in ticks:
            look = {"fontsize": 7.5, "color": drawing.MUTED, "va": "center"}
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.75}
            axes.text(number + 0.05, height, text, **look, bbox=box)
    return drawn


def _heights(field: Field, trials: Sequence[Trial]) -> np.ndarray[Any, Any]:
    values = [trial.values[field.key] for trial in trials]
    if field.choices:
        last = max(1, len(field.choices) - 1)
        return np.array([field.choices.index(value) / last for value in values])
    low, high, each = float(field.low), float(field.high), np.array(values, float)
    if field.log:
        low, high, each = np.log(low), np.log(high), np.log(each)
    return np.asarray((each - low) / (high - low))


def _scaled(scores: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    low, high = scores.min(), scores.max()
    return np.asarray((scores - low) / (high - low)) if high > low else np.full(len(scores), 0.5)


def _ticks(field: Field, trials: Sequence[Trial]) -> list[tuple[float, str]]:
    if field.choices:
        last = max(1, len(field.choices) - 1)
        return [(i / last, c if isinstance(c, str) else json.dumps(c)) for i, c in enumerate(field.choices)]
    shares = np.linspace(0, 1, _TICKS if not field.whole else min(_TICKS, int(field.high - field.low) + 1))
    low, high = float(field.low), float(field.high)
    if field.log:
        return [(share, f"{low * (high / low) ** share:.2g}") for share in shares]
    return [(share, f"{low + (high - low) * share:.3g}") for share in shares]


def _score_ticks(scores: np.ndarray[Any, Any]) -> list[tuple[float, str]]:
    if scores.max() == scores.min():
        return [(0.5, f"{scores[0]:.3f}")]
    return [(share, f"{scores.min() + share * (scores.max() - scores.min()):.3f}") for share in (0.0, 0.5, 1.0)]
