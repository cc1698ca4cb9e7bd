"""Which families are taken for which: truth and predictions enter, a matrix, a table and a figure leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from raravis import drawing
from raravis.judge.predictions import Ints

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TICKS: Final = (0.0, 0.05, 0.2, 0.5, 1.0)


def matrix(truth: Ints, predicted: Ints, families: int) -> Ints:
    """Count images by true (row) and predicted (column) family: int64 (K, K).

    Args:
        truth: (n,), 0 to K - 1.
        predicted: (n,), 0 to K - 1.
        families: K.
    """
    return np.bincount(truth * families + predicted, minlength=families**2).reshape(families, families)


def pairs(counts: Ints, families: Sequence[str], limit: int = 25) -> pd.DataFrame:
    """List the most frequent confusions, the largest count first, then the largest share.

    Args:
        counts: (K, K) from `matrix`.
        families: K names.
        limit: rows at most.

    Returns:
        `family` (the true one), `taken for`, `images`, `of` (images of the true family), `share` (0–1).
    """
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    rows, columns = np.nonzero(wrong)
    names = np.asarray(families, object)
    found = pd.DataFrame(
        {
            "family": names[rows],
            "taken for": names[columns],
            "images": wrong[rows, columns],
            "of": counts.sum(axis=1)[rows],
        }
    )
    found["share"] = found["images"] / found["of"]
    order = ["images", "share", "family", "taken for"]
    return found.sort_values(order, ascending=[False, False, True, True], ignore_index=True).head(limit)


def figure(counts: Ints, families: Sequence[str], groups: Mapping[str, str] | None = None) -> Figure:
    """Draw the matrix, each row as shares of the true family's images, large enough to read every name.

    Args:
        counts: (K, K) from `matrix`.
        families: K names.
        groups: family → phylum; families are ordered by it, and lines part the phyla. None or missing: by
            name only.
    """
    from matplotlib.colors import LinearSegmentedColormap, PowerNorm

    groups = groups or {}
    order = sorted(range(len(families)), key=lambda k: (groups.get(families[k], ""), families[k]))
    names = [families[k] for k in order]
    kinds = [groups.get(name, "") for name in names]
    shown = counts[np.ix_(order, order)]
    shares = shown / np.maximum(shown.sum(axis=1, keepdims=True), 1)
    side = max(4.5, 0.115 * len(names))
    drawn = drawing.figure(side + 2.6, side + 1.9)
    axes = drawing.dress(drawn.add_subplot(), x="predicted family", y="true family", grid="")
    ramp = LinearSegmentedColormap.from_list("share", ("#ffffff", "#bcd9ea", "#3f8fc4", "#0b4f86", "#062a4d"))
    norm = PowerNorm(0.5, 0, 1)
    image = axes.imshow(shares, ramp, norm, aspect="auto", interpolation="nearest", interpolation_stage="rgba")
    size = 6.5 if len(names) > 30 else 8
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=size)
    axes.set_yticks(range(len(names)), names, fontsize=size)
    _part(axes, kinds)
    bar = drawn.colorbar(image, ax=axes, shrink=0.35, aspect=25, pad=0.02, anchor=(0, 1), ticks=_TICKS)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, colors=drawing.MUTED, length=0)
    bar.set_label("share of the true family's images", fontsize=8, color=drawing.MUTED)
    return drawn


def _part(axes: Any, kinds: Sequence[str]) -> None:
    """Draw lines between the groups, and their names above."""
    starts = [i for i, kind in enumerate(kinds) if i == 0 or kind != kinds[i - 1]]
    ends = [*starts[1:], len(kinds)]
    for start in starts[1:]:
        axes.axhline(start - 0.5, color=drawing.MUTED, linewidth=0.6)
        axes.axvline(start - 0.5, color=drawing.MUTED, linewidth=0.6)
    top = axes.secondary_xaxis("top")
    middles = [(start + end - 1) / 2 for start, end in zip(starts, ends, strict=True)]
    top.set_xticks(middles, [kinds[start] for start in starts], fontsize=8, color=drawing.INK)
    top.tick_params(length=0)
    top.spines["top"].set_visible(False)
    for label, start, end in zip(top.get_xticklabels(), starts, ends, strict=True):
        label.set_rotation(0 if end - start > 0.13 * len(kinds) else 90)
