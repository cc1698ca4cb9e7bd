"""What cross-validation said of the images that it held out, kept beside a run: `crossed.npz`.

Enter and leave: for each way of holding out (`cross_validation`, `held_out_species`), image ids and probabilities. Why:
a run that is joined from others can say what it does on held-out species only if each of them kept what it said.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from raravis import files
from raravis.errors import RunError


@dataclass(frozen=True)
class Said:
    """Of images that were held out in one way.

    Attributes:
        image_ids: of m images.
        probabilities: float32 `(m, K)`, by networks that had not learned from the image.
    """

    image_ids: tuple[str, ...]
    probabilities: NDArray[np.float32]


def save(file: Path, said: Mapping[str, Said]) -> None:
    """Keep it; no file where nothing was held out.

    Raises:
        StorageError: the file cannot be written.
    """
    if not said:
        return
    arrays: dict[str, NDArray[np.generic]] = {}
    for way, one in said.items():
        arrays[f"{way}_ids"] = np.asarray(one.image_ids, np.str_)
        arrays[f"{way}_probabilities"] = one.probabilities
    with files.atomic(file) as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]


def load(file: Path) -> dict[str, Said]:
    """What is kept, by way; {} where there is no file.

    Raises:
        RunError: the file is damaged.
    """
    if not file.is_file():
        return {}
    try:
        with np.load(file, allow_pickle=False) as kept:
            ways = [name.removesuffix("_ids") for name in kept if name.endswith("_ids")]
            return {way: Said(tuple(map(str, kept[f"{way}_ids"])), kept[f"{way}_probabilities"]) for way in ways}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise RunError(f"{file} is damaged ({error}).\nTrain the run again.") from error
