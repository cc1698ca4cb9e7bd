"""Where in a photograph the evidence for a family lies, one file a method.

The contract of a file:

    prepare(network) -> Attribution          images → logits; raises UsageError where the method cannot open it

An `Attribution` takes pixels, RGB uint8 `(size, size, 3)`, and the number of a family, and gives a map, float
`(size, size)`: positive where the pixels speak for the family, in a unit of its own. `prepare` of this package checks
what enters and makes of each map one that people can read: what speaks against the family is 0, the strongest place 1.

What is explained is the score of `_score`: the log of the odds of the family against all others.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis import registry
from raravis.errors import UsageError
from raravis.explaining.attribution._score import Attribution
from raravis.explaining.layers import check

__all__ = ["ANYWHERE", "DEFAULT", "Attribution", "explain", "names", "prepare", "summaries", "title"]

DEFAULT: Final = "hires_cam"
"""The best by deletion and insertion of those that cost little (docs/explain.md)."""
ANYWHERE: Final = "gradient"
"""In its place where a network has no maps."""


def names() -> list[str]:
    """The methods that there are."""
    return registry.names(__name__)


def summaries() -> dict[str, str]:
    """One line about each method, by name."""
    return {name: registry.summary(registry.load(__name__, name, "method")) for name in names()}


def title(method: str) -> str:
    """What people call a method."""
    return summaries()[method].partition(":")[0]


def prepare(method: str, network: Any) -> Attribution:
    """Make a method ready for a network; for many photographs this is done once.

    Args:
        method: one of `names()`.
        network: RGB 0–255 `(B, size, size, 3)` → logits `(B, K)`.

    Returns:
        `(pixels uint8 (size, size, 3), family)` → float32 `(size, size)`, ≥ 0, its maximum 1, or all 0: where nothing
        speaks for the family, and where all pixels are of one colour, so that no place differs from another.

    Raises:
        UsageError: no such method, or it cannot open this network; the function raises it for pixels of another shape
            and for a family that the network does not have.
        RunError: (the function) the network gives no finite numbers.
    """
    found: Attribution = registry.load(__name__, method, "method").prepare(network)
    size, families = network.input.shape[1], network.output.shape[-1]

    def call(pixels: NDArray[np.uint8], family: int) -> NDArray[np.float32]:
        if pixels.shape != (size, size, 3) or pixels.dtype != np.uint8:
            told = f"uint8 ({size}, {size}, 3) was expected, {pixels.dtype} {pixels.shape} given"
            raise UsageError(f"The pixels do not suit the network: {told}.")
        if not 0 <= family < families:
            raise UsageError(f"There is no family number {family}; the network has {families}, counted from 0.")
        if (pixels == pixels[0, 0]).all():
            return np.zeros((size, size), np.float32)
        return _readable(found(pixels, family))

    return call


def explain(network: Any, pixels: NDArray[np.uint8], family: int, *, method: str = DEFAULT) -> NDArray[np.float32]:
    """The map of one photograph; see `prepare`."""
    return prepare(method, network)(pixels, family)


def _readable(found: NDArray[Any]) -> NDArray[np.float32]:
    values = np.asarray(found, np.float32)
    check(values)
    positive = np.maximum(values, 0)
    high = float(positive.max())
    return np.asarray(positive / high if high > np.finfo(np.float32).tiny else 0 * positive, np.float32)
