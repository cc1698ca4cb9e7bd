"""The photographs of the training set that a network finds most like a given one.

Like means: a small angle between what the layer `embedding` makes of both. The embeddings of the training photographs
are computed once and kept in the cache; those of a probe are there since it was fitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from raravis import credits
from raravis.credits import Rights
from raravis.data.pixels import PixelStore
from raravis.explaining.layers import check
from raravis.learn.features import embedding, features
from raravis.recipe import Recipe


@dataclass(frozen=True)
class Neighbour:
    """A training photograph.

    Attributes:
        image_id: its own.
        file_path: relative to the root of the data.
        family: that it was labelled with.
        distance: 1 − cosine of both embeddings: 0 for the same picture, about 1 for one that has nothing in common.
        rights: whose it is.
    """

    image_id: str
    file_path: str
    family: str
    distance: float
    rights: Rights


class Nearest:
    """Training photographs, ready to be compared with.

    Args:
        network: images → logits, with a layer `embedding`.
        features: float32 `(n, D)`, what that layer makes of each of them.
        table: `image_id, file_path, family` and `credits.COLUMNS`, one row each.

    Raises:
        RunError: a feature is no finite number.
    """

    def __init__(self, network: Any, features: NDArray[np.float32], table: pd.DataFrame) -> None:
        check(features)
        self._model = embedding(network)
        self._features = _unit(features)
        self._table = table
        self._rights = credits.each(table)

    def __len__(self) -> int:
        return len(self._table)

    def __call__(self, pixels: NDArray[np.uint8], count: int, *, image_id: str = "") -> tuple[Neighbour, ...]:
        """The `count` nearest, the nearest first, without the photograph `image_id` itself.

        Args:
            pixels: RGB uint8 `(size, size, 3)`.
            count: how many at most.
            image_id: the photograph's own.

        Raises:
            RunError: the network gives no finite numbers.
        """
        own = np.asarray(self._model.predict_on_batch(pixels[None]), np.float32)
        check(own)
        distances = 1 - self._features @ _unit(own)[0]
        order = np.argsort(distances, kind="stable")[: count + 1].tolist()
        found = []
        for row, (name, path, family) in zip(
            order, self._table[["image_id", "file_path", "family"]].iloc[order].itertuples(index=False), strict=True
        ):
            if name != image_id:
                found.append(Neighbour(name, path, family, max(float(distances[row]), 0.0), self._rights[row]))
        return tuple(found[:count])


def nearest(recipe: Recipe, network: Any, table: pd.DataFrame, store: PixelStore, *, quiet: bool = False) -> Nearest:
    """Embed the photographs of `table`, those that the cache lacks.

    Args:
        recipe: of the run.
        network: its own.
        table: `image_id, file_path, family` and `credits.COLUMNS`.
        store: their pixels.
        quiet: no progress.

    Raises:
        DataError: an embedding is no finite number; the image is named.
        StorageError: the cache cannot be written.
    """
    ids = table["image_id"].tolist()
    return Nearest(network, features(recipe.model, network, store, ids, quiet=quiet), table)


def _unit(features: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    return found
