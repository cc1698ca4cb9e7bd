"""Grad-CAM: the last maps, each weighed by its mean gradient.

Selvaraju et al., "Grad-CAM: Visual explanations from deep networks via gradient-based localization", 2017.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from raravis.explaining.attribution import _cam
from raravis.explaining.attribution._score import Attribution


def prepare(network: Any) -> Attribution:
    """See the package for the contract."""
    return _cam.prepare(network, _weigh)


def _weigh(maps: NDArray[np.float32], gradients: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = maps @ gradients.mean(axis=(0, 1))
    return found
