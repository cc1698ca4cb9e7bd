"""The run folder: the only file that knows its file names.

    RUN/  recipe.toml  split.csv  environment.json  status.json     written at the start
          history.csv  curves.png  checkpoint/                      rewritten after every epoch
          model.keras  predictions.parquet  metrics.json  report.html   written at the end

Every file appears whole or not at all, so a kill at any moment leaves a folder that `Run.open` reads. While a process
trains, it holds a lock on `run.lock`; a status `running` that nobody holds means that the process was killed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import portalocker

from raravis import files, fingerprint, recipe
from raravis.errors import RunError, StorageError
from raravis.recipe import Recipe

if TYPE_CHECKING:
    import pandas as pd

    from raravis.judge.trust import Trust  # slow to import

State = Literal["running", "interrupted", "finished", "failed"]

RECIPE: Final = "recipe.toml"
SPLIT: Final = "split.csv"
ENVIRONMENT: Final = "environment.json"
STATUS: Final = "status.json"
HISTORY: Final = "history.csv"
CURVES: Final = "curves.png"
MODEL: Final = "model.keras"
PREDICTIONS: Final = "predictions.parquet"
METRICS: Final = "metrics.json"
REPORT: Final = "report.html"
HEADS: Final = "heads.csv"
CROSSED: Final = "crossed.npz"
TRIED: Final = "tried.csv"
TRUST: Final = "trust.npz"
CARD: Final = "card.md"
CHECKPOINT: Final = "checkpoint"
MEMBERS: Final = "members"
_LOCK: Final = "run.lock"


@dataclass(frozen=True)
class Run:
    """One run folder that exists.

    Attributes:
        path: the folder, absolute.
        recipe: the resolved recipe.
    """

    path: Path
    recipe: Recipe

    @classmethod
    def create(cls, path: Path, wanted: Recipe, split: bytes, environment: dict[str, Any]) -> Run:
        """Lay out a new run folder; `split` is the text of `split.csv`.

        Raises:
            RunError: the folder already holds a run, or another process makes one there.
            StorageError: it cannot be written.
        """
        path, wanted = files.folder(path), wanted.canonical()
        with _alone(path):
            if cls.is_run(path):
                raise RunError(
                    f"{path} already holds a run.\nContinue it with --resume, or choose another --out for a new one."
                )
            with files.atomic(path / SPLIT) as stream:
                stream.write(split)
            files.write_json(path / ENVIRONMENT, environment)
            files.write_text(path / RECIPE, wanted.toml())  # last: its presence makes the folder a run
        return cls(path, wanted)

    @classmethod
    def open(cls, path: Path | str) -> Run:
        """Open a run folder, whatever its state.

        Raises:
            RunError: the folder is no run, or its recipe is damaged.
        """
        path = Path(path).absolute()
        if not cls.is_run(path):
            expected = "a folder that `raravis train --out` made was expected."
            if path.exists() and not path.is_dir():
                raise RunError(f"{path} is a file; {expected}\nGive the folder that it lies in or unpacks to.")
            there = "holds no run (no recipe.toml)" if path.is_dir() else "is not there"
            raise RunError(f"{path} {there}; {expected}")
        return cls(path, recipe.load(path / RECIPE))

    @staticmethod
    def is_run(path: Path) -> bool:
        """Whether the folder holds a run, of any state."""
        return (path / RECIPE).is_file()

    @property
    def environment(self) -> dict[str, Any]:
        """What the run was made with: versions, machine, data, split digest."""
        return self._json(ENVIRONMENT)

    @property
    def status(self) -> dict[str, Any]:
        """`state` (running, interrupted, finished, failed), `epoch`, `epochs`, `message`, `updated` (UTC)."""
        found = self._json(STATUS) if (self.path / STATUS).is_file() else {"state": "running", "epoch": 0}
        if found["state"] == "running" and not self._held():
            return {**found, "state": "interrupted", "message": "the process ended without a word"}
        return found

    def set_status(self, state: State, *, message: str = "") -> None:
        """Replace `status.json`; its `epoch` is how many `history.csv` holds at this moment."""
        value = {
            "state": state,
            "epoch": len(self.history) if (self.path / HISTORY).is_file() else 0,
            "epochs": self.recipe.epochs,
            "message": message,
            "updated": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        files.write_json(self.path / STATUS, value)

    @property
    def split(self) -> pd.DataFrame:
        """`split.csv` as strings: image_id, file_path, family, split."""
        import pandas as pd

        return pd.read_csv(self.path / SPLIT, dtype=str, keep_default_na=False)

    @property
    def families(self) -> tuple[str, ...]:
        """The families that the model knows, sorted: the order of its logits.

        Those with images in `train`, unless the environment lists others: a network that reads needs no images.
        """
        return tuple(self.environment.get("families") or taught(self.split))

    @property
    def history(self) -> pd.DataFrame:
        """One row an epoch: epoch, loss, accuracy, val_loss, val_accuracy, learning_rate, seconds."""
        import pandas as pd

        if not (self.path / HISTORY).is_file():
            raise RunError(f"{self.path} has finished no epoch yet; continue it with `raravis train --resume`.")
        try:
            return pd.read_csv(self.path / HISTORY)
        except ValueError as error:  # no table, or no text
            told = f"{self.path / HISTORY} is damaged: {error}. Remove it; `--resume` writes it anew."
            raise RunError(told) from None

    def load_model(self) -> Any:
        """The trained Keras model: RGB 0–255 `(B, size, size, 3)` → logits `(B, families)`.

        Raises:
            RunError: training has not finished, or the file is damaged.
            MissingError: the training parts are not installed.
        """
        from raravis import engine

        file = self.path / MODEL
        if not file.is_file():
            state = self.status["state"]
            raise RunError(f"{self.path} has no model yet (it is {state}); finish it with `raravis train --resume`.")
        keras = engine.keras()
        try:
            return keras.saving.load_model(file, compile=False)
        except Exception as error:  # zipfile, h5py and Keras raise many kinds for one fault: a damaged file
            raise RunError(f"{file} is damaged: {error}\nTrain again into another folder.") from error

    def load_trust(self) -> Trust | None:
        """What says how far the network may be believed; None where a run was made without.

        Raises:
            RunError: the file is damaged, or belongs to another network or other families than those of the run.
        """
        from raravis.judge.trust import Trust

        file = self.path / TRUST
        if not file.is_file():
            return None
        found = Trust.load(file)
        told = ""
        if found.families != self.families:
            told = f"other families than {SPLIT} ({_apart(found.families, self.families)})"
        elif found.network and found.network != fingerprint.saved(self.path / MODEL):
            told = f"another network than {MODEL}"
        if told:
            raise RunError(f"{file} is of {told}.\nPut back the files that belong together, or train the run again.")
        return found

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the run for writing.

        Raises:
            RunError: another process holds it.
        """
        with _alone(self.path):
            yield

    def _held(self) -> bool:
        lock = self.path / _LOCK
        if not lock.is_file() or not os.access(lock, os.W_OK):
            return False
        with lock.open("a") as handle:
            try:
                portalocker.lock(handle, portalocker.LOCK_EX | portalocker.LOCK_NB)
            except portalocker.LockException:
                return True
        return False

    def _json(self, name: str) -> dict[str, Any]:
        try:
            value: dict[str, Any] = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"{self.path / name} cannot be read: {error}.") from error
        return value


def taught(split: pd.DataFrame) -> tuple[str, ...]:
    """The families of a split that a network can learn, sorted: those with images in `train`."""
    return tuple(sorted(split.loc[split["split"] == "train", "family"].unique()))


def save_model(model: Any, path: Path) -> None:
    """Write a Keras model to `path` (`.keras`), whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    with files.atomic_path(path) as part:
        try:
            model.save(part)
        except ValueError as error:  # Keras' word for a path that it cannot write
            raise StorageError(f"Cannot write {path}: {error}.") from error


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock of the run folder `path`, or raise the error that says who holds it."""
    with files.storage(path / _LOCK):
        handle = (path / _LOCK).open("a")
    with handle:
        try:
            portalocker.lock(handle, portalocker.LOCK_EX | portalocker.LOCK_NB)
        except portalocker.LockException as error:
            raise RunError(f"Another process is writing to {path}.\nWait for it, or choose another --out.") from error
        yield


def _apart(one: tuple[str, ...], other: tuple[str, ...]) -> str:
    """A few of the names that only one of the two has; where there is none, they are in another order."""
    names = sorted({*one} ^ {*other})
    return f"{', '.join(names[:4])}{' …' if len(names) > 4 else ''}" if names else "in another order"
