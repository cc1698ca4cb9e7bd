"""Figures that show how far a model can be trusted: arrays enter, figures leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from raravis import drawing
from raravis.errors import DataError
from raravis.judge import metrics, selective
from raravis.judge.predictions import Floats
from raravis.judge.selective import Flags

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DASHES: Final[dict[str, Any]] = {"color": drawing.MUTED, "linestyle": (0, (4, 3)), "linewidth": 1}
_NAMED: Final = 12
_SHADES: Final = (drawing.PALETTE[0], "#3D8FC0", "#5B7F8C", "#A9C4CF", "#DDE2E0")
"""Of ranks, the narrowest first."""


def calibration(before: Floats, after: Floats, correct_before: Flags, correct_after: Flags) -> Figure:
    """Draw accuracy against confidence before and after calibration, and how often each confidence occurs.

    Args:
        before: `(n,)`, 0–1, confidence of the predicted family before.
        after: `(n,)`, after.
        correct_before: `(n,)`, whether the prediction was right before.
        correct_after: `(n,)`, after; calibration but by temperature can change predictions.
    """
    drawn = drawing.figure(9.4, 5.6)
    panels = drawn.subplots(2, 2, sharex=True, sharey="row", height_ratios=(4, 1))
    sides = (("Before calibration", before, correct_before), ("After calibration", after, correct_after))
    for column, (title, confidence, correct) in enumerate(sides):
        error = metrics.calibration_error(confidence, correct)
        upper, lower = panels[:, column]
        drawing.dress(upper, title=f"{title}: error {error:.3f}", y="" if column else "accuracy", grid="both")
        _reliability(upper, confidence, correct, drawing.PALETTE[1 - column])
        drawing.dress(lower, x="confidence", y="" if column else "images")
        lower.hist(confidence, bins=np.linspace(0, 1, 31).tolist(), color=drawing.PALETTE[1 - column], alpha=0.75)
    panels[0, 0].set_xlim(0, 1.02)
    panels[0, 0].set_ylim(0, 1.02)
    panels[0, 0].legend(loc="lower right", frameon=False, fontsize=9)
    return drawn


def risk_coverage(confidence: Floats, correct: Flags, precisions: Sequence[float] = (0.95, 0.99)) -> Figure:
    """Draw the share of wrong answers against the share of images answered, the surest first.

    Args:
        confidence: `(n,)`, 0–1.
        correct: `(n,)`, whether the answer is right.
        precisions: wanted shares of right answers, whose thresholds are marked where there are such.

    Raises:
        DataError: as for `selective.curve`.
    """
    covered, risk = selective.curve(confidence, correct)
    area, excess = selective.aurc(confidence, correct)
    drawn = drawing.figure(6.4, 4.4)
    axes = drawing.dress(
        drawn.subplots(), x="share of images answered", y="share of answers that are wrong", grid="both"
    )
    axes.plot(covered, risk, color=drawing.PALETTE[0], label=f"this model: area {area:.4f}, excess {excess:.4f}")
    wrong = 1 - float(np.mean(correct))
    best = np.linspace(1e-3, 1, 500)
    axes.plot(best, np.maximum(best - 1 + wrong, 0) / best, label="a perfect order of the same answers", **_DASHES)
    for i, wanted in enumerate(precisions):
        least, _, share = selective.threshold(confidence, correct, precision=wanted)
        if share:
            at = float(np.interp(share, covered, risk))
            told = f"{wanted:.0%} right: {share:.0%} answered, confidence from {least:.2f}"
            axes.plot(share, at, "o", color=drawing.PALETTE[1 + i % 5], markersize=7, label=told)
    axes.set_xlim(0, 1.01)
    axes.set_ylim(0, max(0.02, 1.25 * max(wrong, float(risk[covered > 0.05].max(initial=0)))))
    for which in (axes.xaxis, axes.yaxis):
        which.set_major_formatter(lambda value, _: f"{value:.0%}")
    drawn.legend(loc="outside upper left", frameon=False, fontsize=9)
    return drawn


def class_coverage(
    per_class: Sequence[Mapping[str, Any]], families: Sequence[str], *, coverage: float, low: float
) -> Figure:
    """Draw for every family how often its images have it in their set, against its number of images.

    Args:
        per_class: `sets.judge(…)["per_class"]`; at least one family has images.
        families: K names.
        coverage: what was promised on average, a line.
        low: coverage below which a family is badly covered; at most 12 of them are named, those with most images first.

    Raises:
        DataError: not one row a family, or no family has images.
    """
    rows = [(row["n"], row["coverage"], row["ci95"], name) for row, name in zip(per_class, families, strict=False)]
    rows = sorted((row for row in rows if row[0]), key=lambda row: (-row[1], -row[0], row[3]))
    if len(per_class) != len(families) or not rows:
        raise DataError(f"One row a family, some with images, was expected: {len(per_class)} rows, {len(families)}.")
    bad = [row[1] < low for row in rows]
    colours = [drawing.PALETTE[1] if is_bad else drawing.PALETTE[0] for is_bad in bad]
    drawn = drawing.figure(10.5, 4.6)
    left, right = drawn.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    drawing.dress(left, title="Families, best covered first", x="rank of the family", y="coverage")
    places = np.arange(1, len(rows) + 1)
    left.vlines(places, [ci[0] for _, _, ci, _ in rows], [ci[1] for _, _, ci, _ in rows], colors=drawing.LINE)
    left.scatter(places, [row[1] for row in rows], c=colours, s=11, zorder=3)
    drawing.dress(right, title="By number of images", x="images of the family", grid="both")
    images = np.array([row[0] for row in rows])
    beside = np.random.default_rng(0).uniform(-0.28, 0.28, len(rows))
    right.scatter(images + beside, [row[1] for row in rows], c=colours, s=15, alpha=0.75, linewidths=0, zorder=3)
    for axes in (left, right):
        axes.axhline(coverage, **_DASHES)
    _name_worst(right, [row for row, is_bad in zip(rows, bad, strict=True) if is_bad])
    left.set_ylim(-0.03, 1.04)
    left.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    return drawn


def set_sizes(members: Flags, *, coverage: float) -> Figure:
    """Draw how many families the sets hold; sizes above 9 share a bar.

    Args:
        members: `(n, K)`, n ≥ 1.
        coverage: what was promised, for the title.
    """
    sizes = members.sum(axis=1)
    counts = np.bincount(np.minimum(sizes, 10), minlength=3)
    drawn = drawing.figure(5.8, 3.6)
    title = f"{sizes.mean():.2f} families a set for {coverage:.0%} coverage"
    axes = drawing.dress(drawn.subplots(), title=title, x="families in the set", y="images")
    bars = axes.bar(range(len(counts)), counts, width=0.72, color=drawing.PALETTE[0])
    axes.bar_label(bars, [f"{c / len(sizes):.1%}" if c else "" for c in counts], padding=3, color=drawing.MUTED)
    axes.set_xticks(range(len(counts)), ["10 +" if k == 10 else str(k) for k in range(len(counts))])
    axes.set_ylim(0, 1.12 * counts.max())
    return drawn


def ranks(groups: Mapping[str, Mapping[str, tuple[float, float]]]) -> Figure:
    """Draw what share of images is told each rank, one bar a group; what was wrong is hatched.

    Args:
        groups: such as `known animals` → rank → the share of all images, 0–1, and how much of that is wrong, 0–1; at
            least one rank. The first rank comes first.

    Raises:
        DataError: no group.
    """
    from matplotlib.patches import Patch

    if not groups:
        raise DataError("At least one group of images was expected; found none.")
    drawn = drawing.figure(9.0, 1.25 + 0.62 * len(groups))
    axes = drawing.dress(drawn.subplots(), x="share of the images", grid="x")
    shades = {
        rank: _SHADES[i % len(_SHADES)] for i, rank in enumerate(dict.fromkeys(r for g in groups.values() for r in g))
    }
    for row, told in enumerate(groups.values()):
        left = 0.0
        for rank, (share, wrong) in told.items():
            ink = "white" if _SHADES.index(shades[rank]) < 3 else drawing.INK
            axes.barh(row, share, left=left, height=0.6, color=shades[rank], edgecolor="white", linewidth=0.8)
            if wrong:
                place: dict[str, Any] = {"left": left + share - wrong, "height": 0.6, "color": "none", "linewidth": 0}
                axes.barh(row, wrong, hatch="////", edgecolor=ink, **place)
            if share > 0.045:
                axes.text(left + share / 2, row, f"{share:.0%}", ha="center", va="center", fontsize=8.5, color=ink,
                          bbox={"facecolor": shades[rank], "edgecolor": "none", "pad": 1.5})  # fmt: skip
            left += share
    axes.set_yticks(range(len(groups)), list(groups))
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    handles = [Patch(color=shade, label=rank) for rank, shade in shades.items()]
    handles.append(Patch(facecolor="white", edgecolor=drawing.MUTED, hatch="////", label="wrong"))
    drawn.legend(handles=handles, loc="outside upper left", ncols=6, frameon=False, fontsize=9)
    return drawn


def novelty(known: Mapping[str, Floats], new: Mapping[str, Mapping[str, Floats]]) -> Figure:
    """Draw how well scores tell images of new families from those of known ones: ROC curves, two panels a row.

    Args:
        known: score → its values for images of known families, large where an image is unlike them.
        new: kind of new images (such as `near` and `far`) → score → values.

    Raises:
        DataError: no kind, a score that is not in `known`, no values, or NaN.
    """
    if not new:
        raise DataError("At least one kind of new images was expected; found none.")
    columns = min(len(new), 2)
    rows = -(-len(new) // columns)
    drawn = drawing.figure(4.7 * columns, 4.6 * rows)
    for number, (kind, scores) in enumerate(new.items()):
        axes = drawing.dress(
            drawn.add_subplot(rows, columns, number + 1),
            title=kind,
            x="share of known images taken for new" if number + columns >= len(new) else "",
            y="" if number % columns else "share of new images found",
            grid="both",
        )
        axes.plot((0, 1), (0, 1), **_DASHES)
        for i, (name, values) in enumerate(scores.items()):
            if name not in known:
                raise DataError(f"The score {name!r} has no values for known images; there are {sorted(known)}.")
            false, true, area = _roc(known[name], values)
            colour = drawing.PALETTE[i % len(drawing.PALETTE)]
            axes.plot(false, true, color=colour, linewidth=1.5, label=f"{name}: AUROC {area:.3f}")
        axes.set_xlim(-0.01, 1.01)
        axes.set_ylim(-0.01, 1.01)
        axes.set_aspect("equal")
        axes.legend(loc="lower right", frameon=False, fontsize=9)
    return drawn


def _reliability(axes: Axes, confidence: Floats, correct: Flags, colour: str) -> None:
    sure, right, sizes, _ = metrics.reliability(confidence, correct)
    spread = 1.96 * np.sqrt(right * (1 - right) / sizes)
    axes.plot((0, 1), (0, 1), label="confidence = accuracy", **_DASHES)
    axes.vlines(sure, np.maximum(right - spread, 0), np.minimum(right + spread, 1), color=colour, alpha=0.35, lw=2)
    axes.plot(sure, right, "o-", color=colour, markersize=5, linewidth=1)


def _name_worst(axes: Axes, bad: Sequence[tuple[int, float, Any, str]]) -> None:
    """List badly covered families in the lower right corner: few have many images and low coverage."""
    named = sorted(bad, key=lambda row: (-row[0], row[1], row[3]))
    lines = [f"{name} {share:.0%} of {n}" for n, share, _, name in named[:_NAMED]]
    if len(named) > _NAMED:
        lines.append(f"and {len(named) - _NAMED} more")
    paper: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 2}
    look: dict[str, Any] = {"fontsize": 7.5, "color": drawing.PALETTE[1], "va": "bottom", "ha": "right", "bbox": paper}
    if lines:
        axes.text(0.99, 0.04, "\n".join(lines), transform=axes.transAxes, **look)


def _roc(known: Floats, new: Floats) -> tuple[Floats, Floats, float]:
    """Shares of known and of new images at or above each score, and the area, ties counted half."""
    values = np.concatenate([known, new]).astype(np.float64)
    if len(known) == 0 or len(new) == 0 or np.isnan(values).any():
        raise DataError(f"Scores of known and new images were expected; found {len(known)} and {len(new)}, or NaN.")
    levels, places = np.unique(-values, return_inverse=True)
    is_new = np.arange(len(values)) >= len(known)
    false = np.concatenate([[0], np.cumsum(np.bincount(places[~is_new], minlength=len(levels)))]) / len(known)
    true = np.concatenate([[0], np.cumsum(np.bincount(places[is_new], minlength=len(levels)))]) / len(new)
    return false, true, float(np.trapezoid(true, false))
