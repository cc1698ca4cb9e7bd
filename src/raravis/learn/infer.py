"""A model over many images: logits and probabilities, in the order given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from raravis import engine, progress
from raravis.learn.batches import Pictures

keras = engine.keras()


def compiled(model: Any) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    """The model as a function from a batch (any real dtype) to a NumPy float32 array, traced once a batch shape."""

    def call(batch: NDArray[Any]) -> NDArray[np.float32]:
        return np.asarray(model.predict_on_batch(batch), np.float32)

    return call


def probabilities(
    model: Any, pictures: Pictures, rows: NDArray[np.int64], *, batch_size: int = 64, quiet: bool = False
) -> NDArray[np.float32]:
    """Softmax of the model's logits, float32 `(n, K)`, one row for each of `rows`."""
    return softmax(outputs(model, pictures, rows, batch_size=batch_size, quiet=quiet), axis=1)  # type: ignore[no-any-return]


def outputs(
    model: Any,
    pictures: Pictures,
    rows: NDArray[np.int64],
    *,
    batch_size: int,
    quiet: bool,
    label: str = "Evaluating",
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """What the model makes of each of `rows`, float32 `(n, D)`; written into `out` when given (a memory map, say)."""
    if out is None:
        out = np.empty((len(rows), int(model.output.shape[-1])), np.float32)
    call = compiled(model)
    with progress.bar(label, len(rows), quiet=quiet, unit="images") as advance:
        for start in range(0, len(rows), batch_size):
            some = rows[start : start + batch_size]
            out[start : start + len(some)] = call(pictures.batch(some))
            advance(len(some))
    return out
