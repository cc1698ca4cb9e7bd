"""RandAugment: two random operations of modest strength."""

from __future__ import annotations

from typing import Any

from raravis import engine


def layers(seed: int) -> list[Any]:
    """One layer; Cubuk et al., "RandAugment", 2020."""
    keras = engine.keras()
    return [
        keras.layers.RandAugment(value_range=(0, 255), num_ops=2, factor=0.2, seed=seed),
    ]
