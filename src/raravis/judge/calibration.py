"""Calibration: logits enter, probabilities leave that are right as often as they say.

What is fitted is fitted on validation images alone. Every kind is a linear function of the log-probabilities, which,
unlike logits, do not change when a constant is added to all classes of an image.

    none         probabilities as they are
    temperature  one factor for all classes (Guo et al., "On Calibration of Modern Neural Networks", 2017)
    vector       one factor and one bias a class (ibid.)
    dirichlet    a matrix and a bias (Kull et al., "Beyond temperature scaling", 2019), its off-diagonal elements and
                 bias kept small (their ODIR)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from raravis.errors import DataError
from raravis.judge import metrics, predictions
from raravis.judge.logits import log_softmax, softmax
from raravis.judge.predictions import Floats, Ints

Kind = Literal["none", "temperature", "vector", "dirichlet"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

NEEDED: Final = 100
"""Images below which kinds are not compared: the standard error of a difference in loss is then as large as what a
temperature gains. A temperature is fitted all the same; its prior keeps it near 1."""
A_CLASS: Final[Mapping[Kind, int]] = {"vector": 10, "dirichlet": 30}
"""Images a class, on average, below which a kind is not tried. Vector scaling has two parameters a class and can change
which class is predicted; at 9 images a class its gain came and went with the way the folds were drawn. Dirichlet
calibration has a parameter for every pair of classes and learns them from wrong answers, which are few: Kull et al. had
50 images a class and more."""
FOLDS: Final = 5
LOWEST: Final = -100.0
"""Log-probabilities below this count as this; it is where float32 probabilities end."""
_TEMPERATURE, _FACTOR, _BIAS, _OTHERS = 0.5, 0.2, 0.3, 0.02
"""Standard deviations of the priors: on the log of the temperature, on what a class's own factor differs from it, on
the biases, and on the elements off the diagonal."""
_FURTHEST: Final = 1e100
_TWISTED: Final = 1e4
"""Condition of a matrix from which on rounding, at float32, is larger than what it is to undo."""


@dataclass(frozen=True)
class Calibration:
    """A fitted calibration of K classes.

    Attributes:
        kind: what is done.
        weights: float32, of the log-probabilities: `()` for `none` and `temperature` (1 / temperature), `(K,)` for
            `vector`, `(K, K)` for `dirichlet` (row: the class that comes out).
        bias: float32 `(K,)`, added.
        images: how many it was fitted on.
        losses: kind → mean negative log-likelihood, nats, in cross-validation; empty where kinds were not compared.
        note: one sentence that tells what was lacking and how much is needed, or "".
    """

    kind: Kind
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    images: int = 0
    losses: Mapping[str, float] = field(default_factory=dict)
    note: str = ""

    def __call__(self, logits: Floats) -> NDArray[np.float32]:
        """Logits `(n, K)` → probabilities, float32 `(n, K)`; each image for itself.

        Logits may be log-probabilities; −∞ is a probability of 0.

        Raises:
            DataError: another number of classes, NaN, +∞, or an image without a finite logit.
        """
        inputs = _inputs(logits, len(self.bias))
        found: NDArray[np.float32] = softmax(_turn(inputs, self.weights, self.bias)).astype(np.float32)
        return found

    def before(self, logits: Floats) -> NDArray[np.float32] | None:
        """Probabilities as the network's own logits had them, float32 `(n, K)`, of calibrated logits `(n, K)`.

        None where it cannot be undone: two different answers of the network were made one.
        """
        turned = np.asarray(logits, np.float64)
        matrix = np.diag(np.broadcast_to(self.weights, self.bias.shape)) if self.weights.ndim < 2 else self.weights
        if np.linalg.cond(matrix) > _TWISTED:
            return None
        own = np.linalg.solve(np.asarray(matrix, np.float64), (turned - self.bias).T).T
        return np.asarray(softmax(own), np.float32)

    def record(self) -> dict[str, Any]:
        """What a person wants to know of it, JSON-able.

        `kind`, `temperature` (null but for that kind), `images`, `losses`, `note`.
        """
        return {
            "kind": self.kind,
            "temperature": float(1 / self.weights) if self.kind == "temperature" else None,
            "images": self.images,
            "losses": dict(self.losses),
            "note": self.note,
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it as arrays, for `numpy.savez`; `of` reads them."""
        return {
            "kind": np.array(self.kind),
            "weights": self.weights,
            "bias": self.bias,
            "images": np.array(self.images),
            "tried": np.array(list(self.losses), dtype=np.str_),
            "losses": np.array(list(self.losses.values()), np.float64),
            "note": np.array(self.note),
        }

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Calibration:
        """Read what `arrays` gave.

        Raises:
            DataError: an array is missing, or the shapes do not belong together.
        """
        if lacking := {"kind", "weights", "bias", "images", "tried", "losses", "note"} - set(arrays):
            raise DataError(f"A stored calibration lacks {', '.join(sorted(lacking))}.\nFit it again.")
        kind = next((k for k in KINDS if k == str(arrays["kind"])), None)
        weights, bias = np.asarray(arrays["weights"], np.float32), np.asarray(arrays["bias"], np.float32)
        dimensions = {"none": 0, "temperature": 0, "vector": 1, "dirichlet": 2}
        if kind is None or bias.ndim != 1 or weights.shape != bias.shape * dimensions[kind]:
            raise DataError(
                f"A stored calibration of kind {str(arrays['kind'])!r} has weights {weights.shape} and a bias "
                f"{bias.shape}, which do not belong together.\nFit it again."
            )
        losses = dict(zip(arrays["tried"].tolist(), arrays["losses"].tolist(), strict=True))
        return cls(kind, weights, bias, int(arrays["images"]), losses, str(arrays["note"]))


