"""What runs a frozen network over many images: one file a runtime, and the fastest of them by measurement.

Enters: a Keras model from RGB 0–255 `(B, H, W, 3)` to features `(B, D)`, its preprocessing inside. Leaves: a function
that gives the same features sooner. The contract of a runtime:

    INSTALL: str                             the command that installs it
    available() -> bool                      whether it is installed; imports nothing heavy
    precisions() -> Sequence[Precision]      what this machine computes in with a gain, `float32` first
    convert(model) -> Converted              the model, made ready once; then `(precision) -> Runner`, again and again

Keras is always there. The others are extras, and convert what runs on the TensorFlow backend.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from raravis import engine, progress, registry
from raravis.errors import RaravisError, StorageError, UsageError, unknown
from raravis.runtimes import _kept, _trials, keras
from raravis.runtimes._others import Others
from raravis.runtimes._runner import PRECISIONS, Precision, Runner, Runtime, first_line
from raravis.runtimes._trials import REDUCED, Candidate, Trial

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["PRECISIONS", "Chosen", "Precision", "Runner", "at_hand", "fastest", "names", "precisions", "prepare"]

WORTHWHILE: Final = 45.0
"""Seconds that Keras would take for all images, below which nothing else is tried: converting takes a while."""

PATIENCE: Final = 180.0
"""Seconds after which no further runtime is tried; a quarter of what Keras would take for all images where less."""

CROWDED: Final = 0.5
"""Share of the machine that other processes may take, if what was timed meanwhile is to hold for later calls."""

_GAIN: Final = 1.1
"""How much faster than the fastest in float32 another precision must be to be taken."""


@dataclass(frozen=True)
class Chosen:
    """What runs a network fastest here.

    Attributes:
        name: the runtime's.
        precision: what it computes in.
        call: images (`uint8` or `float32`, 0–255, any `B`) → features `float32` `(B, D)`.
        images_per_second: of every candidate that was timed, by "runtime precision"; empty where there was no choice.
        note: one line a person can read: the speeds, and why a candidate was left out.
    """

    name: str
    precision: Precision
    call: Runner
    images_per_second: Mapping[str, float]
    note: str


def names() -> list[str]:
    """Every runtime, installed or not, by name."""
    return registry.names(__name__)


def at_hand() -> list[str]:
    """The runtimes that are installed, by name."""
    return [name for name in names() if _runtime(name).available()]


def precisions(name: str) -> list[Precision]:
    """What a runtime at hand computes in on this machine with a gain, `float32` first.

    Raises:
        UsageError: no such runtime, or it is not installed.
    """
    return list(_installed(name).precisions())


def prepare(name: str, model: Any, *, precision: Precision = "float32") -> Runner:
    """Make a Keras model a function from images to features that the runtime `name` runs.

    Args:
        name: one of `names()`.
        model: RGB 0–255 `(B, H, W, 3)` → `(B, D)`, its preprocessing inside.
        precision: what it computes in; features are `float32` in any case.

    Returns:
        images (`uint8` or `float32`, 0–255, any `B`) → features `float32` `(B, D)`. Not for two threads at once.

    Raises:
        UsageError: no such runtime or precision, not installed, or it cannot run this network.
    """
    runtime = _installed(name)
    if precision not in PRECISIONS:
        raise UsageError(unknown("precision", precision, PRECISIONS))
    try:
        return runtime.convert(model)(precision)
    except RaravisError:
        raise
    except Exception as error:  # converters raise whatever they meet
        raise UsageError(f"{name} cannot run this network: {first_line(error)}\nTake the runtime 'keras'.") from error


def fastest(
    model: Any,
    sample: NDArray[np.uint8] | NDArray[np.float32],
    *,
    tolerance: float = 1e-3,
    reduced: float = REDUCED,
    images: int | None = None,
    quiet: bool = False,
) -> Chosen:
    """The runtime at hand, and the precision, that give a network's features soonest on this machine.

    Each candidate must give what Keras gives on the sample; then they are timed in turns. What was measured is kept for
    this network, machine and versions, so the next call only prepares the winner. Where Keras computes on an
    accelerator, only its own precisions compete, as the other runtimes know the CPU alone.

    Args:
        model: RGB 0–255 `(B, H, W, 3)` → `(B, D)`, its preprocessing inside.
        sample: real images as the model takes them, 0–255, `(B, H, W, 3)`; 16 to 64 are right, of which as many are
            used as take Keras about a second.
        tolerance: how far features in `float32` may lie from Keras', relative to their length, in any image.
        reduced: how far features in less than `float32` may lie, in the middle one of the images.
        images: how many will follow. With so few that Keras needs less than `WORTHWHILE` seconds, nothing else is
            tried; what was measured before is weighed with the time to prepare it.
        quiet: say nothing on standard error.

    Raises:
        UsageError: the sample is empty or not `(B, H, W, 3)`.
    """
    if sample.ndim != 4 or sample.shape[-1] != 3 or not len(sample):
        raise UsageError(f"A sample of images (B, H, W, 3) was expected, found the shape {sample.shape}.")
    candidates = _candidates()
    if len(candidates) == 1 and len(candidates[0].precisions) == 1:
        return Chosen("keras", "float32", prepare("keras", model), {}, "keras float32: no other runtime is at hand")
    key = _kept.key(model, [f"{one.name} {one.precisions}" for one in candidates], (tolerance, reduced))
    kept = _kept.read(key)
    if kept is not None:
        return _again(model, kept, images)
    yardstick = _trials.Yardstick.of(model, sample)
    expected = math.inf if images is None else images / yardstick.images_per_second
    if expected < WORTHWHILE:
        note = f"keras float32: about {expected:.0f} s are too few for a trial of other runtimes to pay"
        return Chosen("keras", "float32", yardstick.call, {}, note)
    progress.say("Measuring what runs this network fastest (once for each network)…", quiet=quiet)
    others = Others()
    patience = min(PATIENCE, expected / 4)
    trials, calls = _trials.run(model, yardstick, candidates, (tolerance, reduced), patience)
    best = _best(trials)
    note = _note(best, trials)
    if fault := _keep(key, trials, others.share()):
        note = f"{note}; not kept: {fault}"
    progress.say(f"Runtime: {note}", quiet=quiet)
    return Chosen(best.name, best.precision, calls[best.title], _speeds(trials), note)


def _keep(key: str, trials: Sequence[Trial], others: float) -> str:
    """Keep trials for the next call unless they say little of it; why they are not kept, or ""."""
    if others > CROWDED:
        return f"other processes took {others:.0%} of the machine meanwhile"
    if not all(trial.tried for trial in trials):
        return "not all could be tried"
    try:
        _kept.write(key, trials)
    except StorageError as error:
        return first_line(error)
    return ""


def _installed(name: str) -> Runtime:
    runtime = _runtime(name)
    if not runtime.available():
        raise UsageError(f"The runtime {name} is not installed.\nInstall it: {runtime.INSTALL}")
    return runtime


def _runtime(name: str) -> Runtime:
    found: Runtime = registry.load(__name__, name, "runtime")
    return found


def _candidates() -> list[Candidate]:
    """Keras first, then what may be faster; those first that compute in more than float32, as they may gain most."""
    others = [] if engine.keras().backend.backend() != "tensorflow" or keras.accelerated() else at_hand()
    found = {name: (_runtime(name), _runtime(name).precisions()) for name in {"keras", *others}}
    order = sorted(found, key=lambda name: (name != "keras", -len(found[name][1]), name))
    return [_trials.Candidate(name, *found[name]) for name in order]


def _again(model: Any, trials: Sequence[Trial], images: int | None) -> Chosen:
    """What was measured before, prepared anew; Keras where that fails now."""
    best = _best(trials, images)
    note = _note(best, trials)
    try:
        call = prepare(best.name, model, precision=best.precision)
    except UsageError as error:
        note = f"keras float32, as {best.title} fails now: {first_line(error)}"
        return Chosen("keras", "float32", prepare("keras", model), _speeds(trials), note)
    return Chosen(best.name, best.precision, call, _speeds(trials), note)


def _best(trials: Sequence[Trial], images: int | None = None) -> Trial:
    """The one that has all images done first: soonest prepared and run where `images` is told, else the fastest."""

    def seconds(trial: Trial) -> float:
        one = 1 / trial.images_per_second
        return one if images is None else trial.seconds + images * one

    timed = [trial for trial in trials if trial.images_per_second]
    exact = min((trial for trial in timed if trial.precision == "float32"), key=seconds)
    best = min(timed, key=seconds)
    return best if seconds(exact) >= _GAIN * seconds(best) else exact


def _speeds(trials: Sequence[Trial]) -> dict[str, float]:
    return {trial.title: trial.images_per_second for trial in trials if trial.images_per_second}


def _note(best: Trial, trials: Sequence[Trial]) -> str:
    speeds = sorted(_speeds(trials).items(), key=lambda pair: -pair[1])
    told = ", ".join(f"{title} {speed:.3g}" for title, speed in speeds)
    left = [f"{trial.title} left out: {trial.problem}" for trial in trials if trial.problem]
    return "; ".join([f"{best.title} (images/s: {told})", *left])
