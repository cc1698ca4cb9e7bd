"""Learn the filters of `patches` from training images, without their labels.

Enter: pixels of the training images. Leaves: a Keras network from images to features, ready for a probe. Everything is
k-means or in closed form; nothing is trained by the epoch, so it takes as long as a few passes of the images.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from sklearn.cluster import MiniBatchKMeans

from raravis import engine, fingerprint, progress
from raravis.data.pixels import PixelStore
from raravis.errors import DataError
from raravis.learn.embed import Extractor
from raravis.learn.infer import compiled
from raravis.models import patches
from raravis.models.patches import CONTRAST, Options, Scale

keras = engine.keras()

_PATCHES: Final = 50_000
"""Patches that a dictionary is learned from."""

_ROWS: Final = 6_000
"""Images at most on which statistics and directions are found: their inner products are kept in memory."""

_FLAT: Final = 0.1
"""Added to the variance of every direction when patches are whitened, so that noise does not count as much as shape."""

_BATCH: Final = 32


def learned(options: Options, pictures: PixelStore, rows: NDArray[np.int64], *, seed: int, quiet: bool) -> Extractor:
    """The network of `models.patches` with filters, statistics and directions found on images, as a backbone.

    Args:
        options: of `patches`.
        pictures: holds the images.
        rows: of training images there, int64 `(n,)`.
        seed: of the patches, of k-means, and of the images where there are more than enough.
        quiet: no progress.

    Raises:
        DataError: the images are too few or too much alike for as many filters.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    rows = np.sort(rng.choice(rows, min(_ROWS, len(rows)), replace=False))
    front = patches.responses(options, size=pictures.size)
    with progress.bar("Learning filters", len(options.scales), quiet=quiet, unit="sizes") as advance:
        for number, scale in enumerate(options.scales, start=1):
            found = _whitened(_cut(scale, pictures, rows, rng))
            filters, centre = _dictionary(*found, options.filters, seed)
            shape = (scale.patch, scale.patch, 3, options.filters)
            front.get_layer(f"filters_{number}").set_weights([filters.reshape(shape)])
            front.get_layer(f"centre_{number}").set_weights([centre, np.ones_like(centre)])
            advance()
    _standardise(front, pictures, rows, quiet)
    model = patches.projected(front, options.width)
    directions = _directions(
        np.concatenate(list(_passed(front, pictures, rows, "Finding directions", quiet))), options.width
    )
    model.get_layer("projection").set_weights([directions])
    model.trainable = False
    return Extractor(patches.NAME, pictures.size, model, fingerprint.network(model))


def seconds(options: Options, *, size: int, train: int, val: int) -> float:
    """About how long `learned` and the embedding of all images take here, by one batch.

    Args:
        options: of `patches`.
        size: side of the images.
        train: images to learn from.
        val: others.
    """
    front = compiled(patches.responses(options, size=size))
    batch = np.random.default_rng(0).integers(0, 256, (_BATCH, size, size, 3), dtype=np.uint8)
    front(batch)
    begun = time.perf_counter()
    front(batch)
    views = sum(len(source.views) for source in options.backbones)
    return (time.perf_counter() - begun) / _BATCH * (2 * min(train, _ROWS) + views * (train + val))