def fit(logits: Floats, classes: Ints, *, count: int, seed: int) -> Calibration:
    """Fit the kind that cross-validation finds best, a more complex one only where it clearly is.

    Clearly: its mean loss is smaller by more than the standard error of the difference (Breiman et al. 1984). The
    negative log-likelihood is minimised with L-BFGS. Priors keep a small validation set from being learned by heart:
    log-normal around 1 on the temperature (hardly felt from `NEEDED` images on), and normal around the temperature's
    solution on all that `vector` and `dirichlet` add, closest off the diagonal. A class without images keeps that
    solution.

    Args:
        logits: `(n, K)`, of validation images; log-probabilities serve as well.
        classes: `(n,)`, 0 … `count` − 1, the true ones.
        count: K, at least 2.
        seed: of the folds.

    Returns:
        A calibration, also of few images or none: its `note` then says what is lacking.

    Raises:
        DataError: shapes differ, NaN, a class that is none, or fewer than two classes to choose from.
    """
    if count < 2:
        raise DataError(f"Calibration needs at least 2 classes to choose between; found {count}.")
    inputs = _inputs(logits, count)
    check_classes(classes, len(inputs), count)
    n, seen = len(classes), len(np.unique(classes))
    if seen < 2:
        note = f"Not calibrated: the {n} validation images show {seen} of {count} families; at least 2 are needed."
        return Calibration("none", np.ones((), np.float32), np.zeros(count, np.float32), n, note=note)
    if n < NEEDED:
        note = f"{n} validation images are few to calibrate on: the temperature is held near 1; {NEEDED} are needed."
        return Calibration("temperature", *_fitted("temperature", inputs, classes), n, note=note)
    kinds = [kind for kind in KINDS if n >= A_CLASS.get(kind, 0) * count]
    losses = _cross_validated(inputs, classes, kinds, seed)
    best = kinds[0]
    for kind in kinds[1:]:
        gains = losses[best] - losses[kind]
        if gains.mean() > gains.std(ddof=1) / np.sqrt(n):
            best = kind
    means = {str(kind): float(values.mean()) for kind, values in losses.items()}
    return Calibration(best, *_fitted(best, inputs, classes), n, means)


