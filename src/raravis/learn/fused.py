"""Join finished runs: what they said of val decides how much each of them counts.

Enter: run folders of one split. Leaves: one network. Nothing passes a network; the predictions that the runs keep are
enough.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.metrics import accuracy_score, f1_score

from raravis import files
from raravis.errors import RunError
from raravis.judge import crossed, predictions
from raravis.learn.fit import Fitted, Part
from raravis.learn.probe import judged, write_history
from raravis.models.fused import Options, joined
from raravis.run import CROSSED, HEADS, PREDICTIONS, Run

LEAST: Final = 1e-7
"""Probabilities below are taken for this one, so that a single mistaken 0 does not outvote everyone."""


def fit(run: Run, options: Options, parts: Mapping[str, Part], image_ids: Mapping[str, Sequence[str]]) -> Fitted:
    """Weigh the members of a run by the log loss of their pool on val, and join them.

    The pool is the weighted sum of log-probabilities (a logarithmic opinion pool, Genest & Zidek 1986, Statistical
    Science 1, 114–135), its weights not held to a sum of 1, so that they also say how far the members' confidence may
    be trusted. Writes `heads.csv` (each member, and the pool) and a `history.csv` of one row.

    Args:
        run: an open run, held exclusively.
        options: of its model.
        parts: `train` and `val`.
        image_ids: of the images of both, in the order of their rows.

    Raises:
        RunError: a member is no finished run, or of another split, other families or other images than this run.
    """
    begun = time.perf_counter()
    members = [_member(run, Path(folder)) for folder in options.members]
    said = [{side: _said(member, image_ids[side]) for side in parts} for member in members]
    stacks = {side: np.stack([some[side] for some in said]) for side in parts}
    truth = parts["val"].classes
    weights = options.weights or tuple(weighed(stacks["val"], truth, alike=options.objective == "macro_f1"))
    logits = {side: np.tensordot(np.asarray(weights, np.float32), stack, 1) for side, stack in stacks.items()}
    scored = [
        {"head": f"{folder} × {weight:.3g}", **_scores(stack, truth)}
        for folder, weight, stack in zip(options.members, weights, stacks["val"], strict=True)
    ]
    table = pd.DataFrame([{"head": "all together", **_scores(logits["val"], truth)}, *scored])
    files.write_text(run.path / HEADS, table.to_csv(index=False, lineterminator="\n"))
    model = joined([member.load_model() for member in members], weights, size=run.recipe.data.size)
    write_history(run, logits, parts, time.perf_counter() - begun)
    numbers, classes = (np.concatenate([getattr(parts[side], what) for side in parts]) for what in ("rows", "classes"))
    ids = [one for side in parts for one in image_ids[side]]
    return Fitted(model, logits, **judged(numbers, classes, _crossed(members, np.asarray(weights, np.float32), ids)))


def compared(
    members: Sequence[Run], classes: NDArray[np.int64], image_ids: Sequence[str], *, objective: str
) -> tuple[float, float]:
    """What the first of some finished runs reaches on val, and what all of them do when `fit` has weighed them.

    Args:
        members: of one split.
        classes: int64 `(n,)`, of the images of val.
        image_ids: theirs.
        objective: `macro_f1` or `accuracy`.
    """
    logs = np.stack([_said(member, image_ids) for member in members])
    weights = weighed(logs, classes, alike=objective == "macro_f1")
    pool = np.tensordot(weights.astype(np.float32), logs, 1)
    return _scores(logs[0], classes)[objective], _scores(pool, classes)[objective]


def _crossed(
    members: Sequence[Run], weights: NDArray[np.float32], image_ids: Sequence[str]
) -> dict[str, NDArray[np.float32]]:
    """The pool of what the members said of images that cross-validation held out, by each way that all of them tried.

    Float32 `(n, K)`, NaN where a member did not judge the image so.
    """
    kept = [crossed.load(member.path / CROSSED) for member in members]
    made = {}
    for way in set.intersection(*(set(one) for one in kept)):
        logits = np.zeros((len(image_ids), len(members[0].families)), np.float32)
        for weight, one in zip(weights, kept, strict=True):
            place = pd.Index(one[way].image_ids).get_indexer(pd.Index(image_ids))
            said = np.maximum(one[way].probabilities[place], LEAST)
            logits += np.where((place < 0)[:, None], np.nan, weight * np.log(said)).astype(np.float32)
        if not np.isnan(logits[:, 0]).all():
            made[way] = logits
    return made


def weighed(logs: NDArray[np.float32], classes: NDArray[np.int64], *, alike: bool) -> NDArray[np.float64]:
    """The weights, from 0, under which a pool has the least log loss; those of no consequence are exactly 0.

    Args:
        logs: float32 `(M, n, K)`, log-probabilities by every member.
        classes: int64 `(n,)`.
        alike: weigh every class alike instead of every row.

    Returns:
        float64 `(M,)`.
    """
    rows = np.arange(len(classes))
    share = 1 / np.bincount(classes)[classes] if alike else np.ones(len(rows))
    share = share / share.sum()

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        pool = log_softmax(np.tensordot(weights, logs, 1), axis=1)
        wanted = np.einsum("mnk,nk->mn", logs, np.exp(pool))
        return float(-share @ pool[rows, classes]), (wanted - logs[:, rows, classes]) @ share

    start = np.full(len(logs), 1 / len(logs))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(logs)).x
    return np.where(found < 1e-3, 0.0, found) if (found >= 1e-3).any() else start


def _member(run: Run, folder: Path) -> Run:
    """A finished run that has learned from the same images as `run` is to judge."""
    member = Run.open(folder)
    if (state := member.status["state"]) != "finished":
        raise RunError(f"{folder} is {state}; only finished runs can be fused.")
    alike = {
        "split": (member.environment["split_digest"], run.environment["split_digest"]),
        "families": (member.families, run.families),
        "data.size": (member.recipe.data.size, run.recipe.data.size),
        "data.fit": (member.recipe.data.fit, run.recipe.data.fit),
    }
    for what, (theirs, ours) in alike.items():
        if theirs != ours:
            told = f": {theirs} instead of {ours}" if what.startswith("data.") else ""
            raise RunError(
                f"{folder} has another {what} than the fused run{told}.\n"
                f"Fuse runs of one split and one [data] table; give both with --split and --set."
            )
    return member


def _said(member: Run, image_ids: Sequence[str]) -> NDArray[np.float32]:
    """Log-probabilities float32 `(n, K)` that a run keeps of images."""
    table = predictions.load(member.path / PREDICTIONS).set_index("image_id")
    if lacking := [name for name in image_ids if name not in table.index]:
        raise RunError(f"{member.path} has not judged {len(lacking)} of the images; train it again on this data.")
    found: NDArray[np.float32] = np.log(np.maximum(predictions.probabilities(table.loc[list(image_ids)]), LEAST))
    return found


def _scores(logits: NDArray[np.float32], classes: NDArray[np.int64]) -> dict[str, float]:
    named = logits.argmax(1)
    macro = f1_score(classes, named, average="macro", zero_division=0, labels=np.unique(classes))
    return {"accuracy": float(accuracy_score(classes, named)), "macro_f1": float(macro)}
