"""Prediction sets: as many families as it takes for the true one to be among them as often as promised.

Split conformal prediction (Vovk et al. 2005). Each family of an image has a score, small where the family fits; the set
holds the families whose score is at most a threshold, and the threshold is a quantile of the true families' scores on
validation images. Whatever the model, a new image drawn as those were has its family in the set with the probability
promised; that holds on average over families, not within each.

    lac    1 − probability: the smallest sets on average (Sadinle et al., "Least Ambiguous Set-Valued Classifiers With
           Bounded Error Levels", 2019)
    aps    the mass of all likelier families (Romano et al., "Classification with Valid and Adaptive Coverage", 2020)
    raps   `aps` with a penalty for every rank beyond the first ones (Angelopoulos et al., "Uncertainty Sets for Image
           Classifiers using Conformal Prediction", 2021)
    prior  probability divided by the family's share, so that rare families are not left out (prevalence-adjusted
           softmax of Ding et al., "Conformal prediction for long-tailed classification", 2025)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, inf, isfinite
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from raravis.errors import DataError
from raravis.judge import metrics, predictions
from raravis.judge.calibration import check_classes
from raravis.judge.predictions import Floats, Ints

Method = Literal["lac", "aps", "raps", "prior"]
METHODS: Final[tuple[Method, ...]] = get_args(Method)
Flags = np.ndarray[Any, np.dtype[np.bool_]]

ENOUGH: Final = 10
"""Images that a family must have for its own coverage to be judged."""
LOW: Final = 0.7
"""Coverage within a family below which it is badly covered."""
NEAR: Final = 0.02
"""How far from the wanted coverage a method may come out in `choose`."""
ROOM: Final = 1.15
"""How much larger than the smallest the sets of `choose` may be for the sake of badly covered families."""
ROUNDS: Final = 20


@dataclass(frozen=True)
class Sets:
    """Fitted prediction sets over K families.

    Attributes:
        method: which score.
        coverage: the share of images wanted to have their family in the set.
        promised: the expected share, rank of the threshold / (n + 1): `coverage` or a little more; 1 where every set
            holds all families.
        threshold: the largest score in a set; ∞ where validation images were too few.
        priors: float64 `(K,)`, the families' shares, sum 1; uniform where none were given.
        weight: of the priors in `prior`: 0 is `lac`, 1 is the full division, between them a compromise.
        penalty: of `raps`, for every rank beyond `ranks`.
        ranks: how many families `raps` takes without penalty.
        randomised: whether `members` needs a draw an image (`aps` and `raps` only).
        images: how many the threshold was found on.
        note: one sentence that tells how many images are needed, or "".
    """

    method: Method
    coverage: float
    promised: float
    threshold: float
    priors: NDArray[np.float64]
    weight: float
    penalty: float
    ranks: int
    randomised: bool
    images: int
    note: str = ""

    def members(self, probabilities: Floats, draws: Floats | None = None) -> Flags:
        """Which families are in each image's set.

        An image's set depends on nothing but its probabilities and its draw. Sets of `aps` and `raps` without draws
        hold the most probable family at least; others can be empty, where no family fits as well as it should.

        Args:
            probabilities: `(n, K)`, 0–1, rows sum to 1.
            draws: `(n,)`, 0–1, one fixed number an image, as at fitting; None if fitted without.

        Raises:
            DataError: values that are no probabilities, another number of families, or draws where none are expected
                or none where they are.
        """
        if self.randomised != (draws is not None):
            raise DataError(f"Sets fitted {'with' if self.randomised else 'without'} draws must be asked for likewise.")
        return self._scores(probabilities, draws) <= self.threshold

    def record(self) -> dict[str, Any]:
        """What a person wants to know of it, JSON-able; `threshold` is null where every set holds all families."""
        own = {"prior": ("weight",), "raps": ("penalty", "ranks")}.get(self.method, ())
        return {
            "method": self.method,
            "coverage": self.coverage,
            "promised": self.promised,
            "threshold": self.threshold if isfinite(self.threshold) else None,
            **{name: getattr(self, name) for name in own},
            "randomised": self.randomised,
            "images": self.images,
            "note": self.note,
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it as arrays, for `numpy.savez`; `of` reads them."""
        return {name: np.asarray(getattr(self, name)) for name in self.__dataclass_fields__}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Sets:
        """Read what `arrays` gave.

        Raises:
            DataError: an array is missing, or the method is unknown.
        """
        if lacking := set(cls.__dataclass_fields__) - set(arrays):
            raise DataError(f"Stored prediction sets lack {', '.join(sorted(lacking))}.\nFit them again.")
        values = {name: np.asarray(arrays[name]) for name in cls.__dataclass_fields__}
        if str(values["method"]) not in METHODS:
            raise DataError(f"Stored prediction sets are of the unknown method {str(values['method'])!r}.")
        priors = values.pop("priors").astype(np.float64)
        return cls(priors=priors, **{name: value.item() for name, value in values.items()})

    def _scores(self, probabilities: Floats, draws: Floats | None) -> NDArray[np.float64]:
        """The score of every family of every image, `(n, K)`."""
        predictions.check(np.asarray(probabilities), len(self.priors))
        values: NDArray[np.float64] = np.asarray(probabilities, np.float64)
        if self.method == "lac":
            return 1 - values
        if self.method == "prior":
            return self.weight * np.log(self.priors) - np.log(np.maximum(values, metrics.FLOOR))
        return self._cumulated(values, np.ones(len(values)) if draws is None else _draws(draws, len(values)))

    def _cumulated(self, values: NDArray[np.float64], draws: Floats) -> NDArray[np.float64]:
        order = np.argsort(-values, axis=1, kind="stable")
        ranked = np.take_along_axis(values, order, axis=1)
        scores = np.cumsum(ranked, axis=1) - ranked * draws[:, None]
        if self.method == "raps":
            scores += self.penalty * np.maximum(np.arange(values.shape[1]) + 1 - self.ranks, 0)
        found = np.empty_like(scores)
        np.put_along_axis(found, order, scores, axis=1)
        return found