def assess(probabilities: Floats, classes: Ints) -> dict[str, Any]:
    """How well calibrated probabilities are.

    Args:
        probabilities: `(n, K)`, 0–1, rows sum to 1.
        classes: `(n,)`, the true ones.

    Returns:
        JSON-able: `n`; `ece` (see `metrics.calibration_error`); `brier` (see `metrics.brier`); `nll`, nats.

    Raises:
        DataError: no image, shapes differ, values that are no probabilities, or a class that is none.
    """
    probabilities = np.asarray(probabilities)
    count = probabilities.shape[-1] if probabilities.ndim else 0
    predictions.check(probabilities, count)
    check_classes(classes, len(probabilities), count)
    if len(classes) == 0:
        raise DataError("There is no image to assess calibration on; at least one is needed.")
    values = probabilities.astype(np.float64)
    own = values[np.arange(len(classes)), classes]
    return {
        "n": len(classes),
        "ece": metrics.calibration_error(values.max(axis=1), values.argmax(axis=1) == classes),
        "brier": metrics.brier(values, classes),
        "nll": float(-np.log(np.maximum(own, metrics.FLOOR)).mean()),
    }


def by_group(probabilities: Floats, classes: Ints, groups: Sequence[str]) -> dict[str, dict[str, Any]]:
    """`assess` for each group, such as the phylum of every image, in the order of the names.

    The calibration error of few images is large by chance alone; `n` tells how many there were.

    Raises:
        DataError: not one group an image, or as for `assess`.
    """
    labels = np.asarray(groups, object)
    if labels.shape != (len(probabilities),):
        raise DataError(f"One group an image was expected: {len(probabilities)} images, {len(labels)} groups.")
    return {
        str(name): assess(np.asarray(probabilities)[labels == name], np.asarray(classes)[labels == name])
        for name in sorted(set(labels))
    }


def check_classes(classes: Ints, images: int, count: int) -> None:
    """Refuse true classes that are not one integer in 0 … `count` − 1 an image.

    Raises:
        DataError: another shape, no integers, or values outside.
    """
    if classes.shape != (images,) or not np.issubdtype(classes.dtype, np.integer):
        raise DataError(f"Integer classes of shape ({images},) were expected; found {classes.dtype} {classes.shape}.")
    if strange := int(((classes < 0) | (classes >= count)).sum()):
        raise DataError(f"{strange} of {images} classes are outside 0 … {count - 1}.\nLeave those images out.")


def _inputs(logits: Floats, count: int) -> NDArray[np.float64]:
    """Log-probabilities, float64 `(n, K)`, none below `LOWEST`."""
    values = np.asarray(logits)
    if values.ndim != 2 or values.shape[1] != count:
        raise DataError(f"Logits of shape (images, {count}) were expected; found {values.shape}.")
    wrong = ~(values < np.inf).all(axis=1) | (values == -np.inf).all(axis=1)
    if wrong.any():
        raise DataError(
            f"{int(wrong.sum())} of {len(values)} images have logits that are NaN or infinite; numbers were expected.\n"
            "Did training diverge?"
        )
    near = np.clip(values.astype(np.float64), -_FURTHEST, _FURTHEST)
    return np.maximum(np.asarray(log_softmax(near), np.float64), LOWEST)


def _turn(inputs: NDArray[np.float64], weights: Floats, bias: Floats) -> NDArray[np.float64]:
    return (inputs @ weights.T if weights.ndim == 2 else inputs * weights) + bias


