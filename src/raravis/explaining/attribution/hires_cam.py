"""HiResCAM: the last maps, each place weighed by its own gradient; exact where pooling and a linear layer follow.

Draelos and Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural networks", 2020.
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
    found: NDArray[np.float32] = (maps * gradients).sum(axis=-1)
    return found
