"""What a catalogue holds: its table enters; counts for machines, figures and tables for people leave.

"Families" are those of images that can be read; images without a label count as images, not in any family.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from raravis import credits, drawing
from raravis.data.decode import UnreadableImageError, open_upright, read_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SAMPLES: Final = 30
COLUMNS: Final = 6
_SIDE: Final = 224
_ROOM: Final = 130
"""Names that fit below the bars of the distribution; beyond it they are left out."""


def summary(table: pd.DataFrame) -> dict[str, Any]:
    """Count what a catalogue's table holds; JSON-able.

    Args:
        table: `Catalogue.table`; at least one row has the status `ok`.

    Returns:
        `images` (all files), `readable`, `unreadable`, `unlabelled`; `families`, `phyla` (their numbers);
        `per_family`, `per_phylum` (name → images, the largest first); `minimum`, `median`, `maximum` of the
        family sizes; `imbalance_ratio` (maximum over minimum); `formats`, `modes` (name → images); `sizes`
        with `minimum, median, maximum` of `width` and `height` and the five `most_common` sizes; `licenses` (name →
        images; `licence unknown` for those of which none is stated).
    """
    status = table["status"]
    labelled = table[status == "ok"]
    readable = table[status != "unreadable"]
    per_family = _counts(labelled["family"])
    per_phylum = _counts(labelled.loc[labelled["phylum"] != "", "phylum"])
    sizes = np.array(list(per_family.values()))
    return {
        "images": len(table),
        "readable": len(readable),
        "unreadable": int((status == "unreadable").sum()),
        "unlabelled": int((status == "unlabelled").sum()),
        "families": len(per_family),
        "phyla": len(per_phylum),
        "per_family": per_family,
        "per_phylum": per_phylum,
        "minimum": int(sizes.min()),
        "median": float(np.median(sizes)),
        "maximum": int(sizes.max()),
        "imbalance_ratio": float(sizes.max() / sizes.min()),
        "formats": _counts(readable["format"]),
        "modes": _counts(readable["mode"]),
        "sizes": _sizes(readable),
        "licenses": _counts(_licences(readable)),
    }


def phyla(table: pd.DataFrame) -> dict[str, str]:
    """Map each family of readable images to its phylum; families without one are left out."""
    known = table[(table["status"] == "ok") & (table["phylum"] != "")]
    return dict(zip(known["family"], known["phylum"], strict=True))


def sample(table: pd.DataFrame, *, seed: int = 0, count: int = SAMPLES) -> pd.DataFrame:
    """Choose one image of each of `count` families, or of all where there are fewer; a seed fixes them.

    Returns:
        Rows of `table`, by phylum and family.
    """
    labelled = table[table["status"] == "ok"].sort_values(["family", "file_path"])
    random = np.random.default_rng(seed)
    families = labelled["family"].unique()
    chosen = np.sort(random.choice(families, min(count, len(families)), replace=False))
    groups = labelled.groupby("family").groups
    rows = labelled.loc[[random.choice(np.asarray(groups[name])) for name in chosen]]
    return rows.sort_values(["phylum", "family"])


def samples(rows: pd.DataFrame, root: Path) -> Figure:
    """Draw the images of `sample`, uncropped, each with its family and phylum.

    A file that changed since it was looked at, and cannot be read now, is drawn as an empty square.
    """
    pictures = [_picture(root / path) for path in rows["file_path"]]
    return drawing.image_grid(pictures, rows["family"].tolist(), COLUMNS, rows["phylum"].tolist())


def distribution(per_family: dict[str, int], groups: dict[str, str]) -> Figure:
    """Draw the family sizes as a box plot with every family as a point, and as sorted bars.

    Args:
        per_family: family → images, at least one.
        groups: family → phylum, which colours the bars; may be empty.
    """
    ordered = sorted(per_family.items(), key=lambda item: (-item[1], item[0]))
    sizes = np.array([size for _, size in ordered])
    kinds = sorted(set(groups.values()))
    colours = {kind: drawing.PALETTE[i % len(drawing.PALETTE)] for i, kind in enumerate(kinds)}
    named = len(ordered) <= _ROOM
    drawn = drawing.figure(min(max(9.0, 0.125 * len(ordered)), 17), 6.6 if named else 5.6)
    upper, lower = drawn.subplots(2, 1, height_ratios=(1, 3.2))
    _box(drawing.dress(upper, title="Images a family", grid="x"), sizes)
    drawing.dress(lower, title="Every family", y="images")
    bars = [colours.get(groups.get(name, ""), drawing.PALETTE[0]) for name, _ in ordered]
    lower.bar(range(len(ordered)), sizes, width=0.8, color=bars)
    lower.set_xlim(-0.8, len(ordered) - 0.2)
    if named:
        small = 6.5 if len(ordered) > 40 else 8.5
        lower.set_xticks(range(len(ordered)), [name for name, _ in ordered], rotation=90, fontsize=small)
    else:
        lower.set_xticks([])
        lower.set_xlabel(f"{len(ordered)} families, the largest first", color=drawing.MUTED)
    median = float(np.median(sizes))
    lower.axhline(median, color=drawing.INK, linewidth=0.8, linestyle=(0, (4, 3)))
    spot = (len(ordered) - 0.4, median)
    lower.annotate(f"median {median:g}", spot, (0, 4), textcoords="offset points", ha="right", fontsize=8.5)
    if kinds:
        from matplotlib.patches import Patch

        handles = [Patch(color=colours[kind], label=kind) for kind in kinds]
        lower.legend(
            handles=handles,
            loc="upper right",
            framealpha=1,
            edgecolor="white",
            fontsize=8.5,
            ncols=-(-len(kinds) // 8),
        )
    return drawn


def _box(axes: Any, sizes: np.ndarray[Any, Any]) -> None:
    spread = np.random.default_rng(0).uniform(-0.17, 0.17, len(sizes))
    axes.scatter(sizes, 1 + spread, s=11, color=drawing.PALETTE[0], alpha=0.45, linewidth=0, zorder=3)
    line = {"color": drawing.INK, "linewidth": 1.1}
    axes.boxplot(
        sizes,
        orientation="horizontal",
        widths=0.55,
        showfliers=False,
        boxprops=line,
        whiskerprops=line,
        capprops=line,
        medianprops={"color": drawing.PALETTE[1], "linewidth": 2.2},
    )
    axes.set_yticks([])
    axes.set_xlim(left=0)


def _counts(column: pd.Series[Any]) -> dict[str, int]:
    counts = column.value_counts()
    return {str(name): int(n) for name, n in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))}


def _licences(readable: pd.DataFrame) -> pd.Series[Any]:
    """The licence of each image, `credits.UNKNOWN` where none is stated."""
    if "license" not in readable:
        return pd.Series(credits.UNKNOWN, index=readable.index)
    return readable["license"].where(readable["license"] != "", credits.UNKNOWN)


def _sizes(readable: pd.DataFrame) -> dict[str, Any]:
    found: dict[str, Any] = {
        side: {
            "minimum": int(readable[side].min()),
            "median": float(readable[side].median()),
            "maximum": int(readable[side].max()),
        }
        for side in ("width", "height")
    }
    pairs = readable["width"].astype(str) + "×" + readable["height"].astype(str)
    return {**found, "most_common": dict(list(_counts(pairs).items())[:5])}


def _picture(path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    try:
        image = open_upright(read_bytes(path), around=2 * _SIDE)
    except UnreadableImageError:
        return np.full((_SIDE, _SIDE, 3), 225, np.uint8)
    image.thumbnail((2 * _SIDE, 2 * _SIDE))
    return np.asarray(image, np.uint8)


def families_table(table: pd.DataFrame) -> pd.DataFrame:
    """List every family: its phylum, images, share of all labelled images, species where they are known."""
    labelled = table[table["status"] == "ok"]
    groups = labelled.groupby("family")
    found = groups.agg(phylum=("phylum", "first"), images=("family", "size")).reset_index()
    found["share"] = found["images"] / found["images"].sum()
    if (labelled["species"] != "").any():
        species = labelled[labelled["species"] != ""].groupby("family")["species"].nunique()
        found["species"] = found["family"].map(species).fillna(0).astype(int)
    return found.sort_values(["images", "family"], ascending=[False, True], ignore_index=True)


def unreadable_table(table: pd.DataFrame, limit: int = 200) -> pd.DataFrame:
    """List files that cannot be read and why, `limit` at most."""
    bad = table[table["status"] == "unreadable"]
    return bad[["file_path", "error"]].rename(columns={"file_path": "file", "error": "why"}).head(limit)


def words(counts: dict[str, int], limit: int = 4) -> str:
    """Write counts in one line: `JPEG 7,466 · PNG 12`."""
    shown: Sequence[tuple[str, int]] = list(counts.items())[:limit]
    more = f" · {len(counts) - limit} more" if len(counts) > limit else ""
    return " · ".join(f"{name} {count:,}" for name, count in shown) + more
