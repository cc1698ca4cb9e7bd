"""A model over many images: logits and probabilities, in the order given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raravis import engine, progress
from raravis.judge.novelty import Seen
from raravis.judge.trust import WIDEST
from raravis.learn.batches import Pictures

keras = engine.keras()


def compiled(model: Any) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    """The model as a function from a batch (any real dtype) to a NumPy float32 array, traced once a batch shape."""

    def call(batch: NDArray[Any]) -> NDArray[np.float32]:
        return np.asarray(model.predict_on_batch(batch), np.float32)

    return call


def seeing(model: Any) -> Callable[[NDArray[Any]], Seen]:
    """The model as a function from a batch to its embedding and its logits, in one pass."""
    both = keras.Model(model.input, [model.get_layer("embedding").output, model.output])

    def call(batch: NDArray[Any]) -> Seen:
        features, logits = both.predict_on_batch(batch)
        return Seen(np.asarray(features, np.float32), np.asarray(logits, np.float32))

    return call


def seen(model: Any, pictures: Pictures, rows: NDArray[np.int64], *, batch_size: int = 64, quiet: bool = False) -> Seen:
    """What the model makes of each of `rows`: features float32 `(n, D)`, logits float32 `(n, K)`.

    Features wider than `WIDEST` are left out, `(n, 0)`: nothing is known of distances between them.
    """
    call, found = seeing(model), []
    with progress.bar("Evaluating", len(rows), quiet=quiet, unit="images") as advance:
        for start in range(0, len(rows), batch_size):
            some = call(pictures.batch(rows[start : start + batch_size]))
            found.append(some if some.features.shape[1] <= WIDEST else Seen(some.features[:, :0], some.logits))
            advance(len(some.logits))
    return Seen(np.concatenate([one.features for one in found]), np.concatenate([one.logits for one in found]))


def outputs(
    model: Any,
    pictures: Pictures,
    rows: NDArray[np.int64],
    *,
    batch_size: int,
    quiet: bool,
    label: str = "Evaluating",
) -> NDArray[np.float32]:
    """What the model makes of each of `rows`, float32 `(n, D)`."""
    out = np.empty((len(rows), int(model.output.shape[-1])), np.float32)
    call = compiled(model)
    with progress.bar(label, len(rows), quiet=quiet, unit="images") as advance:
        for start in range(0, len(rows), batch_size):
            some = rows[start : start + batch_size]
            out[start : start + len(some)] = call(pictures.batch(some))
            advance(len(some))
    return out
