"""The study's second pipeline: cutout, grayscale, flip, blur."""

from __future__ import annotations

from typing import Any

from raravis import engine


def layers(seed: int) -> list[Any]:
    """Four layers: an erased patch, grey, and blur on half of the images each; mirror left–right."""
    keras = engine.keras()
    return [
        keras.layers.RandomErasing(
            factor=(0.5, 0.5), scale=(0.02, 0.2), fill_value=127.5, value_range=(0, 255), seed=seed
        ),
        keras.layers.RandomGrayscale(0.5, seed=seed + 1),
        keras.layers.RandomFlip("horizontal", seed=seed + 2),
        keras.layers.RandomGaussianBlur(
            factor=(0.5, 0.5), kernel_size=3, sigma=1.0, value_range=(0, 255), seed=seed + 3
        ),
    ]
