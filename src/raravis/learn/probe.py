"""Fit a head on the features of frozen backbones: embed once, choose by cross-validation, join into one network."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.model_selection import KFold

from raravis import engine, files, heads, progress
from raravis.data.pixels import PixelStore
from raravis.learn.embed import Extractor, read
from raravis.learn.fit import Fitted, Part
from raravis.learn.select import Selected, crossed, select, species_folds
from raravis.models import patches
from raravis.models.probe import Options, joined
from raravis.run import HEADS, HISTORY, Run

_PARTS: Final = 3
"""Of val, each named by a head that learned from the others."""


def fit(
    run: Run,
    options: Options,
    pictures: PixelStore,
    parts: Mapping[str, Part],
    *,
    quiet: bool = False,
) -> Fitted:
    """Fit `run.recipe`; features that the cache holds are not computed again.

    Writes `heads.csv` (every candidate, judged by cross-validation on train and val together) and a `history.csv` of
    one row.

    Args:
        run: an open run, held exclusively.
        options: of its model.
        pictures: holds the images of `parts`.
        parts: `train` and `val`.
        quiet: no progress bar.

    Returns:
        The network, and logits of both parts. Where the head learned from val too, those of val are by heads that were
        fitted on train and on the rest of val, so nearly as good as the head itself.

    Raises:
        DataError: a family without images, features that are no numbers.
        UsageError, OfflineError: a backbone that cannot be had.
        StorageError: the cache cannot be written.
    """
    seed, families = run.recipe.seed, run.families
    begun = time.perf_counter()
    engine.seed(seed)  # of backbones of random weights
    extractors = _extractors(run, options, pictures, parts["train"].rows, quiet)
    rows = np.concatenate([parts["train"].rows, parts["val"].rows])
    classes = np.concatenate([parts["train"].classes, parts["val"].classes])
    features = blocks(options, extractors, pictures, pictures.ids(rows), quiet=quiet)
    taught = len(parts["train"].rows)
    candidates = heads.candidates(options.heads)
    with progress.bar("Choosing the head", len(candidates) * options.folds, quiet=quiet, unit="fits") as advance:
        found = select(
            candidates,
            features,
            classes,
            count=len(families),
            folds=options.folds,
            objective=options.objective,
            seed=seed,
            copies=copies_of(parts),
            ended=advance,
        )
    with files.atomic(run.path / HEADS) as stream:
        found.table.to_csv(stream, index=False, lineterminator="\n")
    last = len(rows) if options.learn_from == "train+val" else taught
    head = heads.fit(found.options, features[:last], classes[:last], count=len(families), seed=seed)
    logits = {"train": head.logits(features[:taught]), "val": head.logits(features[taught:])}
    if options.learn_from == "train+val":
        logits["val"] = _unseen(found.options, features, classes, taught, len(families), seed, copies_of(parts))
    model = joined(options, [e.model for e in extractors], size=run.recipe.data.size, head=head.join)
    write_history(run, logits, parts, time.perf_counter() - begun)
    made = _crossed(found, features, classes, species_of(parts), options.folds, seed)
    return Fitted(model, logits, **judged(rows, classes, made))


def _extractors(
    run: Run, options: Options, pictures: PixelStore, taught: NDArray[np.int64], quiet: bool
) -> list[Extractor]:
    """The backbones of a probe: opened, or, where they are to be learned from the images `taught`, learned."""
    if isinstance(options, patches.Options):
        from raravis.learn.patches import learned  # scikit-learn's k-means, so only where it is asked for

        return [learned(options, pictures, taught, seed=run.recipe.seed, quiet=quiet)]
    return [
        Extractor.open(source.name, size=source.size or run.recipe.data.size, weights=source.weights)
        for source in options.backbones
    ]


def blocks(
    options: Options, extractors: Sequence[Extractor], pictures: PixelStore, image_ids: Sequence[str], *, quiet: bool
) -> NDArray[np.float32]:
    """The features of images as the joined network computes them, float32 `(n, D)`: `embedding`, from the cache."""
    made = []
    for source, extractor in zip(options.backbones, extractors, strict=True):
        block = np.zeros((len(image_ids), extractor.width), np.float32)
        for view in source.views:
            block += read(extractor, pictures, image_ids, view, quiet=quiet)
        block /= len(source.views)
        made.append(block / np.maximum(np.linalg.norm(block, axis=1, keepdims=True), 1e-12))
    return np.concatenate(made, axis=1)


def _unseen(
    options: heads.Options,
    features: NDArray[np.float32],
    classes: NDArray[np.int64],
    taught: int,
    count: int,
    seed: int,
    copies: NDArray[np.int64] | None,
) -> NDArray[np.float32]:
    """Logits of val by heads that had not seen the image or a copy of it: of train and the other parts of val."""
    val = np.arange(taught, len(classes))
    alike = np.arange(len(val)) if copies is None else np.unique(copies[taught:], return_inverse=True)[1]
    count_of = int(alike.max()) + 1 if len(val) else 0
    folds = [(np.empty(0, np.int64), np.arange(len(val)))]
    if count_of > 1:
        parts = KFold(min(_PARTS, count_of), shuffle=True, random_state=seed).split(np.arange(count_of))
        folds = [(np.flatnonzero(np.isin(alike, a)), np.flatnonzero(np.isin(alike, b))) for a, b in parts]
    logits = np.empty((len(val), count), np.float32)
    for learn, judge in folds:
        rows = np.concatenate([np.arange(taught), val[learn]])
        head = heads.fit(options, features[rows], classes[rows], count=count, seed=seed)
        logits[judge] = head.logits(features[val[judge]])
    return logits


def judged(
    rows: NDArray[np.int64], classes: NDArray[np.int64], made: Mapping[str, NDArray[np.float32]]
) -> dict[str, Any]:
    """`crossed` and `held` of `Fitted`, from logits float32 `(n, K)` by way, NaN in rows that were not judged."""
    there = {way: ~np.isnan(logits[:, 0]) for way, logits in made.items()}
    return {
        "crossed": {way: (classes[there[way]], logits[there[way]]) for way, logits in made.items()},
        "held": {way: rows[some] for way, some in there.items()},
    }


def copies_of(parts: Mapping[str, Part]) -> NDArray[np.int64] | None:
    """Equal numbers for images of train and val that are copies of one another; None where none are known of."""
    found = [parts[side].copies for side in ("train", "val")]
    return None if any(one is None for one in found) else np.concatenate([one for one in found if one is not None])


def species_of(parts: Mapping[str, Part]) -> NDArray[np.int64]:
    """The species of the images of train and val, −1 where unknown."""
    return np.concatenate(
        [
            np.full(len(parts[side].rows), -1) if parts[side].species is None else parts[side].species
            for side in ("train", "val")
        ]
    )


def _crossed(
    found: Selected,
    features: NDArray[np.float32],
    classes: NDArray[np.int64],
    species: NDArray[np.int64],
    folds: int,
    seed: int,
) -> dict[str, NDArray[np.float32]]:
    """How the chosen head does on images held out at random and, where species are known, on species held out."""
    made = {"cross_validation": found.logits}
    if parts := species_folds(classes, species, folds, seed):
        count = found.logits.shape[1]
        made["held_out_species"] = crossed(found.options, features, classes, parts, count=count, seed=seed)
    return made


def write_history(
    run: Run, logits: Mapping[str, NDArray[np.float32]], parts: Mapping[str, Part], seconds: float
) -> None:
    """One row, as if the fit were one epoch."""
    row: dict[str, float] = {"epoch": 0}
    for side, before in (("train", ""), ("val", "val_")):
        classes = parts[side].classes
        row[f"{before}loss"] = float(-log_softmax(logits[side], axis=1)[np.arange(len(classes)), classes].mean())
        row[f"{before}accuracy"] = float((logits[side].argmax(1) == classes).mean())
    row["learning_rate"] = 0.0
    row["seconds"] = round(seconds, 3)
    files.write_text(run.path / HISTORY, pd.DataFrame([row]).to_csv(index=False, lineterminator="\n"))
    run.set_status("running")
