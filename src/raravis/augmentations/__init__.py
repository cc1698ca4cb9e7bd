"""Augmentation pipelines, one file a name; each gives Keras layers that work on batches.

What enters and leaves a layer: RGB `float32` `(B, H, W, 3)` in 0–255. Outside training every layer is the identity.
Adding a pipeline is adding a file with `layers(seed) -> list[keras.layers.Layer]`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from raravis import engine, registry
from raravis.errors import UsageError, unknown


def layers(name: str, seed: int) -> list[Any]:
    """The Keras layers of the pipeline `name`, in order, each with a seed of its own derived from `seed`.

    Raises:
        UsageError: no such pipeline.
    """
    made: list[Any] = registry.load(__name__, name, "augmentation pipeline").layers(seed)
    return made


def mixer(name: str, seed: int) -> Any | None:
    """A layer that blends pairs of a batch and their targets: `{"images", "labels"}` → the same; None for `none`.

    Outside training it is the identity. `mixup`: Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2018, with
    weights from Beta(0.2, 0.2). `cutmix`: Yun et al., "CutMix", 2019, with areas from Beta(1, 1).
    """
    keras = engine.keras()
    made: dict[str, Callable[[], Any]] = {
        "none": lambda: None,
        "mixup": lambda: keras.layers.MixUp(alpha=0.2, seed=seed),
        "cutmix": lambda: keras.layers.CutMix(factor=(1.0, 1.0), seed=seed),
    }
    if name not in made:
        raise UsageError(unknown("way to mix pairs", name, made))
    return made[name]()
