"""Mirror left–right alone: the least that hardly ever hurts."""

from __future__ import annotations

from typing import Any

from raravis import engine


def layers(seed: int) -> list[Any]:
    """One layer."""
    keras = engine.keras()
    return [
        keras.layers.RandomFlip("horizontal", seed=seed),
    ]