def needed(coverage: float) -> int:
    """Fewest validation images with which so much coverage can be promised."""
    return ceil(coverage / (1 - coverage) * (1 - 1e-9))


def fit(
    probabilities: Floats,
    classes: Ints,
    *,
    method: Method = "lac",
    coverage: float = 0.9,
    priors: Floats | None = None,
    weight: float = 1.0,
    penalty: float = 0.1,
    ranks: int = 1,
    draws: Floats | None = None,
) -> Sets:
    """Find the threshold on validation images.

    It is the ⌈(n + 1) · coverage⌉-th smallest score of the true families. If there are too few images for that, every
    set holds all families, and `note` says so: wide sets are better than a promise that is not kept.

    Nothing is drawn here. `aps` and `raps` count the mass of the likelier families alone, which is valid, keeps sets
    from being empty, and gives an image the same set always; but a model that is right more often than `coverage`
    then covers as much as it is right. Draws, one a fixed number an image, make the coverage exact there too.

    Args:
        probabilities: `(n, K)`, 0–1, rows sum to 1.
        classes: `(n,)`, 0 … K − 1, the true families.
        method: see the module.
        coverage: between 0 and 1.
        priors: `(K,)`, positive, the families' shares in training; needed by `prior` unless `weight` is 0.
        weight: of the priors in `prior`, 0–1.
        penalty: of `raps`, at least 0.
        ranks: without penalty in `raps`, at least 0.
        draws: `(n,)`, 0–1, for `aps` and `raps`: the score is the mass down to and with the family less its own mass
            times the draw. None is a draw of 1 for every image.

    Raises:
        DataError: shapes differ, values that are no probabilities, or a setting out of its range.
    """
    if method not in METHODS or not 0 < coverage < 1 or not 0 <= weight <= 1 or penalty < 0 or ranks < 0:
        raise DataError(
            f"No prediction sets of {method=}, {coverage=}, {weight=}, {penalty=}, {ranks=}; expected a method of "
            f"{', '.join(METHODS)}, coverage between 0 and 1, weight in 0–1, penalty and ranks from 0."
        )
    if draws is not None and method not in ("aps", "raps"):
        raise DataError(f"The method {method!r} has nothing to draw; leave draws out.")
    probabilities = np.asarray(probabilities)
    count = probabilities.shape[-1] if probabilities.ndim else 0
    predictions.check(probabilities, count)
    n = len(probabilities)
    check_classes(classes, n, count)
    if method == "prior" and weight > 0 and priors is None:
        raise DataError("The method 'prior' divides by the families' shares; none were given.")
    shares = _shares(np.ones(count) if priors is None else priors, count)
    rank = ceil((n + 1) * coverage - 1e-9)
    settings = (shares, weight, penalty, ranks, draws is not None, n)
    if rank > n:
        note = (
            f"{n} validation images cannot promise a coverage of {coverage:g}: every set holds all {count} families; "
            f"{needed(coverage)} are needed."
        )
        return Sets(method, coverage, 1.0, inf, *settings, note)
    untold = Sets(method, coverage, rank / (n + 1), inf, *settings)
    own = untold._scores(probabilities, draws)[np.arange(n), classes]
    return Sets(method, coverage, rank / (n + 1), float(np.sort(own)[rank - 1]), *settings)


