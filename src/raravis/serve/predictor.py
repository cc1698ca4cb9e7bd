"""What identifies: photographs as pixels enter, the probability of every family leaves.

Everything in this room asks a `Predictor` and nothing more, so that a run folder and any other kind of model
are served alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from raravis.data.blank import blank
from raravis.data.decode import Fit
from raravis.errors import RunError, UsageError
from raravis.judge.logits import softmax
from raravis.judge.novelty import Seen
from raravis.judge.trust import Trust, Verdicts

if TYPE_CHECKING:
    from raravis.run import Run


@dataclass(frozen=True)
class Answer:
    """What is said of n images.

    Attributes:
        probabilities: float32 `(n, K)`, rows sum to 1.
        verdicts: how far they may be believed; None where nothing is known of that.
        features: what the network made of each, float32 `(n, D)`, of any length; None where it does not tell.
    """

    probabilities: NDArray[np.float32]
    verdicts: Verdicts | None = None
    features: NDArray[np.float32] | None = None


class Predictor(Protocol):
    """A model that is ready to be asked."""

    @property
    def families(self) -> tuple[str, ...]:
        """The families it knows, sorted: the columns of its probabilities."""

    @property
    def size(self) -> int:
        """Height and width of the images that it takes."""

    @property
    def fit(self) -> Fit:
        """How an image is made square for it."""

    def answer(self, batch: NDArray[np.uint8]) -> Answer:
        """Say what RGB `uint8` `(B, size, size, 3)` show."""


@dataclass(frozen=True)
class RunPredictor:
    """The trained network of a run.

    Attributes:
        families: sorted, the order of the logits.
        size: height and width of its images.
        fit: how images are made square.
        see: the network: `(B, size, size, 3)`, 0–255 → features `(B, D)` and logits `float32` `(B, K)`.
        trust: how far it may be believed; None for a run that was made without.
    """

    families: tuple[str, ...]
    size: int
    fit: Fit
    see: Callable[[NDArray[Any]], Seen]
    trust: Trust | None = None

    def answer(self, batch: NDArray[np.uint8]) -> Answer:
        """Say what a batch shows; softmax is applied here and nowhere else.

        Raises:
            RunError: the network gives no finite numbers.
        """
        seen = self.see(batch)
        if not (np.isfinite(seen.logits).all() and np.isfinite(seen.features).all()):
            raise RunError("The model gives no finite numbers (NaN or infinity): it is damaged.\nTrain it again.")
        if self.trust is None:
            return Answer(np.asarray(softmax(seen.logits), np.float32), features=seen.features)
        verdicts = self.trust.judge(seen, blank(batch))
        return Answer(verdicts.probabilities, verdicts, seen.features)


def open_predictor(
    path: Path | str, *, seed: int = 0, int8: bool = False, threads: int | None = None, **promises: float | None
) -> Predictor:
    """Open the model of a run folder, or a bundle.

    Args:
        path: the run or the bundle.
        seed: of the engine, should a layer of a run's model draw random numbers; a bundle draws none.
        int8: take the smaller network of a bundle.
        threads: that the network computes on; all cores when not given. TensorFlow takes note before its first run.
        promises: `accept`, `coverage`, `right`, `familiar` in place of the model's own; see `judge.trust.Trust`.

    Raises:
        RunError: the folder is neither, has no model yet, or is damaged.
        UsageError: a promise that is no share, or of a model that holds nothing to base it on; int8 of one that has no
            such network.
        MissingError: it is a run, and the training parts are not installed.
    """
    from raravis.serve import bundle

    if bundle.is_bundle(path):
        return bundle.open_bundle(path, int8=int8, threads=threads, **promises)
    if int8:
        raise UsageError(f"{path} is no bundle; only a bundle has an int8 network (raravis export --int8).")
    return _open_run(path, seed, promises)


def open_run(path: Path | str) -> Run:
    """Open the run that a MODEL is which is no bundle.

    Raises:
        RunError: it is no run either; says what it is, such as an incomplete bundle.
    """
    from raravis.run import Run
    from raravis.serve import folder

    try:
        return Run.open(path)
    except RunError:
        if Run.is_run(Path(path)):
            raise
        made = "a folder that `raravis train` or `raravis export` made"
        raise folder.missing(path, made, kinds="run and no bundle") from None


def _open_run(path: Path | str, seed: int, promises: Mapping[str, float | None]) -> RunPredictor:
    """Slow: Keras is loaded, but only once there is a run."""
    run = open_run(path)
    model = run.load_model()
    if model.output.shape[-1] != len(run.families):
        raise RunError(
            f"The model of {run.path} tells {model.output.shape[-1]} families apart, its split has "
            f"{len(run.families)}.\nThe folder was changed after training; train again."
        )
    wanted = {name: value for name, value in promises.items() if value is not None}
    trust = run.load_trust()
    if trust is None and wanted:
        raise UsageError(
            f"{run.path} holds nothing to base --{next(iter(wanted))} on: it was made without validation images, or "
            "by an older version.\nTrain it again, or leave the option out."
        )
    from raravis import engine
    from raravis.learn.infer import seeing

    engine.seed(seed)
    data = run.recipe.data
    return RunPredictor(run.families, data.size, data.fit, seeing(model), trust and trust.asked(**wanted))
