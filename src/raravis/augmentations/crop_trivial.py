"""A random part of the image, TrivialAugment, and flip: for networks that learn from scratch for many epochs."""

from __future__ import annotations

from typing import Any

from raravis.augmentations import crop


def layers(seed: int) -> list[Any]:
    """Three layers: those of `crop`, then TrivialAugment (Müller and Hutter, "TrivialAugment", 2021)."""
    from raravis.augmentations._trivial_augment import TrivialAugment

    return [*crop.layers(seed), TrivialAugment(seed=seed + 2)]
