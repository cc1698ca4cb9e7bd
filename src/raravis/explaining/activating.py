"""Which images a channel answers to most: a network and many images enter, a few images a channel leave.

A channel's answer to an image is the mean of its map. Means tell channels with a ceiling (ReLU6) apart where maxima
are all alike, and they are what global average pooling hands on to the last layer. One pass over the images, batch
by batch, keeps the best few of every channel and two sums: memory does not grow with the images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis import engine, progress
from raravis.explaining.layers import Layer, check, tapped
from raravis.learn.batches import Pictures

KEPT: Final = 9
"""Images kept of a channel."""


@dataclass(frozen=True)
class Answers:
    """How the channels of one layer answer to many images.

    Attributes:
        images: how many were looked at.
        mean: `(C,)`, over the images.
        spread: `(C,)`, their standard deviation; 0 for a channel that answers alike to all.
        best: `(kept, C)`, the highest answers of each channel, descending.
        rows: int64 `(kept, C)`, the images that they are of.
    """

    images: int
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    best: NDArray[np.float32]
    rows: NDArray[np.int64]

    @property
    def silent(self) -> NDArray[np.bool_]:
        """Channels that answer alike to every image, `(C,)`."""
        return self.spread <= 1e-6 * np.maximum(np.abs(self.mean), 1e-6)

    def unusual(self, answer: NDArray[np.float32]) -> NDArray[np.float64]:
        """How far answers `(…, C)` lie above the mean, in standard deviations; 0 for silent channels."""
        quiet = self.silent
        return np.where(quiet, 0.0, (answer - self.mean) / np.where(quiet, 1.0, self.spread))


def answers(
    model: Any,
    layers: Sequence[Layer],
    pictures: Pictures,
    rows: NDArray[np.int64],
    *,
    batch_size: int = 32,
    quiet: bool = False,
) -> Mapping[str, Answers]:
    """Let `layers` look at every image of `rows`; their answers, by the layers' names.

    Args:
        model: RGB 0–255 `(B, size, size, 3)` → logits.
        layers: at least one.
        pictures: gives the images by row.
        rows: int64 `(n,)`, at least one; of equal answers the earlier image counts as the higher.
        batch_size: images a step.
        quiet: no progress.

    Raises:
        RunError: the network gives no finite numbers.
    """
    widths = [layer.channels for layer in layers]
    look, channels = _means(model, layers), sum(widths)
    total, squares = np.zeros(channels), np.zeros(channels)
    centre = np.zeros(channels)
    best, where = np.empty((0, channels), np.float32), np.empty((0, channels), np.int64)
    with progress.bar("Looking for what channels answer to", len(rows), quiet=quiet, unit="images") as advance:
        for start in range(0, len(rows), batch_size):
            some = rows[start : start + batch_size]
            found = np.asarray(look.predict_on_batch(pictures.batch(some)), np.float32)
            check(found)
            centre = found[0].astype(np.float64) if start == 0 else centre
            total += (found - centre).sum(axis=0)
            squares += np.square(found - centre).sum(axis=0)
            best = np.concatenate([best, found])
            where = np.concatenate([where, np.repeat(some[:, None], channels, axis=1)])
            kept = np.argsort(-best, axis=0, kind="stable")[:KEPT]
            best, where = np.take_along_axis(best, kept, 0), np.take_along_axis(where, kept, 0)
            advance(len(some))
    off = total / len(rows)
    spread = np.sqrt(np.maximum(squares / len(rows) - np.square(off), 0))
    parts = np.cumsum(widths)[:-1]
    split = (np.split(values, parts, axis=-1) for values in (centre + off, spread, best, where))
    return {layer.name: Answers(len(rows), *own) for layer, *own in zip(layers, *split, strict=True)}


def most_unusual(found: Answers, given: NDArray[np.float32], count: int) -> list[tuple[int, int]]:
    """Channels that answer to given images more than they usually do: the images choose one each, in turns.

    Args:
        found: of the layer.
        given: float32 `(n, C)`, the answers to the given images.
        count: channels wanted.

    Returns:
        `(channel, image that chose it)`, each channel once; silent channels, and those below their mean, never.
    """
    unusual = found.unusual(given)
    ranked = np.argsort(-unusual, axis=1, kind="stable")
    chosen: dict[int, int] = {}
    for place in range(ranked.shape[1]):
        for image, channel in enumerate(ranked[:, place].tolist()):
            if len(chosen) == count:
                return list(chosen.items())
            if unusual[image, channel] > 0:
                chosen.setdefault(channel, image)
    return list(chosen.items())


def _means(model: Any, layers: Sequence[Layer]) -> Any:
    """The network from images to the mean of every map of `layers`, side by side."""
    keras = engine.keras()
    full = tapped(model, [layer.name for layer in layers])
    means = [keras.ops.mean(keras.ops.cast(maps, "float32"), axis=(1, 2)) for maps in full.outputs[:-1]]
    return keras.Model(full.input, keras.ops.concatenate(means, axis=-1) if len(means) > 1 else means[0])
