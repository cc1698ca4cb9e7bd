"""Candidates put to the test: what each gives beside what Keras gives, and how fast, in turns.

Enter: a model, a sample of images, the candidates. Leave: one `Trial` for each precision of each candidate, and the
functions of those that passed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis.runtimes import keras
from raravis.runtimes._runner import Precision, Runner, Runtime, first_line

REDUCED: Final = 0.1
"""How far features in less than float32 may lie from Keras', relative to their length, in the middle image of a sample.

Measured with logistic regression on features in bfloat16 and in float32 of 1,867 photographs of 119 families: where
they lay 0.02 apart, 99 of 100 test images got the same answer from both; at 0.16 (MobileNetV2) 94, though the
accuracies were within 0.3 points of each other.
"""

_PASS: Final = 1.0
"""Seconds that one pass of Keras over the images of a trial should take."""

_BUDGET: Final = 12.0
"""Seconds for all timed rounds together, of which there are at least two and at most five."""

_HOPELESS: Final = 2.5
"""A candidate that takes this many times longer than the best in its first pass is timed no further."""


@dataclass(frozen=True)
class Trial:
    """What became of one candidate in one precision.

    Attributes:
        name: the runtime's.
        precision: what it computes in.
        images_per_second: the median of its rounds; 0 if it was left out.
        seconds: from the Keras model to the first features.
        problem: why it was left out, one line; "" if it was not.
        tried: False where that says nothing of it: no time was left, the disk was full.
    """

    name: str
    precision: Precision
    images_per_second: float
    seconds: float
    problem: str
    tried: bool = True

    @property
    def title(self) -> str:
        """What people and tables call it."""
        return f"{self.name} {self.precision}"


@dataclass(frozen=True)
class Candidate:
    """A runtime, its name, and the precisions to try."""

    name: str
    runtime: Runtime
    precisions: Sequence[Precision]


@dataclass(frozen=True)
class Yardstick:
    """What Keras makes of a sample, in float32.

    Attributes:
        call: runs it.
        images: those of the sample that a pass takes.
        features: what it gives for them.
        images_per_second: of one pass, after a first.
        seconds: of the first.
    """

    call: Runner
    images: NDArray[Any]
    features: NDArray[np.float32]
    images_per_second: float
    seconds: float

    @classmethod
    def of(cls, model: Any, sample: NDArray[Any]) -> Yardstick:
        """Run Keras on as many images of the sample as take it about a second."""
        call = keras.convert(model)("float32")
        few = sample[:4]
        first = _timed(call, few)
        images = sample[: max(len(few), int(_PASS * len(few) / _timed(call, few)))]
        features = call(images)
        return cls(call, images, features, len(images) / _timed(call, images), first)


def run(
    model: Any,
    yardstick: Yardstick,
    candidates: Sequence[Candidate],
    bounds: tuple[float, float],
    patience: float,
) -> tuple[list[Trial], dict[str, Runner]]:
    """Try all candidates, Keras in float32 among them.

    Args:
        model: the network.
        yardstick: what Keras makes of the sample.
        candidates: the runtimes, Keras first.
        bounds: how far features may lie from Keras', in float32 and in other precisions; see `fastest`.
        patience: seconds after which no further runtime is converted to.

    Returns:
        the trials in the order of the candidates, and the functions of those that passed, by title.
    """
    started = time.perf_counter()
    trials: dict[str, Trial] = {}
    calls: dict[str, Runner] = {}
    for candidate in candidates:
        late = candidate.name != "keras" and time.perf_counter() - started > patience
        for trial, call in _untried(candidate) if late else _tried(candidate, model, yardstick, bounds):
            trials[trial.title] = trial
            if call is not None:
                calls[trial.title] = call
    best = max(trials[title].images_per_second for title in calls)
    racing = {t: call for t, call in calls.items() if trials[t].images_per_second * _HOPELESS >= best}
    for title, speed in _race(racing, yardstick.images).items():
        trials[title] = replace(trials[title], images_per_second=speed)
    return list(trials.values()), calls


def distances(wanted: NDArray[np.float32], given: NDArray[np.float32]) -> NDArray[np.float64]:
    """`‖wanted − given‖ / ‖wanted‖` of every image, ≥ 0, `(B,)`; infinite throughout where a number is not finite."""
    if wanted.shape != given.shape or not (np.isfinite(wanted).all() and np.isfinite(given).all()):
        return np.full(len(wanted), np.inf)
    apart = np.linalg.norm(wanted.astype(np.float64) - given, axis=1)
    length = np.linalg.norm(wanted.astype(np.float64), axis=1)
    return np.asarray(apart / np.maximum(length, np.finfo(np.float32).tiny))


def _untried(candidate: Candidate) -> Iterator[tuple[Trial, None]]:
    for precision in candidate.precisions:
        yield Trial(candidate.name, precision, 0.0, 0.0, "the time for trials was over", tried=False), None


def _tried(
    candidate: Candidate, model: Any, yardstick: Yardstick, bounds: tuple[float, float]
) -> Iterator[tuple[Trial, Runner | None]]:
    """Convert to a candidate; in every precision, compare its features and time a pass."""
    name = candidate.name
    started = time.perf_counter()
    try:
        converted = candidate.runtime.convert(model)
    except Exception as error:  # converters raise whatever they meet; Keras does the work then
        for precision in candidate.precisions:
            yield _failed(name, precision, error), None
        return
    converting = time.perf_counter() - started
    for precision in candidate.precisions:
        if (name, precision) == ("keras", "float32"):
            yield Trial(name, precision, yardstick.images_per_second, yardstick.seconds, ""), yardstick.call
            continue
        started = time.perf_counter()
        try:
            call = converted(precision)
            features = call(yardstick.images)
        except Exception as error:
            yield _failed(name, precision, error), None
            continue
        seconds = converting + time.perf_counter() - started
        if problem := _disagreement(distances(yardstick.features, features), precision, bounds):
            yield Trial(name, precision, 0.0, seconds, problem), None
        else:
            speed = len(yardstick.images) / _timed(call, yardstick.images)
            yield Trial(name, precision, speed, seconds, ""), call


def _failed(name: str, precision: Precision, error: Exception) -> Trial:
    passing = isinstance(error, OSError | MemoryError)  # a full disk is not the runtime's doing
    return Trial(name, precision, 0.0, 0.0, first_line(error), tried=not passing)


def _disagreement(far: NDArray[np.float64], precision: Precision, bounds: tuple[float, float]) -> str:
    """What is wrong with features that lie so far from Keras'; "" if nothing is."""
    exact = precision == "float32"
    apart, bound = (float(far.max()), bounds[0]) if exact else (float(np.median(far)), bounds[1])
    if apart <= bound:
        return ""
    return f"its features lie {apart:.2g} of their length from Keras', more than {bound:.2g}"


def _race(calls: dict[str, Runner], images: NDArray[Any]) -> dict[str, float]:
    """Images a second of each, the median over rounds in which each has one turn."""
    seconds: dict[str, list[float]] = {title: [] for title in calls}
    started = time.perf_counter()
    for number in range(5):
        if number >= 2 and (time.perf_counter() - started) * (number + 1) / number > _BUDGET:
            break
        for title, call in calls.items():
            seconds[title].append(_timed(call, images))
    return {title: len(images) / statistics.median(some) for title, some in seconds.items()}


def _timed(call: Runner, images: NDArray[Any]) -> float:
    started = time.perf_counter()
    call(images)
    return time.perf_counter() - started
