"""Batches for Keras, from the memory-mapped store: the same on every backend.

Enters: a pixel store, the rows of one part of the split and their classes. Leaves: `(images, one-hot, weights)`.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from raravis import engine

keras = engine.keras()

_AHEAD = 4
"""Batches that are read while the network learns."""


class Pictures(Protocol):
    """What gives images by row: a `PixelStore`, or an array wrapped in `Resident`."""

    def batch(self, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The images of `rows`, `(B, …)`."""


class Resident:
    """An array in memory as `Pictures`: features of a frozen trunk, for one."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array

    def batch(self, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The rows, copied."""
        picked: np.ndarray[Any, Any] = self.array[rows]
        return picked


class Batches(keras.utils.PyDataset):  # type: ignore[name-defined]
    """Labelled batches; shuffled anew every epoch when a seed is given.

    The order of epoch `e` depends on the seed and on `e` alone, so that a resumed run meets the same batches. One
    object serves one call of `fit`.

    Args:
        pictures: gives images by row.
        rows: int64 `(n,)`, the rows to go through.
        classes: int64 `(n,)`, the class of each row, 0 … `count` − 1.
        count: number of classes.
        batch_size: images a batch; the last may be smaller.
        class_weights: float32 `(count,)`, the weight of an image of each class, or None for 1.
        seed: shuffles by it, or None for the given order.
        epoch: the first epoch to give, as `initial_epoch` of `fit`.
        mixing: give `((images, targets), targets)` with targets scaled by the class weights, for a mixer of pairs.
    """

    def __init__(
        self,
        pictures: Pictures,
        rows: np.ndarray[Any, Any],
        classes: np.ndarray[Any, Any],
        *,
        count: int,
        batch_size: int,
        class_weights: np.ndarray[Any, Any] | None = None,
        seed: int | None = None,
        epoch: int = 0,
        mixing: bool = False,
    ) -> None:
        # With two workers Keras reads ahead by itself; with one, TensorFlow's self-tuning pipeline does, which on a
        # busy machine stalls for seconds between epochs. What is in memory needs neither.
        super().__init__(workers=1 if isinstance(pictures, Resident) else 2, max_queue_size=_AHEAD)
        self._pictures, self._rows, self._classes = pictures, rows, classes
        self._count, self._batch_size, self._weights = count, batch_size, class_weights
        self._seed, self._first, self._ended = seed, epoch, 0
        self._mixing = mixing
        self._order = self._shuffled(epoch)

    def __len__(self) -> int:
        """Batches an epoch."""
        return -(-len(self._rows) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        """Batch `index`: images as the store gives them, one-hot float32 `(B, count)`, weights float32 `(B,)`."""
        picked = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        classes = self._classes[picked]
        targets = np.zeros((len(picked), self._count), np.float32)
        targets[np.arange(len(picked)), classes] = 1
        images = self._pictures.batch(self._rows[picked])
        if self._mixing:
            weighed = targets if self._weights is None else targets * self._weights[classes, None]
            return (images, weighed), weighed
        if self._weights is None:
            return images, targets
        return images, targets, self._weights[classes]

    def on_epoch_end(self) -> None:
        """Shuffle for the next epoch. `fit` also calls this once before its first epoch: that call changes nothing."""
        self._order = self._shuffled(self._first + self._ended)
        self._ended += 1

    def _shuffled(self, epoch: int) -> np.ndarray[Any, Any]:
        if self._seed is None:
            return np.arange(len(self._rows))
        return np.random.Generator(np.random.PCG64([self._seed, epoch])).permutation(len(self._rows))
