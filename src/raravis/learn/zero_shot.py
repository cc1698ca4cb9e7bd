"""Directions of families in the space that images and texts share: by their names, or by names and a few photographs.

Enter: lineages, a backbone that reads, perhaps images. Leaves: a linear head on features of length 1, and the network
that it joins.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from raravis import backbones, files
from raravis.data.labels import Lineages
from raravis.data.pixels import PixelStore
from raravis.errors import DataError
from raravis.heads import Linear
from raravis.learn.embed import Extractor, read
from raravis.learn.fit import Fitted, Part
from raravis.learn.probe import judged, species_of, write_history
from raravis.learn.select import species_folds
from raravis.lineages import Taxonomy
from raravis.models.zero_shot import Options, joined
from raravis.prompts import prompts
from raravis.run import HEADS, Run

SHARES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the photographs in a direction, that are tried; the rest is the name's."""

_FOLDS: Final = 3
"""Of species, each judged where photographs of the other two were shown."""


def network(options: Options, lineages: Lineages, *, size: int) -> Any:
    """The network that names these families without having seen an image of them.

    Args:
        options: of the model.
        lineages: of the families, in the order of its logits.
        size: side of the images that enter.

    Raises:
        UsageError, OfflineError: the backbone cannot be had, or has no text tower.
    """
    head = _named(options, lineages)
    extractor = backbones.extractor(options.backbone, size=size, weights=options.weights)
    return joined(extractor, size=size, head=head.join)


def fit(
    run: Run,
    options: Options,
    pictures: PixelStore,
    parts: Mapping[str, Part],
    lineages: Lineages,
    *,
    quiet: bool = False,
) -> Fitted:
    """Name the families of a run by their names and, with `options.shots`, by a few of their photographs.

    A direction is a weighted mean of the name's features and the mean of the photographs'; the weight is the one of
    `SHARES` with the highest macro-F1 on val. Writes `heads.csv` and a `history.csv` of one row.

    Args:
        run: an open run, held exclusively.
        options: of its model.
        pictures: holds the images of `parts`.
        parts: `train`, of which at most `shots` images a family are used, and `val`.
        lineages: of the run's families.
        quiet: no progress bar.

    Raises:
        DataError: features that are no numbers.
        UsageError, OfflineError: the backbone cannot be had, or has no text tower.
        StorageError: the cache cannot be written.
    """
    begun = time.perf_counter()
    taxonomy, _ = Taxonomy.of(tuple(lineages), lineages)  # its notes are told by what judges how far to believe a run
    named = head = _named(options, {family: taxonomy.lineage(family) for family in lineages})
    extractor = Extractor.open(options.backbone, size=run.recipe.data.size, weights=options.weights)
    features = {}
    for side, part in parts.items():
        ids = pictures.ids(part.rows)
        found = read(extractor, pictures, ids, quiet=quiet)
        features[side] = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
    share = 0.0
    if options.shots:
        head, share, table = _shown(named, options.shots, features, parts, run.recipe.seed)
        files.write_text(run.path / HEADS, table.to_csv(index=False, lineterminator="\n"))
    logits = {side: head.logits(some) for side, some in features.items()}
    model = joined(extractor.model, size=run.recipe.data.size, head=head.join)
    write_history(run, logits, parts, time.perf_counter() - begun)
    crossed = _held_out(named, options.shots, share, features, parts, run.recipe.seed)
    return Fitted(model, logits, **crossed)


def _held_out(
    named: Linear,
    shots: int,
    share: float,
    features: Mapping[str, NDArray[np.float32]],
    parts: Mapping[str, Part],
    seed: int,
) -> dict[str, Any]:
    """How it does on species of which no photograph was shown: with none shown at all, on all of them."""
    rows, classes, every = (
        np.concatenate([given[side] for side in ("train", "val")])
        for given in (
            {side: part.rows for side, part in parts.items()},
            {side: part.classes for side, part in parts.items()},
            features,
        )
    )
    folds = species_folds(classes, species_of(parts), _FOLDS, seed)
    if not folds:
        return {}
    logits = np.full((len(rows), named.weights.shape[1]), np.nan, np.float32)
    for learn, judge in folds:
        seen = _photographs(named, shots, every[learn], classes[learn], seed) if share else None
        logits[judge] = (named if seen is None else _moved(named, seen, share)).logits(every[judge])
    return judged(rows, classes, {"held_out_species": logits})


def _named(options: Options, lineages: Lineages) -> Linear:
    """Logits by names: similarities at the scale that the network was trained with."""
    texts = [prompts(lineage, options.templates) for lineage in lineages.values()]
    names, scale = backbones.text_features(options.backbone, options.weights, texts)
    return Linear(np.ascontiguousarray((scale * names).T), np.zeros(len(names), np.float32))


def _shown(
    head: Linear,
    shots: int,
    features: Mapping[str, NDArray[np.float32]],
    parts: Mapping[str, Part],
    seed: int,
) -> tuple[Linear, float, pd.DataFrame]:
    """The head moved towards a few photographs of each family, their share, and what was tried."""
    seen = _photographs(head, shots, features["train"], parts["train"].classes, seed)
    tried = []
    for share in SHARES:
        moved = _moved(head, seen, share)
        named, truth = moved.logits(features["val"]).argmax(1), parts["val"].classes
        score = float(f1_score(truth, named, average="macro", zero_division=0, labels=np.unique(truth)))
        tried.append((score, share, float((named == truth).mean()), moved))
    best = max(tried, key=lambda one: one[0])
    table = [
        {"head": f"{shots} photographs, share {share:g}", "accuracy": accuracy, "macro_f1": score}
        for score, share, accuracy, _ in sorted(tried, key=lambda one: -one[0])
    ]
    return best[3], best[1], pd.DataFrame(table)


def _photographs(
    head: Linear, shots: int, features: NDArray[np.float32], classes: NDArray[np.int64], seed: int
) -> NDArray[np.float32]:
    """The direction of a few photographs of each family, float32 `(K, D)` of length 1."""
    rng = np.random.Generator(np.random.PCG64(seed))
    seen = np.zeros_like(head.weights.T)
    for one in np.unique(classes):
        rows = rng.permutation(np.flatnonzero(classes == one))[:shots]
        seen[one] = features[rows].mean(0)
    if (lacking := ~seen.any(axis=1)).any():
        raise DataError(f"{int(lacking.sum())} families have no image in train to be shown.")
    seen /= np.linalg.norm(seen, axis=1, keepdims=True)
    return seen


def _moved(head: Linear, seen: NDArray[np.float32], share: float) -> Linear:
    """The head with a share of what was seen in each direction."""
    scale = float(np.linalg.norm(head.weights[:, 0]))
    directions = (1 - share) * head.weights.T / scale + share * seen
    directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-12)
    return Linear(np.ascontiguousarray(scale * directions.T, np.float32), head.bias)
