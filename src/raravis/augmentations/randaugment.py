"""RandAugment: two random operations an image, of half strength."""

from __future__ import annotations

from typing import Any


def layers(seed: int) -> list[Any]:
    """One layer; Cubuk et al., "RandAugment", 2020, with two operations of magnitude 15 of 30."""
    from raravis.augmentations._rand_augment import RandAugment

    return [RandAugment(seed=seed)]
