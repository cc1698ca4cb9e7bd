"""Light and camera: brightness, grayscale, sharpness, flip."""

from __future__ import annotations

from typing import Any

from raravis import engine


def layers(seed: int) -> list[Any]:
    """Four layers: brightness ±20%, grey on half of the images, blurred or sharpened, mirror left–right."""
    keras = engine.keras()
    return [
        keras.layers.RandomBrightness(0.2, value_range=(0, 255), seed=seed),
        keras.layers.RandomGrayscale(0.5, seed=seed + 1),
        keras.layers.RandomSharpness((0.0, 1.0), value_range=(0, 255), seed=seed + 2),
        keras.layers.RandomFlip("horizontal", seed=seed + 3),
    ]
