"""AugMix: the image blended with chains of random operations on itself."""

from __future__ import annotations

from typing import Any


def layers(seed: int) -> list[Any]:
    """One layer: three chains; Hendrycks et al., "AugMix", 2020."""
    from raravis.augmentations._aug_mix import AugMix

    return [AugMix(seed=seed)]