def judge(members: Flags, classes: Ints) -> dict[str, Any]:
    """How good prediction sets are.

    Args:
        members: `(n, K)`.
        classes: `(n,)`, the true families.

    Returns:
        JSON-able: `n`; `coverage` and its exact 95% interval `ci95` (Clopper and Pearson 1934); `mean_size`,
        `median_size`; `empty` and `singletons`, shares of the sets; `macro_coverage`, the mean over families that have
        images; `badly_covered`, the share, among the `judged` families with at least 10 images, of those with less than
        70% coverage (null if there are none); `per_class`: for each of the K families `n`, `coverage`, `ci95` (null
        without images).

    Raises:
        DataError: no image, shapes differ, or a class that is none.
    """
    if members.ndim != 2 or members.dtype != np.bool_ or len(members) == 0:
        raise DataError(f"Sets as booleans (images, families) were expected; found {members.dtype} {members.shape}.")
    check_classes(classes, *members.shape)
    count = members.shape[1]
    inside, sizes = members[np.arange(len(classes)), classes], members.sum(axis=1)
    held, images = np.bincount(classes[inside], minlength=count), np.bincount(classes, minlength=count)
    present, enough = images > 0, images >= ENOUGH
    shares = held / np.maximum(images, 1)
    return {
        **_covered(held.sum(keepdims=True), images.sum(keepdims=True))[0],
        "mean_size": float(sizes.mean()),
        "median_size": float(np.median(sizes)),
        "empty": float((sizes == 0).mean()),
        "singletons": float((sizes == 1).mean()),
        "macro_coverage": float(shares[present].mean()),
        "badly_covered": float((shares[enough] < LOW).mean()) if enough.any() else None,
        "judged": int(enough.sum()),
        "per_class": _covered(held, images),
    }


