"""Learn the filters and words of `patches` from training images, without their labels.

Enter: pixels of the training images. Leaves: a Keras network from images to features, ready for a probe. Everything is
k-means, a mixture of Gaussians or in closed form; nothing is trained by the epoch, so it takes as long as a few passes
of the images.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from sklearn.cluster import MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from raravis import engine, fingerprint, progress
from raravis.data.pixels import PixelStore
from raravis.errors import DataError
from raravis.learn.embed import Extractor
from raravis.learn.infer import compiled
from raravis.models import patches
from raravis.models.patches import APART, CELLS, CONTRAST, Options, Scale

keras = engine.keras()

_PATCHES: Final = 50_000
"""Patches that a dictionary is learned from."""

_ROWS: Final = 6_000
"""Images at most on which directions are found: their inner products are kept in memory."""

_SEEN: Final = 2_000
"""Images that sums are standardised on, and that words are learned from."""

_PLACES: Final = 60_000
"""Places that words are learned from."""

_FLAT: Final = 0.1
"""Added to the variance of every direction when patches are whitened, so that noise does not count as much as shape."""

_EVEN: Final = 1e-3
"""Added to the spread of every direction of descriptions, as a share of the largest, before all are made alike."""

_NARROW: Final = 0.05
"""Added to the variance of every word, where descriptions have about 1: a word for places that are all alike, such as a
white background, would tell differences that are rounding."""

_TINY: Final = 1e-6

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
    front = patches.vectors(options, size=pictures.size)
    some = np.sort(rng.choice(rows, min(_SEEN, len(rows)), replace=False))
    with progress.bar("Learning filters and words", 3 * len(options.scales), quiet=quiet, unit="steps") as advance:
        for number, scale in enumerate(options.scales, start=1):
            found = _whitened(_cut(scale, pictures, rows, rng))
            filters, centre = _dictionary(*found, options.filters, seed)
            shape = (scale.patch, scale.patch, 3, options.filters)
            front.get_layer(f"filters_{number}").set_weights([filters.reshape(shape)])
            front.get_layer(f"centre_{number}").set_weights([centre, np.ones_like(centre)])
            advance()
            _standardise([front.get_layer(f"norm_{number}_{cells}") for cells in options.grid], front, pictures, some)
            advance()
            _teach_words(front, number, options, pictures, some, rng, seed)
            advance()
    model = patches.projected(front, options.width)
    with progress.bar("Finding directions", len(rows), quiet=quiet, unit="images") as advance:
        shown = list(_passed(front, pictures, rows, advance))
    directions = _directions(np.concatenate(shown), options.width)
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
    front = compiled(patches.vectors(options, size=size))
    batch = np.random.default_rng(0).integers(0, 256, (_BATCH, size, size, 3), dtype=np.uint8)
    front(batch)
    begun = time.perf_counter()
    front(batch)
    views = sum(len(source.views) for source in options.backbones)
    return (time.perf_counter() - begun) / _BATCH * (min(train, _ROWS) + views * (train + val))


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


def _standardise(norms: Sequence[Any], front: Any, pictures: PixelStore, rows: NDArray[np.int64]) -> None:
    """Set the statistics of layers `norm_…` to those of the images `rows`."""
    inputs = keras.Model(front.input, keras.layers.Concatenate()([layer.input for layer in norms]))
    total, squares = 0.0, 0.0
    for some in _passed(inputs, pictures, rows):
        total = total + some.sum(axis=0, dtype=np.float64)
        squares = squares + (some.astype(np.float64) ** 2).sum(axis=0)
    mean = np.asarray(total) / len(rows)
    variance = np.maximum(np.asarray(squares) / len(rows) - mean**2, 0)
    ends = np.cumsum([layer.input.shape[-1] for layer in norms])[:-1]
    for layer, *statistics in zip(norms, np.split(mean, ends), np.split(variance, ends), strict=True):
        layer.set_weights([np.asarray(one, np.float32) for one in statistics])


def _teach_words(
    front: Any,
    number: int,
    options: Options,
    pictures: PixelStore,
    rows: NDArray[np.int64],
    rng: np.random.Generator,
    seed: int,
) -> None:
    """Set how one scale describes places and which words it knows, from random places of the images `rows`.

    Raises:
        DataError: there are fewer places than words.
    """
    describe, middle = (front.get_layer(f"{name}_{number}") for name in ("describe", "middle"))
    found: list[NDArray[np.float32]] = []
    for answers in _passed(keras.Model(front.input, describe.input), pictures, rows):
        found.extend(_described(image, -(-_PLACES // len(rows)), rng) for image in answers)
    places = np.concatenate(found)
    if len(places) < 2 * options.words:
        raise DataError(
            f"The training images hold {len(places)} places, too few for {options.words} words.\n"
            "Give more images, or fewer words: --set model.words=16."
        )
    mean, width = places.mean(axis=0), places.shape[1]
    values, vectors = eigh(np.cov(places - mean, rowvar=False), subset_by_index=(width - options.depth, width - 1))
    turned = np.asarray(vectors / np.sqrt(np.maximum(values, 0) + _EVEN * values[-1] + _TINY), np.float32)[:, ::-1]
    describe.set_weights([turned.reshape(describe.kernel.shape)])
    middle.set_weights([mean @ turned, np.ones(options.depth, np.float32)])
    words = GaussianMixture(
        options.words,
        covariance_type="diag",
        max_iter=30,
        reg_covar=_NARROW,
        init_params="k-means++",
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # thirty steps are enough for words
        words.fit((places - mean) @ turned)
    front.get_layer(f"words_{number}").set_weights(_shares(words))
    front.get_layer(f"fisher_{number}").set_weights([_deviations(words)])


def _described(answers: NDArray[np.float32], count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Random places of an image by the square roots of the answers around each, of length 1: `(n, CELLS² × channels)`.

    Args:
        answers: square roots of averages, `(P, P, channels)`.
        count: of places, as far as there are as many.
        rng: chooses them.
    """
    side = len(answers) - APART * (CELLS - 1)
    top, left = np.divmod(rng.choice(side**2, min(count, side**2), replace=False), side)
    steps = APART * np.arange(CELLS)
    around = answers[top[:, None, None] + steps[:, None], left[:, None, None] + steps].reshape(len(top), -1)
    return np.asarray(around / np.linalg.norm(around, axis=1, keepdims=True), np.float32)


