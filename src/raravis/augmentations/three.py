"""The study's strongest pipeline: brightness, flip, zoom, cutout, grayscale, blur."""

from __future__ import annotations

from typing import Any

from raravis import engine
from raravis.augmentations import one


def layers(seed: int) -> list[Any]:
    """The four layers of `one`, then grey and blur on half of the images each."""
    keras = engine.keras()
    return [
        *one.layers(seed),
        keras.layers.RandomGrayscale(0.5, seed=seed + 4),
        keras.layers.RandomGaussianBlur(
            factor=(0.5, 0.5), kernel_size=3, sigma=1.0, value_range=(0, 255), seed=seed + 5
        ),
    ]
