"""Where the animal is and how it lies: flip, rotation, shift, zoom."""

from __future__ import annotations

from typing import Any

from raravis import engine


def layers(seed: int) -> list[Any]:
    """Four layers: mirror left–right, ±15°, ±10% of width and height, zoom ±20%; reflected at the edges."""
    keras = engine.keras()
    return [
        keras.layers.RandomFlip("horizontal", seed=seed),
        keras.layers.RandomRotation(15 / 360, fill_mode="reflect", seed=seed + 1),
        keras.layers.RandomTranslation(0.1, 0.1, fill_mode="reflect", seed=seed + 2),
        keras.layers.RandomZoom(0.2, fill_mode="reflect", seed=seed + 3),
    ]
