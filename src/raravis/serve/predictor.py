"""What identifies: photographs as pixels enter, the probability of every family leaves.

Everything in this room asks a `Predictor` and nothing more, so that a run folder and any other kind of model
are served alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from raravis import engine
from raravis.data.decode import Fit
from raravis.errors import RunError
from raravis.run import Run


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

    def probabilities(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn RGB `uint8` `(B, size, size, 3)` into `float32` `(B, K)`, each row adding up to 1."""


@dataclass(frozen=True)
class RunPredictor:
    """The trained network of a run.

    Attributes:
        families: sorted, the order of the logits.
        size: height and width of its images.
        fit: how images are made square.
        logits: the network: `(B, size, size, 3)`, 0–255 → `float32` `(B, K)`.
    """

    families: tuple[str, ...]
    size: int
    fit: Fit
    logits: Callable[[NDArray[Any]], NDArray[np.float32]]

    def probabilities(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn a batch into probabilities; softmax is applied here and nowhere else.

        Raises:
            RunError: the network gives no finite numbers.
        """
        logits = self.logits(batch)
        if not np.isfinite(logits).all():
            raise RunError("The model gives no finite numbers (NaN or infinity): it is damaged.\nTrain it again.")
        found: NDArray[np.float32] = softmax(logits, axis=1)
        return found


def open_predictor(path: Path | str, *, seed: int = 0) -> Predictor:
    """Open the model of a run folder.

    Args:
        path: the run.
        seed: of the engine, should a layer of the model draw random numbers.

    Raises:
        RunError: the folder is no run, has no model yet, or is damaged.
    """
    run = Run.open(path)
    model = run.load_model()
    if model.output.shape[-1] != len(run.families):
        raise RunError(
            f"The model of {run.path} tells {model.output.shape[-1]} families apart, its split has "
            f"{len(run.families)}.\nThe folder was changed after training; train again."
        )
    from raravis.learn.infer import compiled  # loads Keras, so only once there is a run

    engine.keras().utils.set_random_seed(seed)
    return RunPredictor(run.families, run.recipe.data.size, run.recipe.data.fit, compiled(model))