def _cut(scale: Scale, pictures: PixelStore, rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float32]:
    """Patches at random places of random images, float32 `(n, patch² × 3)`."""
    resized = keras.Sequential([keras.Input((pictures.size, pictures.size, 3)), patches.resizing(scale.size)])
    each = max(10, -(-_PATCHES // len(rows)))
    corners = np.arange(scale.size - scale.patch + 1)
    call, found = compiled(resized), []
    for start in range(0, len(rows), _BATCH):
        for image in call(pictures.batch(rows[start : start + _BATCH])):
            for top, left in rng.choice(corners, (each, 2)):
                found.append(image[top : top + scale.patch, left : left + scale.patch].ravel())
    return np.stack(found)


def _whitened(raw: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Patches of equal contrast, whitened (ZCA): these, the matrix that does it, and the mean before it."""
    flat = raw - raw.mean(axis=1, keepdims=True)
    flat /= np.sqrt(flat.var(axis=1, keepdims=True) + CONTRAST)
    mean = flat.mean(axis=0)
    values, vectors = eigh(np.cov(flat - mean, rowvar=False))
    matrix = np.asarray((vectors / np.sqrt(np.maximum(values, 0) + _FLAT)) @ vectors.T, np.float32)
    return (flat - mean) @ matrix, matrix, mean


def _dictionary(
    white: NDArray[np.float32], matrix: NDArray[np.float32], mean: NDArray[np.float32], filters: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Filters for patches as they are, `(patch² × 3, filters)`, and their answers to the mean patch, `(filters,)`.

    Centres of a spherical k-means: patches and centres have length 1, as in Coates & Ng, "Learning Feature
    Representations with K-Means", 2012.
    """
    length = np.linalg.norm(white, axis=1, keepdims=True)
    clear = length[:, 0] > 1e-3
    if clear.sum() < 2 * filters:
        raise DataError(
            f"The training images hold {clear.sum()} patches that are not flat, too few for {filters} filters.\n"
            "Give more images, or fewer filters: --set model.filters=50."
        )
    found = MiniBatchKMeans(filters, batch_size=4096, n_init=1, max_iter=10, random_state=seed, init="random")
    centres = found.fit(white[clear] / length[clear]).cluster_centers_
    centres = centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-6)
    made = matrix @ centres.T
    answer = mean @ made
    made = made - made.mean(axis=0)  # a patch less its mean times a filter is the patch times the filter less its mean
    return np.asarray(made, np.float32), np.asarray(answer, np.float32)


def _standardise(front: Any, pictures: PixelStore, rows: NDArray[np.int64], quiet: bool) -> None:
    """Set the statistics of every layer `norm_…` to those of the images."""
    norms = [layer for layer in front.layers if layer.name.startswith("norm_")]
    inputs = keras.Model(front.input, keras.layers.Concatenate()([layer.input for layer in norms]))
    total, squares = 0.0, 0.0
    for some in _passed(inputs, pictures, rows, "Looking at the images", quiet):
        total = total + some.sum(axis=0, dtype=np.float64)
        squares = squares + (some.astype(np.float64) ** 2).sum(axis=0)
    mean = np.asarray(total) / len(rows)
    variance = np.maximum(np.asarray(squares) / len(rows) - mean**2, 0)
    ends = np.cumsum([layer.input.shape[-1] for layer in norms])[:-1]
    for layer, *statistics in zip(norms, np.split(mean, ends), np.split(variance, ends), strict=True):
        layer.set_weights([np.asarray(one, np.float32) for one in statistics])


def _directions(blocks: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """The directions in which rows `(n, N)` are longest, `(N, width)`, the rest 0 where there are fewer rows.

    By way of the rows' inner products, as there are fewer rows than numbers in each.
    """
    count = min(width, len(blocks))
    values, vectors = eigh(blocks @ blocks.T, subset_by_index=(len(blocks) - count, len(blocks) - 1))
    made = np.zeros((blocks.shape[1], width), np.float32)
    made[:, :count] = blocks.T @ (vectors / np.sqrt(np.maximum(values, 1e-8)))[:, ::-1]
    return made


def _passed(
    model: Any, pictures: PixelStore, rows: NDArray[np.int64], label: str, quiet: bool
) -> Iterator[NDArray[np.float32]]:
    """What the model makes of the images `rows`, batch by batch."""
    call = compiled(model)
    with progress.bar(label, len(rows), quiet=quiet, unit="images") as advance:
        for start in range(0, len(rows), _BATCH):
            some = call(pictures.batch(rows[start : start + _BATCH]))
            yield some
            advance(len(some))
