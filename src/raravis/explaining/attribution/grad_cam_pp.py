"""Grad-CAM++: as Grad-CAM, but places where a map speaks for the family count more; finds several animals.

Chattopadhyay et al., "Grad-CAM++: Generalized gradient-based visual explanations", 2018, equations 10 and 19.
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
    slope = gradients.astype(np.float64)
    below = 2 * slope**2 + maps.sum(axis=(0, 1), dtype=np.float64) * slope**3
    share = np.divide(slope**2, below, out=np.zeros_like(slope), where=below != 0)
    weights = (share * np.maximum(slope, 0)).sum(axis=(0, 1))
    return np.asarray(maps @ weights, np.float32)
