"""What a run's network, or a head like its own, says of every image without having learned from it.

Enter: a finished run and its images. Leave: probabilities by a head that was fitted without the image and without its
copies, and the features that they rest on.

A head on frozen features is fitted again by cross-validation on train and val; test is named by a head of both. A
network that was trained by the epoch cannot be trained again for this: it speaks for val and test itself, and of train
only its features are left, which have seen the labels and so find fewer of the wrong ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from raravis import heads, progress
from raravis.data.pixels import PixelStore
from raravis.judge import predictions
from raravis.learn.features import features
from raravis.learn.infer import outputs
from raravis.learn.select import Fold, crossed, random_folds
from raravis.models import probe, zero_shot
from raravis.run import HEADS, PREDICTIONS, Run

FOLDS: Final = 5
LEARNED: Final = ("train", "val")


@dataclass(frozen=True)
class Held:
    """What is said of n images.

    Attributes:
        probabilities: float32 `(n, K)`, rows sum to 1; NaN where nothing could be said without having seen the label.
        features: float32 `(n, D)`.
        note: what limits them, in words; "" if nothing does.
    """

    probabilities: NDArray[np.float32]
    features: NDArray[np.float32]
    note: str = ""


def held_out(
    run: Run, network: Any, pictures: PixelStore, table: pd.DataFrame, groups: NDArray[np.int64], *, quiet: bool = False
) -> Held:
    """Judge every image by what has not seen it.

    Args:
        run: finished.
        network: its own.
        pictures: hold the images.
        table: `image_id, family, split`, one row an image; families that the run knows.
        groups: int64 `(n,)`; equal numbers mark copies of one another.
        quiet: no progress.

    Raises:
        DataError: a feature is no finite number, or there are too few images to hold any out.
        StorageError: the cache cannot be written.
    """
    ids = table["image_id"].tolist()
    classes = pd.Index(run.families).get_indexer(pd.Index(table["family"])).astype(np.int64)
    sides = table["split"].to_numpy(str)
    found = features(run.recipe.model, network, pictures, ids, quiet=quiet)
    options = run.recipe.model
    if isinstance(options, probe.Options):
        return Held(_by_heads(run, options, found, classes, sides, groups, quiet), found)
    said = _kept(run, ids)
    learned = () if isinstance(options, zero_shot.Options) else LEARNED
    unseen = np.flatnonzero(np.isnan(said[:, 0]) & ~np.isin(sides, learned))
    if len(unseen):
        rows = pictures.rows([ids[i] for i in unseen])
        said[unseen] = softmax(outputs(network, pictures, rows, batch_size=64, quiet=quiet), axis=1)
    if not np.isnan(said[:, 0]).any():
        return Held(said, found)
    return Held(
        said,
        found,
        "The network learned from the labels of train, and so rarely contradicts them: of train only neighbours are "
        "asked, and they find fewer wrong labels than on val and test. A probe of the same data finds more.",
    )


def _kept(run: Run, ids: Sequence[str]) -> NDArray[np.float32]:
    """What the run's own predictions say of val and test, which it did not learn from; NaN of all others."""
    table = predictions.load(run.path / PREDICTIONS)
    table = table[table["split"] != "train"]
    rows = pd.Index(table["image_id"]).get_indexer(pd.Index(ids))
    said: NDArray[np.float32] = predictions.probabilities(table).astype(np.float32)[rows]
    said[rows < 0] = np.nan
    return said


def _by_heads(
    run: Run,
    options: probe.Options,
    found: NDArray[np.float32],
    classes: NDArray[np.int64],
    sides: NDArray[np.str_],
    groups: NDArray[np.int64],
    quiet: bool,
) -> NDArray[np.float32]:
    """Probabilities by heads of the run's own kind, each row by one that had not learned from it."""
    count, seed = len(run.families), run.recipe.seed
    own = _chosen(run, options)
    learned = np.flatnonzero(np.isin(sides, LEARNED))
    parts = _folds(classes, groups, learned, count, max(options.folds, FOLDS), seed)
    with progress.bar("Asking heads that have not seen the image", len(parts) + 1, quiet=quiet, unit="fits") as advance:
        logits = crossed(own, found, classes, parts, count=count, seed=seed, ended=advance)
        judged = ~np.isnan(logits[:, 0])
        warmth = _temperature(logits[judged], classes[judged])
        others = np.setdiff1d(np.arange(len(classes)), learned)
        if len(others):
            logits[others] = heads.fit(own, found[learned], classes[learned], count=count, seed=seed).logits(
                found[others]
            )
        advance()
    said = np.full(logits.shape, np.nan, np.float32)
    judged = ~np.isnan(logits[:, 0])
    said[judged] = softmax(logits[judged] / warmth, axis=1)
    return said


def _temperature(logits: NDArray[np.float32], classes: NDArray[np.int64]) -> float:
    """What logits are divided by, so that the labels are as likely as can be; one number learns none by heart."""

    def loss(log: float) -> float:
        return float(-log_softmax(logits / np.exp(log), axis=1)[np.arange(len(classes)), classes].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-5, 5), method="bounded").x))


def _chosen(run: Run, options: probe.Options) -> heads.Options:
    """The head that the run chose: the first row of its `heads.csv`."""
    candidates = heads.candidates(options.heads)
    file = run.path / HEADS
    best = str(pd.read_csv(file)["head"].iloc[0]) if file.is_file() else ""
    return next((one for one in candidates if str(one) == best), candidates[0])


def _folds(
    classes: NDArray[np.int64],
    groups: NDArray[np.int64],
    learned: NDArray[np.int64],
    count: int,
    folds: int,
    seed: int,
) -> list[Fold]:
    """Folds of the rows `learned` that keep copies together: who judges an image has seen none of its copies."""
    _, first, member = np.unique(groups[learned], return_index=True, return_inverse=True)
    parts = random_folds(classes[learned[first]], count, folds, seed)
    made = []
    for _, judged in parts:
        held = np.isin(member, judged)
        rest = learned[~held]
        lost = np.setdiff1d(classes[learned], classes[rest])  # a class that lies in this fold alone stays in
        held &= ~np.isin(classes[learned], lost)
        made.append((learned[~held], learned[held]))
    return made
