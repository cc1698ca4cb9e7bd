"""Whether a map can be trusted: maps, networks and photographs enter, a few numbers leave.

A map should fall with the network it explains: with its weights shuffled it must be another one (Adebayo et al.,
"Sanity checks for saliency maps", 2018). And it should name the pixels that matter: hidden first, they must take the
confidence away sooner than pixels in random order do; shown first, they must bring it sooner (Petsiuk et al., "RISE:
Randomized input sampling for explanation of black-box models", 2018).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.special import softmax
from scipy.stats import spearmanr

from raravis import engine
from raravis.errors import RunError
from raravis.explaining import places
from raravis.explaining.attribution import Attribution
from raravis.explaining.places import Box

STEPS: Final = 12
"""In which the photograph is hidden, or shown."""
ORDERS: Final = 3
"""Random orders that a map is compared with."""
_GREY: Final = 128
_BLUR: Final = 1 / 20
_SPOTS: Final = 7
_POINTS: Final = 32


@dataclass(frozen=True)
class Checked:
    """What the checks of one map found.

    Attributes:
        deletion: mean confidence in the family while the photograph is hidden behind grey, the strongest places first;
            0–1, a good map's is low.
        insertion: likewise, while it is brought out of a blur; a good map's is high.
        random_deletion: the mean of `ORDERS` random orders of patches.
        random_insertion: likewise.
        head: rank correlation of the map with that of the same network with a shuffled head, −1 to 1.
        network: likewise, with all weights shuffled; a good map's is low.
    """

    deletion: float
    insertion: float
    random_deletion: float
    random_insertion: float
    head: float
    network: float

    @property
    def faults(self) -> tuple[str, ...]:
        """What speaks against the map, in words."""
        told = {
            "hiding its places first takes the confidence no sooner than hiding any": (
                self.deletion >= self.random_deletion
            ),
            "showing its places first brings the confidence no sooner than showing any": (
                self.insertion <= self.random_insertion
            ),
            "it hardly changes when the network's weights are shuffled": self.network > 0.7,
        }
        return tuple(fault for fault, found in told.items() if found)

    def as_json(self) -> dict[str, float]:
        """The numbers by their names."""
        return asdict(self)


def check(network: Any, method: Attribution, pixels: NDArray[np.uint8], family: int, *, seed: int = 0) -> Checked:
    """Check the map that a method gives of one photograph; takes about 100 passes through the network.

    Args:
        network: the one that `method` was prepared for.
        method: see `attribution.prepare`.
        pixels: RGB uint8 `(size, size, 3)`.
        family: its number.
        seed: of the random orders and of the shuffled weights.

    Raises:
        RunError: the network, as it is, gives no finite numbers.
    """
    values = method(pixels, family)
    rng = np.random.default_rng(seed)
    others = [places.laid(rng.random((_SPOTS, _SPOTS), np.float32), Box(), len(pixels)) for _ in range(ORDERS)]
    deletion, *deleted = (hidden(network, pixels, family, one) for one in (values, *others))
    insertion, *inserted = (shown(network, pixels, family, one) for one in (values, *others))
    correlations = []
    for weights in (head(network), network.weights):
        with shuffled(weights, seed):
            try:
                correlations.append(alike(values, method(pixels, family)))
            except RunError:  # shuffled weights may well run over; that map is another one, too
                correlations.append(0.0)
    return Checked(deletion, insertion, float(np.mean(deleted)), float(np.mean(inserted)), *correlations)


def hidden(network: Any, pixels: NDArray[np.uint8], family: int, values: NDArray[Any]) -> float:
    """Mean confidence while the pixels turn grey, those of the highest `values` `(size, size)` first: 0–1."""
    return _along(network, pixels, np.full_like(pixels, _GREY), family, values)


def shown(network: Any, pixels: NDArray[np.uint8], family: int, values: NDArray[Any]) -> float:
    """Mean confidence while the pixels come out of a blur, those of the highest `values` `(size, size)` first: 0–1."""
    wide = _BLUR * len(pixels)
    blurred = np.asarray(gaussian_filter(pixels.astype(np.float32), (wide, wide, 0)) + 0.5, np.uint8)
    return _along(network, blurred, pixels, family, values)


def alike(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Spearman's rank correlation of two maps of one size, −1 to 1; 0 where one of them is the same everywhere."""
    step = max(len(one) // _POINTS, 1)
    one, other = one[::step, ::step], other[::step, ::step]
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(spearmanr(one, other, axis=None).statistic)


def head(network: Any) -> list[Any]:
    """The weights that come after the layer `embedding`; all of the network's where there are none."""
    keras = engine.keras()
    below = {id(weight) for weight in keras.Model(network.input, network.get_layer("embedding").output).weights}
    return [weight for weight in network.weights if id(weight) not in below] or list(network.weights)


@contextmanager
def shuffled(weights: Sequence[Any], seed: int) -> Iterator[None]:
    """Let every weight's numbers change places among themselves, and put them back in the end."""
    keras, rng = engine.keras(), np.random.default_rng(seed)
    kept = [np.array(keras.ops.convert_to_numpy(weight)) for weight in weights]
    try:
        for weight, values in zip(weights, kept, strict=True):
            if np.issubdtype(values.dtype, np.floating):
                weight.assign(rng.permutation(values.reshape(-1)).reshape(values.shape))
        yield
    finally:
        for weight, values in zip(weights, kept, strict=True):
            weight.assign(values)


def _along(network: Any, first: NDArray[np.uint8], last: NDArray[np.uint8], family: int, values: NDArray[Any]) -> float:
    """Mean confidence on the way from one picture to another, pixels of the highest values first (trapezoids)."""
    any_order = np.random.default_rng(0).random(values.size)  # for places of one value
    order = np.lexsort((any_order, -values.reshape(-1)))
    way = np.repeat(first.reshape(1, -1, 3), STEPS + 1, axis=0)
    for number, count in enumerate(np.linspace(0, len(order), STEPS + 1).astype(int)):
        way[number, order[:count]] = last.reshape(-1, 3)[order[:count]]
    logits = np.asarray(network.predict_on_batch(way.reshape(-1, *first.shape)), np.float64)
    sure = softmax(logits, axis=1)[:, family]
    return float(np.trapezoid(sure, dx=1 / STEPS))