def _shares(words: GaussianMixture) -> list[NDArray[np.float32]]:
    """Kernel `(1, 1, 2 × depth, words)` and bias of the log of how much of a place belongs to each word."""
    means, precisions = words.means_, 1 / words.covariances_
    kernel = np.concatenate([(means * precisions).T, -precisions.T / 2])[None, None]
    bias = np.log(words.weights_) + (np.log(precisions) - means**2 * precisions).sum(axis=1) / 2
    return [np.asarray(kernel, np.float32), np.asarray(bias, np.float32)]


def _deviations(words: GaussianMixture) -> NDArray[np.float32]:
    """Kernel `(3, 1, words × depth, 2)`: sums of 1, z and z² of a word → how far it is moved and how far spread."""
    means, spread, weights = words.means_, np.sqrt(words.covariances_), words.weights_[:, None]
    moved = np.stack([-means, np.ones_like(means), np.zeros_like(means)]) / (spread * np.sqrt(weights))
    spread_out = np.stack([means**2 - spread**2, -2 * means, np.ones_like(means)]) / (spread**2 * np.sqrt(2 * weights))
    return np.asarray(np.stack([moved, spread_out], axis=-1).reshape(3, 1, -1, 2), np.float32)


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
    model: Any, pictures: PixelStore, rows: NDArray[np.int64], advance: Callable[[int], object] = lambda count: None
) -> Iterator[NDArray[np.float32]]:
    """What the model makes of the images `rows`, batch by batch; `advance` is told how many are done."""
    call = compiled(model)
    for start in range(0, len(rows), _BATCH):
        some = call(pictures.batch(rows[start : start + _BATCH]))
        yield some
        advance(len(some))
