"""The study's pipeline for EfficientNetB3: rotation, shift, shear, zoom, flip; the nearest pixels fill the edges."""

from __future__ import annotations

from typing import Any

from raravis import engine


def layers(seed: int) -> list[Any]:
    """Five layers: ±20°, ±20% of width and height, shear up to 0.2, zoom ±20%, mirror left–right."""
    keras = engine.keras()
    return [
        keras.layers.RandomRotation(20 / 360, fill_mode="nearest", seed=seed),
        keras.layers.RandomTranslation(0.2, 0.2, fill_mode="nearest", seed=seed + 1),
        keras.layers.RandomShear(0.2, 0.2, fill_mode="nearest", seed=seed + 2),
        keras.layers.RandomZoom(0.2, fill_mode="nearest", seed=seed + 3),
        keras.layers.RandomFlip("horizontal", seed=seed + 4),
    ]
