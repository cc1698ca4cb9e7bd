"""Augmentation pipelines, one file a name; each gives Keras layers that work on batches.

What enters and leaves a layer: RGB `float32` `(B, H, W, 3)` in 0–255. Outside training every layer is the identity.
Adding a pipeline is adding a file with `layers(seed) -> list[keras.layers.Layer]`.
"""

from __future__ import annotations

from typing import Any

from raravis import registry


def layers(name: str, seed: int) -> list[Any]:
    """The Keras layers of the pipeline `name`, in order, each with a seed of its own derived from `seed`.

    Raises:
        UsageError: no such pipeline.
    """
    made: list[Any] = registry.load(__name__, name, "augmentation pipeline").layers(seed)
    return made
