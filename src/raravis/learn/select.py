"""Which head: every candidate is judged by cross-validation, and the best is named.

Enter: features, classes, candidates. Leave: a table, one row a candidate, and the logits of the best, each row by a
head that had not seen the image, or, where species are held out, none of its species.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import StratifiedKFold

from raravis import heads
from raravis.errors import DataError

Fold = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Rows to learn from, and rows to judge."""


@dataclass(frozen=True)
class Selected:
    """What cross-validation found.

    Attributes:
        options: of the best head.
        logits: float32 `(n, K)`, each row by a head that was fitted without it.
        table: one row a candidate, the best first: `head, accuracy, macro_f1, seconds`.
    """

    options: heads.Options
    logits: NDArray[np.float32]
    table: pd.DataFrame


def select(
    candidates: Sequence[heads.Options],
    features: NDArray[np.float32],
    classes: NDArray[np.int64],
    *,
    count: int,
    folds: int,
    objective: Literal["accuracy", "macro_f1"],
    seed: int,
    copies: NDArray[np.int64] | None = None,
    ended: Callable[[], Any] = lambda: None,
) -> Selected:
    """Cross-validate every candidate on the same folds, stratified by class.

    Classes with fewer rows than folds stay in every fold's training side, so that each head knows every class; their
    rows are not judged.

    Args:
        candidates: at least one.
        features: float32 `(n, D)`.
        classes: int64 `(n,)`.
        count: number of classes.
        folds: from 2.
        objective: what the best has the most of, over all folds together.
        seed: of the folds and the heads.
        copies: int64 `(n,)`, equal numbers for rows that stay in one fold; None for none.
        ended: called after every fitted head.

    Raises:
        DataError: no class has two rows.
    """
    parts = random_folds(classes, count, folds, seed, copies)
    rows: list[dict[str, Any]] = []
    best: tuple[float, heads.Options, NDArray[np.float32]] | None = None
    for options in candidates:
        begun = time.perf_counter()
        logits = crossed(options, features, classes, parts, count=count, seed=seed, ended=ended)
        judged = ~np.isnan(logits[:, 0])
        named = logits[judged].argmax(1)
        row: dict[str, Any] = {
            "head": str(options),
            "accuracy": float(accuracy_score(classes[judged], named)),
            "macro_f1": float(f1_score(classes[judged], named, average="macro", zero_division=0)),
            "seconds": round(time.perf_counter() - begun, 2),
        }
        rows.append(row)
        if best is None or row[objective] > best[0]:
            best = (row[objective], options, logits)
    assert best is not None
    table = pd.DataFrame(rows).sort_values(objective, ascending=False, kind="stable").reset_index(drop=True)
    return Selected(best[1], best[2], table)


def crossed(
    options: heads.Options,
    features: NDArray[np.float32],
    classes: NDArray[np.int64],
    parts: Sequence[Fold],
    *,
    count: int,
    seed: int,
    ended: Callable[[], Any] = lambda: None,
) -> NDArray[np.float32]:
    """Logits float32 `(n, K)` of the rows that each fold judges, by a head that it taught; NaN in rows that none does.

    Args:
        options: of the head.
        features: float32 `(n, D)`.
        classes: int64 `(n,)`.
        parts: pairs of rows to learn from and to judge.
        count: number of classes, K.
        seed: of the heads.
        ended: called after every fitted head.
    """
    logits = np.full((len(classes), count), np.nan, np.float32)
    for learn, judge in parts:
        head = heads.fit(options, features[learn], classes[learn], count=count, seed=seed)
        logits[judge] = head.logits(features[judge])
        ended()
    return logits


def random_folds(
    classes: NDArray[np.int64], count: int, folds: int, seed: int, copies: NDArray[np.int64] | None = None
) -> list[Fold]:
    """Folds stratified by class; rows of classes with fewer rows than folds are only learned from.

    Copies of one another, within a class, are in one fold and count as one row.

    Raises:
        DataError: no class has two rows.
    """
    marks = np.arange(len(classes)) if copies is None else copies
    _, first, member = np.unique(np.stack([classes, marks]), axis=1, return_index=True, return_inverse=True)
    order = np.argsort(first)  # lots are drawn in the order of rows, whether there are copies or not
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    member, kinds = place[member.ravel()], classes[first[order]]
    sizes = np.bincount(kinds, minlength=count)
    folds = int(min(folds, sizes.max()))
    if folds < 2:
        raise DataError("No family has two images in train and val together: heads cannot be compared.")
    many = np.flatnonzero(sizes[kinds] >= folds)
    split = StratifiedKFold(folds, shuffle=True, random_state=seed).split(many, kinds[many])
    held = (np.isin(member, many[judge]) for _, judge in split)
    return [(np.flatnonzero(~judged), np.flatnonzero(judged)) for judged in held]


def species_folds(classes: NDArray[np.int64], species: NDArray[np.int64], folds: int, seed: int) -> list[Fold]:
    """Folds that hold out whole species: none of a judged image's species is learned from.

    The species of a class are dealt to the folds, the largest first, each to the fold that has the fewest images of the
    class. Classes of one species are only learned from, as are rows of unknown species.

    Args:
        classes: int64 `(n,)`.
        species: int64 `(n,)`, −1 where unknown.
        folds: from 2.
        seed: of the order among species of one size.

    Returns:
        As many folds, or none where no class has two species.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    place = np.full(len(classes), -1, np.int64)
    for one in np.unique(classes):
        kinds, sizes = np.unique(species[(classes == one) & (species >= 0)], return_counts=True)
        if len(kinds) < 2:
            continue
        load = np.zeros(folds, np.int64)
        for number in np.lexsort((rng.random(len(kinds)), -sizes)):
            fold = int(load.argmin())
            load[fold] += sizes[number]
            place[(classes == one) & (species == kinds[number])] = fold
    parts = [(np.flatnonzero(place != fold), np.flatnonzero(place == fold)) for fold in range(folds)]
    return [(learn, judge) for learn, judge in parts if len(judge)]
