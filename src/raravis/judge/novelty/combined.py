"""A weighted sum of other scorers, its weights learned from rehearsals in which whole families were kept back.

Every part is measured in standard deviations of the held-out known images of its rehearsal, so that weights hold for
another set of families. The weights are those of a ridge-penalised logistic regression that tells new images from
held-out known ones, every rehearsal and every kind of new image counting alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from raravis import registry
from raravis.judge.novelty._known import Floats, Kept, Known, Rehearsed

PARTS: Final = ("max_probability", "relative_mahalanobis")
"""What the head doubts, and what the features have not shown before; more parts did not help (docs/trust.md)."""


def fit(known: Known) -> Kept:
    """Keeps what every part keeps, as `part/name`, and `weights`, `means` and `scales` `(P,)`.

    Without rehearsals all parts weigh the same.
    """
    kept: dict[str, Floats] = {}
    for part in PARTS:
        fitted = registry.load(__package__, part, "scorer").fit(known)
        kept |= {f"{part}/{name}": array for name, array in fitted.items()}
    held = _parts(kept, known.held.features, known.held.logits)
    return {**kept, "weights": weigh(known.rehearsed), "means": held.mean(axis=0), "scales": _scale(held)}


def score(kept: Kept, features: Floats, logits: Floats) -> Floats:
    """Any number; see `novelty` for the contract."""
    return np.asarray((_parts(kept, features, logits) - kept["means"]) / kept["scales"] @ kept["weights"], np.float32)


def weigh(rehearsed: Sequence[Rehearsed]) -> Floats:
    """The weight of every part, float32 `(P,)`; all alike where nothing was rehearsed."""
    if not rehearsed:
        return np.full(len(PARTS), 1 / len(PARTS), np.float32)
    rows: list[Floats] = []
    truths: list[NDArray[np.int64]] = []
    counts: list[NDArray[np.float64]] = []
    for one in rehearsed:
        held, new = standardised(one)
        rows += [held, new]
        truths += [np.zeros(len(held), np.int64), np.ones(len(new), np.int64)]
        counts += [np.full(len(held), 1 / len(held)), _alike(one.kinds)]
    from sklearn.linear_model import LogisticRegression  # slow to import

    weight = np.concatenate(counts)
    model = LogisticRegression(C=1.0, max_iter=1000)
    model.fit(np.concatenate(rows), np.concatenate(truths), sample_weight=weight * len(weight) / weight.sum())
    return np.asarray(model.coef_[0], np.float32)


def standardised(one: Rehearsed) -> tuple[Floats, Floats]:
    """The parts' scores of held-out and of new images, in standard deviations of the held-out ones."""
    held, new = columns(one.held), columns(one.new)
    mean, scale = held.mean(axis=0), _scale(held)
    return (held - mean) / scale, (new - mean) / scale


def columns(scores: Mapping[str, Floats]) -> Floats:
    """The parts' scores side by side, float32 `(n, P)`."""
    return np.stack([scores[part] for part in PARTS], axis=1)


def _scale(scores: Floats) -> Floats:
    return np.asarray(np.maximum(scores.std(axis=0), 1e-6), np.float32)


def _alike(kinds: NDArray[np.str_]) -> NDArray[np.float64]:
    """Weights of new images that add up to 1, every kind the same."""
    _, numbers, sizes = np.unique(kinds, return_inverse=True, return_counts=True)
    return np.asarray(1 / (len(sizes) * sizes[numbers]))


def _parts(kept: Kept, features: Floats, logits: Floats) -> Floats:
    scores = []
    for part in PARTS:
        own = {name.removeprefix(f"{part}/"): array for name, array in kept.items() if name.startswith(f"{part}/")}
        scores.append(registry.load(__package__, part, "scorer").score(own, features, logits))
    return np.stack(scores, axis=1)
