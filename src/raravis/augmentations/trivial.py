"""TrivialAugment: one random operation of random strength an image, and flip."""

from __future__ import annotations

from typing import Any

from raravis import engine


def layers(seed: int) -> list[Any]:
    """Two layers; Müller and Hutter, "TrivialAugment", 2021."""
    from raravis.augmentations._trivial_augment import TrivialAugment

    return [TrivialAugment(seed=seed), engine.keras().layers.RandomFlip("horizontal", seed=seed + 1)]
