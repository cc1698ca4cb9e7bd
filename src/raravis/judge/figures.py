"""Figures that show how a model learned and how it judges: tables and arrays enter, figures leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from raravis import drawing
from raravis.judge import metrics
from raravis.judge.predictions import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Images = Callable[[Sequence[str]], Sequence[np.ndarray[Any, np.dtype[np.uint8]]]]
"""Image ids → RGB uint8 (H, W, 3), one an id, in their order."""

TRAIN: Final = drawing.PALETTE[0]
VAL: Final = drawing.PALETTE[1]
_ROWS: Final = 42
_NAMES: Final = 60
"""Families whose names find room below bars side by side."""


def curves(history: pd.DataFrame) -> Figure:
    """Draw loss, accuracy and, where it is known, the learning rate by epoch.

    Args:
        history: one row an epoch: `epoch` (from 1), `loss`, `accuracy`, `val_loss`, `val_accuracy` and, if
            there and not 0 throughout, `learning_rate`; NaN leaves a gap. At least one row.
    """
    rate = "learning_rate" in history.columns and bool(history["learning_rate"].any())
    drawn = drawing.figure(10.5 if rate else 8.5, 3.8)
    panels = drawn.subplots(1, 3 if rate else 2, width_ratios=(3, 3, 2) if rate else (1, 1))
    epochs = history["epoch"]
    look: dict[str, Any] = {"marker": "o" if len(history) < 30 else None, "markersize": 3.5}
    for axes, name in zip(panels, ("loss", "accuracy"), strict=False):
        drawing.dress(axes, title=name.capitalize(), x="epoch")
        axes.plot(epochs, history[name], color=TRAIN, label="training", **look)
        axes.plot(epochs, history[f"val_{name}"], color=VAL, label="validation", **look)
    reached = history["val_accuracy"].to_numpy(float)
    if not np.isnan(reached).all():
        top = int(np.nanargmax(reached))
        epoch = int(epochs.iloc[top])
        ring: dict[str, Any] = {"marker": "o", "markersize": 9, "fillstyle": "none", "linestyle": "none"}
        label = f"best validation accuracy: {reached[top]:.3f} in epoch {epoch}"
        panels[1].plot(epoch, reached[top], color=VAL, label=label, **ring)
    panels[1].set_ylim(0, max(0.02, 1.1 * float(np.nanmax([0, *history["accuracy"], *reached]))))
    if rate:
        drawing.dress(panels[2], title="Learning rate", x="epoch")
        panels[2].plot(epochs, history["learning_rate"], color=drawing.MUTED, **look)
        panels[2].set_ylim(0, 1.1 * float(history["learning_rate"].max()))
        panels[2].yaxis.set_major_formatter("{x:g}")
    for axes in panels:
        _whole_ticks(axes)
    handles, labels = panels[1].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside lower left", ncols=3, frameon=False, fontsize=9)
    return drawn


def by_family(per_family: Mapping[str, Mapping[str, Any]], groups: Mapping[str, str] | None = None) -> Figure:
    """Draw the F1 of every family that has images, the best first, with its number of images.

    Args:
        per_family: `metrics["per_family"]`; at least one family has images.
        groups: family → phylum, which colours the bars; None or missing: one colour.
    """
    groups = groups or {}
    rows = sorted((-v["f1"], name, v["support"]) for name, v in per_family.items() if v["support"])
    kinds = sorted({groups[name] for _, name, _ in rows if name in groups})
    colours = {kind: drawing.PALETTE[i % len(drawing.PALETTE)] for i, kind in enumerate(kinds)}
    columns = -(-len(rows) // _ROWS)
    each = -(-len(rows) // columns)
    drawn = drawing.figure(max(6.0, 3.7 * columns), 0.17 * each + (1.6 if kinds else 1.0))
    for column, axes in enumerate(np.atleast_1d(np.asarray(drawn.subplots(1, columns)))):
        part = rows[column * each : (column + 1) * each]
        drawing.dress(axes, x="F1", grid="x")
        axes.barh(
            range(len(part)),
            [-score for score, _, _ in part],
            height=0.72,
            color=[colours.get(groups.get(name, ""), drawing.PALETTE[0]) for _, name, _ in part],
        )
        axes.set_yticks(range(len(part)), [name for _, name, _ in part], fontsize=7.5)
        axes.set_ylim(each - 0.4, -0.6)
        axes.set_xlim(0, 1.16)
        axes.set_xticks((0, 0.25, 0.5, 0.75, 1), ("0", "", "0.5", "", "1"))
        for i, (_, _, support) in enumerate(part):
            axes.text(1.16, i, str(support), ha="right", va="center", fontsize=7, color=drawing.MUTED)
        axes.text(1.16, -0.9, "images", ha="right", va="bottom", fontsize=7, color=drawing.MUTED)
    if kinds:
        from matplotlib.patches import Patch

        handles = [Patch(color=colours[kind], label=kind) for kind in kinds]
        _legend(drawn, handles)
    return drawn


def sizes(counts: Mapping[str, int], groups: Mapping[str, str]) -> Figure:
    """Draw how many images each family has, the largest first.

    Args:
        counts: family → images, at least one family.
        groups: family → phylum, which colours the bars; missing or "": grey.
    """
    rows = sorted((-n, name) for name, n in counts.items())
    kinds = sorted({groups[name] for _, name in rows if groups.get(name)})
    colours = {kind: drawing.PALETTE[i % len(drawing.PALETTE)] for i, kind in enumerate(kinds)}
    drawn = drawing.figure(9.0, 3.6 if len(rows) > _NAMES else 4.2)
    axes = drawing.dress(drawn.subplots(), y="training images")
    values = [-n for n, _ in rows]
    shades = [colours.get(groups.get(name, ""), drawing.MUTED) for _, name in rows]
    axes.bar(range(len(rows)), values, width=0.8, color=shades)
    axes.axhline(float(np.median(values)), color=drawing.MUTED, linestyle=(0, (4, 3)), linewidth=1)
    axes.set_xlim(-0.7, len(rows) - 0.3)
    if len(rows) > _NAMES:
        axes.set_xticks([])
        axes.set_xlabel(f"{len(rows)} families, from {rows[0][1]} to {rows[-1][1]}")
    else:
        axes.set_xticks(range(len(rows)), [name for _, name in rows], rotation=90, fontsize=8)
    if kinds:
        from matplotlib.patches import Patch

        _legend(drawn, [Patch(color=colours[kind], label=kind) for kind in kinds])
    return drawn


def _legend(drawn: Figure, handles: Sequence[Any]) -> None:
    """Put a legend above a figure, with as many names a row as its width holds."""
    longest = max(len(str(handle.get_label())) for handle in handles)
    across = max(1, int((drawn.get_figwidth() - 0.3) / (0.5 + 0.085 * longest)))
    drawn.legend(handles=handles, loc="outside upper left", ncols=across, frameon=False, fontsize=8.5)


def reliability(confidence: Floats, correct: np.ndarray[Any, np.dtype[np.bool_]]) -> Figure:
    """Draw accuracy against confidence in bins of equal mass, and how often each confidence occurs.

    Args:
        confidence: (n,), 0–1, the probability of the predicted family.
        correct: (n,), whether the prediction is right.
    """
    sure, right, sizes, _ = metrics.reliability(confidence, correct)
    drawn = drawing.figure(5.4, 5.6)
    upper, lower = drawn.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    drawing.dress(upper, y="accuracy", grid="both")
    dashes: dict[str, Any] = {"color": drawing.MUTED, "linestyle": (0, (4, 3)), "linewidth": 1}
    upper.plot((0, 1), (0, 1), label="confidence = accuracy", **dashes)
    spread = np.sqrt(right * (1 - right) / sizes)
    low, high = np.maximum(right - 1.96 * spread, 0), np.minimum(right + 1.96 * spread, 1)
    upper.vlines(sure, low, high, color=TRAIN, alpha=0.35, linewidth=2)
    bins = f"accuracy in {len(sure)} bins of equally many images"
    upper.plot(sure, right, "o-", color=TRAIN, markersize=5, linewidth=1, label=bins)
    upper.set_xlim(0, 1)
    upper.set_ylim(0, 1.02)
    drawn.legend(loc="outside upper left", frameon=False, fontsize=9)
    drawing.dress(lower, x="confidence", y="images")
    lower.hist(confidence, bins=np.linspace(0, 1, 31).tolist(), color=TRAIN, alpha=0.75)
    return drawn


def best(frame: pd.DataFrame, count: int = 12) -> pd.DataFrame:
    """Pick the most confident correct predictions, one a family at most, surest first."""
    right = frame[frame["family"] == frame["predicted"]]
    return _surest(right).drop_duplicates("family").head(count)


def worst(frame: pd.DataFrame, count: int = 12) -> pd.DataFrame:
    """Pick the most confident wrong predictions, one a pair of families at most, surest first."""
    wrong = frame[frame["family"] != frame["predicted"]]
    return _surest(wrong).drop_duplicates(["family", "predicted"]).head(count)


def gallery(chosen: pd.DataFrame, images: Images) -> Figure:
    """Show images with their true family, and below it the prediction where it is wrong, and its confidence.

    Args:
        chosen: rows of a table of predictions, at least one.
        images: gives the pixels.
    """
    right = (chosen["family"] == chosen["predicted"]).tolist()
    said = [
        f"{sure:.0%}" if ok else f"taken for {name} ({sure:.0%})"
        for name, sure, ok in zip(chosen["predicted"], chosen["confidence"], right, strict=True)
    ]
    colours = [drawing.PALETTE[2] if ok else drawing.PALETTE[1] for ok in right]
    pixels = images(chosen["image_id"].tolist())
    return drawing.image_grid(pixels, chosen["family"].tolist(), 6, said, colours)


def _surest(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(["confidence", "image_id"], ascending=[False, True])


def _whole_ticks(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins="auto", integer=True, min_n_ticks=1))
