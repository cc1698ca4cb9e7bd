"""Loggers beside `history.csv`, each behind an extra: TensorBoard and MLflow."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from raravis import engine
from raravis.errors import UsageError
from raravis.recipe import Recipe

keras = engine.keras()


def callbacks(names: Sequence[str], folder: Path, recipe: Recipe) -> list[Any]:
    """One Keras callback a name, writing below `folder`.

    Raises:
        UsageError: the extra that a logger needs is not installed.
    """
    return [{"tensorboard": _tensorboard, "mlflow": MLflow}[name](folder, recipe) for name in names]


def _tensorboard(folder: Path, recipe: Recipe) -> Any:
    del recipe  # TensorBoard keeps scalars alone; the recipe stands beside its folder
    _need("tensorboard")
    return keras.callbacks.TensorBoard(log_dir=str(folder / "tensorboard"), write_graph=False)


class MLflow(keras.callbacks.Callback):  # type: ignore[name-defined]
    """Logs the recipe and every epoch's figures to MLflow: to `MLFLOW_TRACKING_URI`, else to `mlflow/` in the run.

    A resumed training is a second MLflow run of the same name.
    """

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        super().__init__()
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        self._mlflow = _need("mlflow")
        self._folder, self._recipe = folder, recipe

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Open an MLflow run and log the recipe's fields."""
        uri = None
        if "MLFLOW_TRACKING_URI" not in os.environ:
            uri = (self._folder / "mlflow").as_uri()
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # plain files: the one store without a database
        self._client = self._mlflow.MlflowClient(tracking_uri=uri)
        known = self._client.get_experiment_by_name("raravis")
        experiment = known.experiment_id if known else self._client.create_experiment("raravis")
        self._id = self._client.create_run(experiment, run_name=self._folder.name).info.run_id
        for name, value in _flat(self._recipe.model_dump(mode="json")).items():
            self._client.log_param(self._id, name, value)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Log the epoch's figures."""
        for name, value in (logs or {}).items():
            self._client.log_metric(self._id, name, float(value), step=epoch)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Close the MLflow run."""
        self._client.set_terminated(self._id)


def _need(package: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise UsageError(
            f"train.loggers names {package}, which is not installed.\nInstall it with: pip install 'raravis[{package}]'"
        ) from error


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat.update(_flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value})
    return flat
