"""Keras callbacks: early stopping that survives a kill, the keeper of checkpoints and history, the progress bar."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from raravis import engine, files
from raravis.errors import DataError
from raravis.learn import checkpoint
from raravis.learn.checkpoint import Progress
from raravis.learn.optimizing import averaged

keras = engine.keras()


class Patience(keras.callbacks.EarlyStopping):  # type: ignore[name-defined]
    """Keras' early stopping, taken up where `progress` left it. A patience of 0 never stops."""

    def __init__(self, progress: Progress, *, monitor: str, patience: int) -> None:
        super().__init__(monitor=monitor, patience=patience or 10**9, mode="min" if monitor == "val_loss" else "max")
        self._progress = progress

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Take up the state of the epochs before."""
        super().on_train_begin(logs)
        if self._progress.epoch:
            self.best, self.wait = self._progress.best, self._progress.wait
            self.best_epoch = self._progress.best_epoch


class Keeper(keras.callbacks.Callback):  # type: ignore[name-defined]
    """After every epoch: a history row, then a checkpoint, then `on_kept`. Comes after `Patience`.

    Args:
        folder: the checkpoint folder.
        progress: where training stands.
        patience: the early stopping whose state is kept.
        on_kept: called with the new progress once it is on the disk.
    """

    def __init__(
        self, folder: Path, progress: Progress, patience: Patience, on_kept: Callable[[Progress], None]
    ) -> None:
        super().__init__()
        self._folder, self.progress, self._patience, self._on_kept = folder, progress, patience, on_kept
        self._started = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note the time."""
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep the epoch.

        Raises:
            DataError: a figure is no longer a number, so that there is nothing worth keeping.
        """
        broken = [name for name, value in (logs or {}).items() if not math.isfinite(value)]
        if broken:
            raise DataError(
                f"In epoch {epoch + 1} {broken[0]} was no number any more: the steps were too large.\n"
                "Train into another folder with a lower rate, such as --set train.learning_rate=1e-4."
            )
        row = {"epoch": epoch, **{k: float(v) for k, v in (logs or {}).items() if k != "macro_f1"}}
        row["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        row["seconds"] = round(time.perf_counter() - self._started, 3)
        progress = Progress(
            epoch=epoch + 1,
            best=None if self._patience.best is None else float(self._patience.best),
            best_epoch=self._patience.best_epoch,
            wait=self._patience.wait,
            stopped=bool(self.model.stop_training),
            history=(*self.progress.history, row),
            best_file=self.progress.best_file,
        )
        variables, optimizer = self.model.variables, self.model.optimizer
        averages = averaged(optimizer)
        best = [averages.get(id(variable), variable) for variable in variables]
        self.progress = checkpoint.save(self._folder, progress, variables, optimizer.variables, best=best)
        self._on_kept(self.progress)


class Bar(keras.callbacks.Callback):  # type: ignore[name-defined]
    """Moves a progress bar a step at a time and shows the last epoch's figures behind it."""

    def __init__(self, advance: Callable[..., None]) -> None:
        super().__init__()
        self._advance = advance

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """One step done."""
        self._advance(1)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Show the figures."""
        logs = logs or {}
        score = f", val macro-F1 {logs['val_macro_f1']:.3f}" if "val_macro_f1" in logs else ""
        self._advance(0, note=f"val accuracy {logs['val_accuracy']:.3f}{score}, val loss {logs['val_loss']:.3f}")


def write_history(file: Path, progress: Progress) -> None:
    """Replace `history.csv` by the rows kept so far."""
    files.write_text(file, pd.DataFrame(list(progress.history)).to_csv(index=False, lineterminator="\n"))
