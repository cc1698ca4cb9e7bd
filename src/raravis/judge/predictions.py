"""The predictions of one model: arrays enter, one checked table leaves, and its arrays come back.

Columns: `image_id, file_path, split, family` (the true one), `predicted`, `confidence` (the probability of
the predicted family), then `p_<family>` for every family that the model knows, in the order of their names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from raravis import files
from raravis.errors import DataError, RunError

if TYPE_CHECKING:
    import pandas as pd  # slow to import, and what judges one image needs no tables

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]
Ints = np.ndarray[Any, np.dtype[np.integer[Any]]]

COLUMNS: Final = ("image_id", "file_path", "split", "family", "predicted", "confidence")
PREFIX: Final = "p_"
TOLERANCE: Final = 1e-3
"""How far a row of probabilities may be from a sum of 1 (float16 arithmetic errs by less)."""


def build(
    *,
    image_id: Sequence[str],
    file_path: Sequence[str],
    split: Sequence[str],
    family: Sequence[str],
    families: Sequence[str],
    probabilities: Floats,
) -> pd.DataFrame:
    """Put predictions into one table.

    Args:
        image_id: n identities, each once.
        file_path: n paths.
        split: n of `train`, `val`, `test`, `novel`.
        family: n true families; those of `novel` images need not be in `families`.
        families: the K families that the model knows, sorted.
        probabilities: (n, K), 0–1, rows sum to 1, columns in the order of `families`.

    Raises:
        DataError: lengths differ, an image comes twice, families are not sorted and distinct, or the
            probabilities are none.
    """
    import pandas as pd

    known = list(families)
    if known != sorted(set(known)):
        raise DataError("The families of predictions must be sorted and distinct; sort the names with their columns.")
    lengths = {len(image_id), len(file_path), len(split), len(family), len(probabilities)}
    if len(lengths) != 1:
        raise DataError(
            f"Predictions need one value an image: {len(image_id)} ids, {len(file_path)} paths, {len(split)} "
            f"splits, {len(family)} families, {len(probabilities)} rows of probabilities."
        )
    if len(set(image_id)) != len(image_id):
        twice = next(name for name, count in Counter(image_id).items() if count > 1)
        raise DataError(f"Image {twice} is predicted more than once; one row an image was expected.")
    check(probabilities, len(known))
    values = np.asarray(probabilities, np.float32)
    best = values.argmax(axis=1)
    frame = pd.DataFrame(
        {
            "image_id": list(image_id),
            "file_path": list(file_path),
            "split": list(split),
            "family": list(family),
            "predicted": np.asarray(known, object)[best],
            "confidence": values[np.arange(len(values)), best],
        }
    )
    return pd.concat([frame, pd.DataFrame(values, columns=[PREFIX + name for name in known])], axis=1)


def check(probabilities: Floats, families: int) -> None:
    """Refuse what cannot be the probabilities of so many families.

    Raises:
        DataError: wrong shape, values that are not finite or outside 0–1, or rows that do not sum to 1.
    """
    if probabilities.ndim != 2 or probabilities.shape[1] != families or families == 0:
        raise DataError(f"Probabilities of shape (images, {families}) were expected; found {probabilities.shape}.")
    sums = probabilities.sum(axis=1, dtype=np.float64)
    wrong = ~(np.abs(sums - 1) <= TOLERANCE) | (probabilities < 0).any(axis=1)
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        kind = (
            "NaN or infinite values" if not np.isfinite(probabilities[first]).all() else f"a sum of {sums[first]:.4g}"
        )
        raise DataError(
            f"{int(wrong.sum())} of {len(probabilities)} rows are no probabilities: row {first} has {kind}; "
            "values in 0–1 that sum to 1 were expected.\n"
            "Did training diverge, or were logits passed without softmax?"
        )


def save(frame: pd.DataFrame, path: Path) -> None:
    """Write the table as Parquet, whole or not at all.

    Raises:
        StorageError: the file cannot be written.
    """
    with files.atomic(path) as stream:
        frame.to_parquet(stream, index=False, compression="zstd")


def load(path: Path) -> pd.DataFrame:
    """Read a table that `save` wrote.

    Raises:
        RunError: the file is not there, damaged, or lacks a column.
    """
    import pandas as pd

    try:
        frame = pd.read_parquet(path)
    except FileNotFoundError as error:
        raise RunError(f"{path} is not there; `raravis evaluate` writes it.") from error
    except (OSError, ValueError) as error:  # pyarrow's errors derive from these
        raise RunError(
            f"{path} is no table of predictions: {error}.\nWrite it again with `raravis evaluate`."
        ) from error
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing or not families(frame):
        lacking = ", ".join(missing) or f"{PREFIX}<family>"
        raise RunError(f"{path} lacks the columns {lacking}.\nWrite it again with `raravis evaluate`.")
    return frame


def families(frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the families that the model knows, in the order of their columns."""
    return tuple(name.removeprefix(PREFIX) for name in frame.columns if name.startswith(PREFIX))


def probabilities(frame: pd.DataFrame) -> Floats:
    """Return the probabilities, float32 (n, K), columns in the order of `families(frame)`."""
    return frame[[PREFIX + name for name in families(frame)]].to_numpy(np.float32)


def truth(frame: pd.DataFrame) -> Ints:
    """Return the true families as positions in `families(frame)`, int64 (n,).

    Raises:
        DataError: an image is of a family that the model does not know; the families are named.
    """
    import pandas as pd

    found: Ints = pd.Index(families(frame)).get_indexer(pd.Index(frame["family"])).astype(np.int64)
    if (found < 0).any():
        strange = sorted(set(frame["family"][found < 0]))
        shown = ", ".join(strange[:5]) + (f" and {len(strange) - 5} more" if len(strange) > 5 else "")
        raise DataError(
            f"{(found < 0).sum()} images are of families that the model never saw in training: {shown}.\n"
            "They can be judged as novel, not by accuracy; leave them out."
        )
    return found
