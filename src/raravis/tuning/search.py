"""The search: Keras Tuner proposes, a function that is handed in tries, and every outcome is on the disk at once.

One process searches alone, or several share a search through Keras Tuner's own protocol: the process whose
`KERASTUNER_TUNER_ID` begins with `chief` keeps the books, all others ask it for trials over gRPC.
"""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

from raravis import engine, files
from raravis.errors import UsageError
from raravis.tuning.space import Field

Method = Literal["random", "hyperband", "bayesian", "grid"]
METHODS: Final = get_args(Method)
OBJECTIVES: Final = {"val_macro_f1": "max", "val_accuracy": "max", "val_loss": "min"}
_EPOCHS: Final = "tuner/epochs"


class TrialError(Exception):
    """A trial that failed; its text is the cause, one line."""


@dataclass(frozen=True)
class Trial:
    """One point of the space and what came of it.

    Attributes:
        name: of its folder.
        values: `section.field` → value, with `train.epochs` where Hyperband chose it.
        status: `completed`, `failed`, or `running` if nothing came of it yet.
        score: value of the objective, or None.
        cause: why it failed, or "".
    """

    name: str
    values: Mapping[str, Any]
    status: str
    score: float | None
    cause: str


def role() -> Literal["alone", "chief", "worker"]:
    """What this process is in a search, by Keras Tuner's environment variables."""
    if "KERASTUNER_ORACLE_IP" not in os.environ:
        return "alone"
    missing = [n for n in ("KERASTUNER_ORACLE_PORT", "KERASTUNER_TUNER_ID") if n not in os.environ]
    if missing:
        raise UsageError(
            f"KERASTUNER_ORACLE_IP is set, but {' and '.join(missing)} is not.\n"
            "Set all three for the chief and for every worker, or none to search alone."
        )
    return "chief" if "chief" in os.environ["KERASTUNER_TUNER_ID"] else "worker"


def search(
    folder: Path,
    space: tuple[Field, ...],
    attempt: Callable[[str, Mapping[str, Any]], Mapping[str, float]],
    *,
    method: Method,
    objective: str,
    trials: int,
    epochs: int,
    seed: int,
    ended: Callable[[], None],
) -> tuple[Trial, ...]:
    """Search, or go on with the search that `folder` holds.

    Args:
        folder: for Keras Tuner's books, which all processes of one search share.
        space: what to search.
        attempt: tries the values under a name and gives metrics, the objective among them; raises `TrialError`.
        method: how the next values are found.
        objective: a key of `OBJECTIVES`.
        trials: at most this many.
        epochs: that Hyperband may spend on one trial.
        seed: of the proposals.
        ended: called after every trial of this process.

    Returns:
        All trials of the search so far, in the order of their start; of a worker none, since the chief knows them.
    """
    engine.keras()  # first, so that it starts as everywhere
    import keras_tuner

    oracle = _oracle(space, method, objective, trials, epochs, seed)

    class Tuner(keras_tuner.engine.base_tuner.BaseTuner):
        """Keras Tuner's loop around `attempt`."""

        def run_trial(self, trial: Any, *args: Any, **options: Any) -> dict[str, float]:
            try:
                return dict(attempt(trial.trial_id, _values(space, trial.hyperparameters.values)))
            except TrialError as error:
                raise keras_tuner.errors.FailedTrialError(str(error)) from error

        def on_trial_end(self, trial: Any) -> None:
            if trial.message:
                trial.message = trial.message.strip().splitlines()[-1].partition(": ")[2]
            super().on_trial_end(trial)
            ended()

        def save(self) -> None:
            if not self._is_worker():
                self.oracle.save()
            files.write_json(Path(self._get_tuner_fname()), {})

    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's word on Gaussian processes that have little to go by
        tuner = Tuner(oracle, directory=str(folder.parent), project_name=folder.name)
        oracle.verbose = 0
        oracle.max_trials = trials
        tuner.search(verbose=0)
    if role() == "worker":
        return ()
    return tuple(_trial(space, oracle.trials[name]) for name in oracle.start_order)


def best(trials: tuple[Trial, ...], objective: str) -> Trial | None:
    """The completed trial with the best score, the earlier one of equals; None if none completed."""
    done = [trial for trial in trials if trial.score is not None]
    sign = 1 if OBJECTIVES[objective] == "max" else -1
    return max(done, key=lambda trial: sign * (trial.score or 0), default=None)


def _oracle(space: tuple[Field, ...], method: Method, objective: str, trials: int, epochs: int, seed: int) -> Any:
    """Keras Tuner's oracle of that method, which keeps its books so that a kill cannot spoil them."""
    import keras_tuner

    points = keras_tuner.HyperParameters()
    for field in space:
        field.add(points)
    kind = {
        "random": keras_tuner.oracles.RandomSearchOracle,
        "hyperband": keras_tuner.oracles.HyperbandOracle,
        "bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
        "grid": keras_tuner.oracles.GridSearchOracle,
    }[method]
    options: dict[str, Any] = {"max_trials": trials}
    if method == "hyperband":
        options = {"max_epochs": epochs, "factor": 3, "hyperband_iterations": max(1, trials)}

    class Oracle(kind):  # type: ignore[misc,valid-type]
        """The same, written whole or not at all."""

        def save(self) -> None:
            files.write_json(Path(self._get_oracle_fname()), self.get_state())

        def _save_trial(self, trial: Any) -> None:
            file = Path(self._get_trial_dir(trial.trial_id)) / "trial.json"
            files.write_json(file, trial.get_state())

    return Oracle(
        objective=keras_tuner.Objective(objective, OBJECTIVES[objective]),
        hyperparameters=points,
        tune_new_entries=False,
        allow_new_entries=False,
        seed=seed + 1,  # it takes 0 for none
        max_consecutive_failed_trials=10**9,  # whether all failed is told at the end
        **options,
    )


def _values(space: tuple[Field, ...], drawn: Mapping[str, Any]) -> dict[str, Any]:
    values = {field.key: field.value(drawn[field.key]) for field in space}
    return {**values, "train.epochs": int(drawn[_EPOCHS])} if _EPOCHS in drawn else values


def _trial(space: tuple[Field, ...], found: Any) -> Trial:
    status = {"COMPLETED": "completed", "FAILED": "failed", "INVALID": "failed"}.get(found.status, "running")
    return Trial(found.trial_id, _values(space, found.hyperparameters.values), status, found.score, found.message or "")
