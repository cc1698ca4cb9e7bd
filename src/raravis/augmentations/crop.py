"""A random part of the image, resized: RandomResizedCrop, and flip."""

from __future__ import annotations

from typing import Any

from raravis import engine


def layers(seed: int) -> list[Any]:
    """Two layers: 35–100% of the area at 3:4 to 4:3, mirror left–right."""
    from raravis.augmentations._random_resized_crop import RandomResizedCrop

    return [RandomResizedCrop(seed=seed), engine.keras().layers.RandomFlip("horizontal", seed=seed + 1)]
