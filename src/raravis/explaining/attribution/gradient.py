"""Gradient × input: what a small change of each pixel does; works for every network, transformers too.

To first order it says what the score loses when a pixel takes the photograph's mean colour. Shrikumar et al., "Not just
a black box: Learning important features through propagating activation differences", 2016. It is averaged over noisy
copies (SmoothGrad: Smilkov et al., "SmoothGrad: Removing noise by adding noise", 2017), and blurred, as single pixels
mean little.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from raravis.explaining.attribution._score import Attribution, direction
from raravis.explaining.gradients import gradient

COPIES: Final = 8
_NOISE: Final = 0.1
_BLUR: Final = 1 / 32


def prepare(network: Any) -> Attribution:
    """See the package for the contract."""
    slope = gradient(network)

    def call(pixels: NDArray[np.uint8], family: int) -> NDArray[Any]:
        plain = pixels.astype(np.float32)
        noise = np.random.default_rng(0).normal(0, _NOISE * 255, (COPIES, *plain.shape))
        shown = np.clip(plain + noise, 0, 255).astype(np.float32)
        toward = direction(np.asarray(network.predict_on_batch(shown), np.float32), family)
        (found,) = slope([shown], toward)
        away = shown - shown.mean(axis=(1, 2), keepdims=True)
        return np.asarray(gaussian_filter((found * away).sum(axis=-1).mean(axis=0), _BLUR * len(plain)))

    return call
