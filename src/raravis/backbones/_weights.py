"""Where a backbone's weights come from: a named file, the folder `RARAVIS_WEIGHTS`, or Keras' own download.

Only formats that hold numbers are read (`.h5`, `.weights.h5`); nothing that is loaded can execute.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from raravis import engine
from raravis.errors import OfflineError, UsageError

_NAMED = "Set the weights (model.weights, weights of one of model.backbones, or --weights) to a .h5 file"


def load_into(
    model: Any, name: str, weights: str, *, size: int, names: Iterable[str], make: Callable[..., Any]
) -> None:
    """Fill `model` (the backbone `name` without its top) with the weights that `weights` names.

    Args:
        model: a Keras model, changed in place.
        name: the backbone's Keras name.
        weights: `imagenet`, `none`, or the path of a `.h5` file.
        size: side of the images in pixels.
        names: the names of all backbones, to tell whose a file is.
        make: the `keras.applications` function, asked for its ImageNet weights when no file is at hand.

    Raises:
        UsageError: the file is not there, no weight file, damaged, or of another architecture.
        OfflineError: the ImageNet weights are neither at hand nor to be fetched.
    """
    if weights == "none":
        return
    file = find(name, names) if weights == "imagenet" else Path(weights).expanduser()
    if file is not None:
        _read(model, name, file)
        return
    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras tells of its download there, which is the caller's
            fetched = make(include_top=False, weights="imagenet", input_shape=(size, size, 3))
    except Exception as error:  # Keras lets urllib's, ssl's and its own errors through
        raise OfflineError(
            f"The ImageNet weights of {name} are not at hand and could not be fetched ({_first_line(error)}).\n"
            f"{_NAMED}, or RARAVIS_WEIGHTS to a folder that holds one, or go online once."
        ) from error
    model.set_weights(fetched.get_weights())


def find(name: str, names: Iterable[str]) -> Path | None:
    """The file without a top for the backbone `name` in the folder `RARAVIS_WEIGHTS`, or None.

    Names are compared by letters and digits alone, so that `mobilenet_v2_…_no_top.h5` and
    `mobilenetv2_…_notop.weights.h5` both are MobileNetV2's; a file belongs to the longest of `names` that it begins
    with, so neither is MobileNet's.
    """
    folder = os.environ.get("RARAVIS_WEIGHTS")
    if not folder:
        return None
    for file in sorted(Path(folder).expanduser().glob("*.h5")):
        plain = _plain(file.name).removeprefix("weights")
        owners = [n for n in names if plain.startswith(_plain(n))]
        if "notop" in plain and name == max(owners, key=len, default=None):
            return file
    return None


def all_finite(model: Any, file: Path) -> None:
    """Refuse weights that were read from a file and are no finite numbers.

    Raises:
        UsageError: one is NaN or infinite.
    """
    for weight in model.weights:
        if not np.isfinite(engine.keras().ops.convert_to_numpy(weight)).all():
            raise UsageError(
                f"{file.name} holds NaN or infinity in {weight.path}: it is damaged.\nFetch or save it again."
            )


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())


def _read(model: Any, name: str, file: Path) -> None:
    if not file.is_file():
        raise UsageError(f"The weight file {file} is not there.\n{_NAMED}, 'imagenet' or 'none'.")
    if file.suffix != ".h5":
        raise UsageError(f"{file.name} is no weight file that raravis reads; a .h5 or .weights.h5 file was expected.")
    try:
        model.load_weights(str(file))
    except Exception as error:  # h5py and Keras raise many kinds for one fault: not these weights
        raise UsageError(
            f"{file.name} does not hold weights of {name} without its top ({_first_line(error)}).\n"
            "Name the backbone that the file was made for, or another file."
        ) from error
    all_finite(model, file)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
