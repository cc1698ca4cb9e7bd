"""Which model is better on the same images: tables of predictions enter, differences with intervals leave.

Every comparison is paired: two models are resampled together, so that images that are hard for both cancel
out.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from raravis import drawing
from raravis.errors import DataError
from raravis.judge import metrics
from raravis.judge.predictions import Floats, Ints

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCORES: Final = ("accuracy", "macro_f1")


@dataclass(frozen=True)
class Comparison:
    """Models side by side on the images that all of them were judged on.

    Attributes:
        split: the side of the split, `test` or `val`.
        images: how many images are common.
        runs: one row a model, in the order given: `run`, and for `accuracy` and `macro_f1` the value, `_low`,
            `_high`.
        pairs: one row a pair, the earlier model first: `run`, `reference`; `accuracy_difference` and
            `macro_f1_difference` (run minus reference), each with `_low`, `_high`; `wins` (images that only
            the run has right), `losses` (only the reference), `mcnemar_p`.
        notes: what the reader should know, one sentence each.
    """

    split: str
    images: int
    runs: pd.DataFrame
    pairs: pd.DataFrame
    notes: tuple[str, ...]


def compare(predictions: Mapping[str, pd.DataFrame], *, seed: int = 0, resamples: int = 1000) -> Comparison:
    """Compare models by their predictions on common images: of `test`, or of `val` where one lacks `test`.

    Families are joined by name; a family that one model does not know counts as missed by it. Intervals are
    95% percentile bootstrap intervals over images; the p-value is McNemar's exact test (1947) that both are
    right equally often, not corrected for the number of pairs.

    Args:
        predictions: name → table of `judge.predictions`, two or more.
        seed: of the bootstrap.
        resamples: bootstrap resamples of the images, the same for all models.

    Raises:
        DataError: fewer than two tables, no side that all were judged on, or no common image.
    """
    if len(predictions) < 2:
        raise DataError(f"A comparison needs two runs or more; received {len(predictions)}.")
    split, notes = _side(predictions)
    sides = {name: table[table["split"] == split] for name, table in predictions.items()}
    truth, said, told = _common(sides, split)
    labels, codes = np.unique(np.concatenate([truth, *said]), return_inverse=True)
    real, *guesses = codes.reshape(len(said) + 1, len(truth))
    drawn = metrics.bootstrap(real, guesses, len(labels), seed=seed, resamples=resamples)
    values = [_scores(real, guess, len(labels)) for guess in guesses]
    names = list(predictions)
    runs = [
        {"run": name, **_with_intervals(SCORES, values[i], [d[:, i] for d in drawn])} for i, name in enumerate(names)
    ]
    pairs = []
    for a, b in itertools.combinations(range(len(names)), 2):
        wins = int(((guesses[b] == real) & (guesses[a] != real)).sum())
        losses = int(((guesses[a] == real) & (guesses[b] != real)).sum())
        shift = [y - x for x, y in zip(values[a], values[b], strict=True)]
        spread = [d[:, b] - d[:, a] for d in drawn]
        pairs.append(
            {
                "run": names[b],
                "reference": names[a],
                **_with_intervals([f"{score}_difference" for score in SCORES], shift, spread),
                "wins": wins,
                "losses": losses,
                "mcnemar_p": mcnemar(wins, losses),
            }
        )
    return Comparison(split, len(truth), pd.DataFrame(runs), pd.DataFrame(pairs), (*notes, *told))


def mcnemar(wins: int, losses: int) -> float:
    """Return McNemar's exact two-sided p-value (1947): the chance of such counts where neither is better.

    Args:
        wins: images that only the one has right.
        losses: images that only the other has right.
    """
    return float(binomtest(wins, wins + losses, 0.5).pvalue) if wins + losses else 1.0


def figure(found: Comparison) -> Figure:
    """Draw accuracy and macro-F1 of every model with their intervals, one line a model."""
    runs = found.runs
    drawn = drawing.figure(10, 1.3 + 0.38 * len(runs))
    panels = drawn.subplots(1, 2, sharey=True)
    for axes, score, title in zip(panels, SCORES, ("Accuracy", "Macro-F1"), strict=True):
        drawing.dress(axes, title=title, grid="x")
        best = runs[score].max()
        columns = [runs[name] for name in (score, f"{score}_low", f"{score}_high")]
        for i, (value, low, high) in enumerate(zip(*columns, strict=True)):
            colour = drawing.PALETTE[0 if value == best else 7]
            axes.hlines(i, low, high, color=colour, linewidth=2.2, alpha=0.55)
            axes.plot(value, i, "o", color=colour, markersize=7)
            look: dict[str, Any] = {"ha": "center", "fontsize": 8, "color": colour}
            axes.annotate(f"{value:.3f}", (value, i), (0, 6), textcoords="offset points", **look)
        axes.set_ylim(len(runs) - 0.5, -0.7)
        axes.margins(x=0.08)
    panels[0].set_yticks(range(len(runs)), runs["run"].tolist())
    return drawn


def _side(predictions: Mapping[str, pd.DataFrame]) -> tuple[str, tuple[str, ...]]:
    """Find the side of the split that all models were judged on, test before val."""
    sides = {name: set(table["split"]) for name, table in predictions.items()}
    lacking = [name for name, found in sides.items() if "test" not in found]
    if not lacking:
        return "test", ()
    if all("val" in found for found in sides.values()):
        note = (
            f"Not judged on test: {', '.join(lacking)}; all are compared on val, which also chose their "
            "epochs. `raravis evaluate RUN --split test` judges them on test."
        )
        return "val", (note,)
    raise DataError(
        f"The runs share no side of the split to be compared on; without test: {', '.join(lacking)}.\n"
        "Judge each with `raravis evaluate RUN --split test`, then compare again."
    )


def _common(tables: Mapping[str, pd.DataFrame], split: str) -> tuple[Any, list[Any], list[str]]:
    """Give true families, each model's predictions, and notes, on images that bear one family in all."""
    first = next(iter(tables.values()))
    shared = pd.Index(first["image_id"])
    for table in tables.values():
        shared = shared.intersection(pd.Index(table["image_id"]), sort=False)
    if shared.empty:
        raise DataError(
            f"The runs have no {split} image in common, so that nothing can be compared.\n"
            "Train them on the same DATA with the same --split file."
        )
    aligned = [table.set_index("image_id").loc[shared] for table in tables.values()]
    agree = np.logical_and.reduce([(table["family"] == aligned[0]["family"]).to_numpy() for table in aligned])
    notes = []
    sizes = {name: len(table) for name, table in tables.items()}
    if any(size != len(shared) for size in sizes.values()):
        listed = ", ".join(f"{name} {size}" for name, size in sizes.items())
        notes.append(f"The runs were judged on different images ({listed}); the {len(shared)} common ones count.")
    if not agree.all():
        notes.append(f"{int((~agree).sum())} images have another family in another run; they are left out.")
    if not agree.any():
        raise DataError(
            f"No {split} image has the same family in all runs: their labels differ, and so do their tasks.\n"
            "Train them on the same DATA with the same --split file."
        )
    truth = aligned[0]["family"].to_numpy(str)[agree]
    return truth, [table["predicted"].to_numpy(str)[agree] for table in aligned], notes


def _scores(truth: Ints, predicted: Ints, families: int) -> tuple[float, float]:
    hits, support, said = metrics.tally(truth, predicted, families)
    f1 = metrics.rates(hits, support, said)[2]
    return float((truth == predicted).mean()), float(f1[support > 0].mean())


def _with_intervals(names: Any, values: Any, drawn: Sequence[Floats]) -> dict[str, float]:
    row: dict[str, float] = {}
    for name, value, spread in zip(names, values, drawn, strict=True):
        low, high = metrics.interval(spread)
        row |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return row