def _cross_validated(
    inputs: NDArray[np.float64], classes: Ints, kinds: Sequence[Kind], seed: int
) -> dict[Kind, NDArray[np.float64]]:
    """The loss of every image `(n,)` under each kind fitted without it; every fold has its share of every class."""
    order = np.lexsort((np.random.default_rng(seed).random(len(classes)), classes))
    folds = np.empty(len(classes), np.int64)
    folds[order] = np.arange(len(classes)) % FOLDS
    losses = {kind: np.empty(len(classes)) for kind in kinds}
    for fold in range(FOLDS):
        held = folds == fold
        for kind, values in losses.items():
            turned = _turn(inputs[held], *_fitted(kind, inputs[~held], classes[~held]))
            values[held] = -_residuals(turned, classes[held])[0]
    return losses


def _fitted(kind: Kind, inputs: NDArray[np.float64], classes: Ints) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights and bias of one kind."""
    count = inputs.shape[1]
    weights, bias = np.ones(()), np.zeros(count)
    if kind != "none":
        weights = np.exp(_minimum(_temperature_loss, np.zeros(()), inputs, classes))
    if kind in A_CLASS:
        spread = _spread(kind, count)
        free = np.bincount(classes, minlength=count) > 0
        added = _minimum(_added_loss, np.zeros_like(spread), inputs, classes, float(weights), free, spread)
        bias = added[-1]
        weights = weights + added[0] if kind == "vector" else weights * np.eye(count) + added[:-1].T
    return np.asarray(weights, np.float32), bias.astype(np.float32)


def _spread(kind: Kind, count: int) -> NDArray[np.float64]:
    """Standard deviations of what comes on top of a temperature, in the shape that `_added_loss` tells."""
    factors = np.full((1, count), _FACTOR)
    if kind == "dirichlet":
        factors = np.where(np.eye(count) > 0, _FACTOR, _OTHERS)
    return np.concatenate([factors, np.full((1, count), _BIAS)])


def _minimum(loss: Any, start: NDArray[np.float64], *given: Any) -> NDArray[np.float64]:
    """Where a loss is smallest that gives its value and its gradient."""
    from scipy.optimize import minimize  # slow to import

    def flat(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value, slope = loss(values.reshape(start.shape), *given)
        return value, slope.ravel()

    found = minimize(flat, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    values: NDArray[np.float64] = found.x.reshape(start.shape)
    return values


def _temperature_loss(
    factor: NDArray[np.float64], inputs: NDArray[np.float64], classes: Ints
) -> tuple[float, NDArray[np.float64]]:
    """Negative log-posterior of the log of 1 / temperature `()`, and its gradient."""
    turned = inputs * np.exp(factor)
    own, wrong = _residuals(turned, classes)
    prior = factor / _TEMPERATURE**2
    return float(-own.sum() + factor * prior / 2), np.asarray((wrong * turned).sum() + prior)


def _added_loss(
    added: NDArray[np.float64],
    inputs: NDArray[np.float64],
    classes: Ints,
    factor: float,
    free: NDArray[np.bool_],
    spread: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64]]:
    """Negative log-posterior of what comes on top of a temperature, and its gradient.

    `added` is `(2, K)`, factors and bias, or `(K + 1, K)`, a matrix (column: the class that comes out) and the bias.
    Only the classes `free` may be changed.
    """
    weights = added[0] if len(added) == 2 else added[:-1]
    change = inputs * weights if weights.ndim == 1 else inputs @ weights
    own, wrong = _residuals(inputs * factor + change + added[-1], classes)
    slope = (inputs * wrong).sum(axis=0, keepdims=True) if weights.ndim == 1 else inputs.T @ wrong
    prior = added / spread**2
    gradient = (np.concatenate([slope, wrong.sum(axis=0, keepdims=True)]) + prior) * free
    return float(-own.sum() + (added * prior).sum() / 2), gradient


def _residuals(turned: NDArray[np.float64], classes: Ints) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The true classes' log-probabilities `(n,)`, and probabilities minus truth `(n, K)`."""
    logs = np.asarray(log_softmax(turned), np.float64)
    rows = np.arange(len(classes))
    wrong = np.exp(logs)
    wrong[rows, classes] -= 1
    return logs[rows, classes], wrong
