"""What training leaves behind after every epoch, so that it can go on as if it had never stopped.

`RUN/checkpoint/` holds `state.json` and the arrays it names: all variables and the optimizer's after the last epoch,
and those of the best epoch. `state.json` is replaced after the arrays are on the disk and before old ones are removed:
whatever the moment of a kill, it names whole files.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from raravis import files
from raravis.errors import RunError

_STATE = "state.json"


@dataclass(frozen=True)
class Progress:
    """Where training stands after `epoch` finished epochs.

    Attributes:
        epoch: finished epochs.
        best: best value of the monitored metric, or None before the first epoch.
        best_epoch: the epoch that reached it, counted from 0.
        wait: epochs since.
        stopped: early stopping has spoken.
        history: one mapping an epoch, the rows of `history.csv`.
        last: file of the variables after the last epoch.
        best_file: file of the variables of the best epoch.
    """

    epoch: int = 0
    best: float | None = None
    best_epoch: int = 0
    wait: int = 0
    stopped: bool = False
    history: tuple[dict[str, float], ...] = field(default=())
    last: str = ""
    best_file: str = ""


def save(
    folder: Path,
    progress: Progress,
    variables: Sequence[Any],
    optimizer: Sequence[Any],
    *,
    best: Sequence[Any] | None = None,
) -> Progress:
    """Keep the variables and the progress; returns the progress with its files named.

    Args:
        folder: `RUN/checkpoint`.
        progress: where training stands.
        variables: all Keras variables of what is trained, seeds included.
        optimizer: the optimizer's variables.
        best: what is kept of an epoch that is the best so far, in the order of `variables`; None for these.
    """
    folder = files.folder(folder)
    last = f"epoch-{progress.epoch:04d}.npz"
    _write(folder / last, {"variable": variables, "optimizer": optimizer})
    best_file = progress.best_file
    if progress.wait == 0 or not best_file:
        best_file = f"best-{progress.epoch:04d}.npz"
        _write(folder / best_file, {"variable": variables if best is None else best})
    kept = replace(progress, last=last, best_file=best_file)
    files.write_json(folder / _STATE, asdict(kept))
    for old in folder.glob("*.npz"):
        if old.name not in (last, best_file):
            old.unlink()
    return kept


def load(folder: Path) -> Progress:
    """The progress that `folder` holds; that of a run not yet begun if there is none.

    Raises:
        RunError: `state.json` is damaged.
    """
    file = folder / _STATE
    if not file.is_file():
        return Progress()
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
        return Progress(**{**value, "history": tuple(value["history"])})
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(f"{file} is damaged ({error}); train again into another folder.") from error


def restore(file: Path, variables: Sequence[Any], optimizer: Sequence[Any] = ()) -> None:
    """Assign the arrays of `file` to the variables, in order.

    Raises:
        RunError: the file is damaged or belongs to another network.
    """
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            for group, wanted in (("variable", variables), ("optimizer", optimizer)):
                for number, variable in enumerate(wanted):
                    variable.assign(arrays[f"{group}/{number}"])
    except Exception as error:  # numpy, zipfile and the backends raise many kinds for one fault
        raise RunError(f"{file} is damaged or of another network ({error}); train into another folder.") from error


def _write(file: Path, groups: dict[str, Sequence[Any]]) -> None:
    arrays = {f"{name}/{i}": v.numpy() for name, group in groups.items() for i, v in enumerate(group)}
    with files.atomic(file) as stream:
        np.savez(stream, **arrays)
