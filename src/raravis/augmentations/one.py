"""The study's best pipeline: brightness, flip, zoom, cutout."""

from __future__ import annotations

from typing import Any

from raravis import engine


def layers(seed: int) -> list[Any]:
    """Four layers: brightness ±20%, mirror left–right, zoom ±20%, one erased patch on half of the images."""
    keras = engine.keras()
    return [
        keras.layers.RandomBrightness(0.2, value_range=(0, 255), seed=seed),
        keras.layers.RandomFlip("horizontal", seed=seed + 1),
        keras.layers.RandomZoom(0.2, fill_mode="reflect", seed=seed + 2),
        keras.layers.RandomErasing(
            factor=(0.5, 0.5), scale=(0.02, 0.2), fill_value=127.5, value_range=(0, 255), seed=seed + 3
        ),
    ]