def choose(
    probabilities: Floats, classes: Ints, *, coverage: float = 0.9, priors: Floats | None = None, seed: int = 0
) -> tuple[Sets, list[dict[str, Any]]]:
    """Pick a method by repeated halves of the validation images, and fit it on all of them.

    In each of 20 rounds every image is judged by the sets of the half without it. Methods whose coverage comes out more
    than 2 points off fall out (if all do, the nearest stay), then those whose sets are on average more than 15% larger
    than the smallest. Of the rest the one with fewest badly covered families is taken, counted in whole families; then
    the one with the smallest sets. All are fitted without draws.

    Args:
        probabilities: `(n, K)`, 0–1, rows sum to 1.
        classes: `(n,)`, the true families.
        coverage: between 0 and 1.
        priors: `(K,)`, positive, the families' shares in training; None leaves `prior` out.
        seed: of the halves.

    Returns:
        The sets, and one row a candidate, JSON-able: `method`, its settings, and `judge`'s `coverage`, `mean_size`,
        `badly_covered`, `judged`, `macro_coverage`, `empty`, means over rounds. No rows where the images are too few to
        be halved: `lac` is then fitted.

    Raises:
        DataError: as for `fit`.
    """
    plain = fit(probabilities, classes, method="lac", coverage=coverage, priors=priors)
    if len(classes) // 2 < needed(coverage):
        return plain, []
    candidates = _candidates(priors is not None)
    rows = [_tried(np.asarray(probabilities), classes, settings, coverage, priors, seed) for settings in candidates]
    off = np.array([max(abs(row["coverage"] - coverage), NEAR) for row in rows])
    sizes = np.array([row["mean_size"] for row in rows])
    valid = off <= off.min() + 1e-9
    kept = np.flatnonzero(valid & (sizes <= ROOM * sizes[valid].min()))
    best = min(kept, key=lambda i: (round((rows[i]["badly_covered"] or 0) * rows[i]["judged"]), sizes[i]))
    return fit(probabilities, classes, coverage=coverage, priors=priors, **candidates[best]), rows


def _candidates(priors: bool) -> list[dict[str, Any]]:
    weighed = [{"method": "prior", "weight": weight} for weight in (0.25, 0.5, 0.75, 1.0)]
    return [
        {"method": "lac"},
        {"method": "aps"},
        *({"method": "raps", "penalty": penalty, "ranks": 1} for penalty in (0.01, 0.1)),
        *(weighed if priors else []),
    ]


def _tried(
    probabilities: Floats,
    classes: Ints,
    settings: dict[str, Any],
    coverage: float,
    priors: Floats | None,
    seed: int,
) -> dict[str, Any]:
    """Figures of one candidate, means over rounds in which each half judges the other."""
    random = np.random.default_rng(seed)
    members = np.empty(probabilities.shape, np.bool_)
    rounds = []
    for _ in range(ROUNDS):
        halves = np.array_split(random.permutation(len(classes)), 2)
        for one, other in (halves, halves[::-1]):
            made = fit(probabilities[one], classes[one], coverage=coverage, priors=priors, **settings)
            members[other] = made.members(probabilities[other])
        rounds.append(judge(members, classes))
    names = ("coverage", "mean_size", "badly_covered", "judged", "macro_coverage", "empty")
    told = [name for name in names if rounds[0][name] is not None]
    return settings | dict.fromkeys(names) | {name: float(np.mean([found[name] for found in rounds])) for name in told}


def _covered(held: Ints, images: Ints) -> list[dict[str, Any]]:
    """Coverage with its exact interval, for each of several counts."""
    some = np.maximum(images, 1)
    low, high = metrics.exact(held, images)
    rows = zip(images.tolist(), (held / some).tolist(), low.tolist(), high.tolist(), strict=True)
    return [{"n": n, "coverage": share if n else None, "ci95": [a, b] if n else None} for n, share, a, b in rows]


def _shares(priors: Floats, count: int) -> NDArray[np.float64]:
    values = np.asarray(priors, np.float64)
    if values.shape != (count,) or not (values > 0).all() or not np.isfinite(values).all():
        raise DataError(f"{count} positive shares of the families were expected; found {values.shape}.")
    return np.asarray(values / values.sum())


def _draws(draws: Floats, images: int) -> NDArray[np.float64]:
    values = np.asarray(draws, np.float64)
    if values.shape != (images,) or not ((values >= 0) & (values <= 1)).all():
        raise DataError(f"{images} draws in 0–1, one an image, were expected; found {values.shape}.")
    return values
