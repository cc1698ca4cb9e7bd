"""Labels that are probably wrong become items, with what speaks against each in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from raravis import credits
from raravis.reviewing.doubt import Doubt
from raravis.reviewing.item import CANDIDATES, Item

VERDICT: Final = "label in doubt"


def items(
    table: pd.DataFrame,
    families: Sequence[str],
    found: Doubt,
    probabilities: NDArray[np.float32],
    places: NDArray[np.int64],
    root: Path,
) -> list[Item]:
    """Every image against whose label something speaks, the most suspect first.

    Args:
        table: `file_path, family, split` and `credits.COLUMNS`, one row an image.
        families: K names, sorted.
        found: what is thought of the labels.
        probabilities: float32 `(n, K)`; rows of NaN where nothing is said.
        places: int64 `(n, k)`: rows of the nearest other images, −1 for none.
        root: folder that paths are relative to.
    """
    order = np.lexsort((table["file_path"].to_numpy(str), -found.suspicion))
    paths, labels, splits = (table[name].tolist() for name in ("file_path", "family", "split"))
    rights, made = credits.each(table), []
    for row in order[found.suspicion[order] > 0]:
        near = [labels[place] for place in places[row] if place >= 0]
        said = probabilities[row]
        other = families[found.family[row]]
        reasons = _reasons(labels[row], other, families, said, near)
        made.append(
            Item(
                paths[row],
                root / paths[row],
                other,
                0.0 if np.isnan(said[0]) else float(said[found.family[row]]),
                VERDICT,
                "; ".join(reasons),
                float(found.suspicion[row]),
                label=labels[row],
                split=splits[row],
                candidates=_candidates(other, labels[row], families, said, near),
                rights=rights[row],
            )
        )
    return made


def _reasons(
    label: str, other: str, families: Sequence[str], said: NDArray[np.float32], near: Sequence[str]
) -> list[str]:
    reasons = []
    if not np.isnan(said[0]):
        best = families[int(said.argmax())]
        own = said[families.index(label)]
        if best != label:
            reasons.append(f"a model that had not seen it says {best} {said.max():.2f}, {label} {own:.2f}")
    votes = Counter(near)
    if votes[other] > votes[label]:
        reasons.append(f"of its {len(near)} nearest photographs {votes[other]} are {other}, {votes[label]} {label}")
    return reasons or [f"{other} is a little likelier than {label}"]


def _candidates(
    other: str, label: str, families: Sequence[str], said: NDArray[np.float32], near: Sequence[str]
) -> tuple[tuple[str, float], ...]:
    """The probable family first, the label second, then what else was said of it."""
    share = {} if np.isnan(said[0]) else {families[i]: float(said[i]) for i in np.argsort(-said, kind="stable")}
    rest = list(share)[:CANDIDATES] if share else [family for family, _ in Counter(near).most_common()]
    names = list(dict.fromkeys([other, label, *rest]))[:CANDIDATES]
    return tuple((name, share.get(name, 0.0)) for name in names)
