"""Feature extractors from `keras.applications`, by their Keras names, each with its own preprocessing.

Enters: RGB `(B, size, size, 3)` in 0–255. Leaves: the last feature map `(B, h, w, C)`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from raravis import engine
from raravis.backbones.weights import find, load_into
from raravis.errors import UsageError, unknown


def homes() -> Mapping[str, ModuleType]:
    """Each backbone's name and the module of `keras.applications` that holds its `preprocess_input`."""
    applications = engine.keras().applications
    return {
        name: getattr(applications, made.__module__.rpartition(".")[2])
        for name, made in inspect.getmembers(applications, inspect.isfunction)
        if "include_top" in inspect.signature(made).parameters
    }


def build(name: str, *, size: int, weights: str) -> Any:
    """The backbone `name` without its classifier, as a Keras model `(B, size, size, 3)` → `(B, h, w, C)`.

    Args:
        name: a name of `homes()`.
        size: side of the images in pixels.
        weights: `imagenet`, `none`, or the path of a weight file.

    Raises:
        UsageError: no such backbone, a size it cannot take, or weights of another architecture.
        OfflineError: the ImageNet weights are not at hand and cannot be fetched.
    """
    _home(name)
    make = getattr(engine.keras().applications, name)
    try:
        model = make(include_top=False, weights=None, input_shape=(size, size, 3))
    except ValueError as error:
        raise UsageError(
            f"{name} cannot take images of {size} pixels: {error}\nSet data.size to another size."
        ) from error
    load_into(model, name, weights, size=size, names=homes(), make=make)
    return model


def stand_in() -> str | None:
    """The first backbone, by name, whose weights without a top lie in the folder `RARAVIS_WEIGHTS`; None if none do."""
    known = homes()
    return next((name for name in sorted(known) if find(name, known) is not None), None)


def preprocess(name: str, images: Any) -> Any:
    """What the backbone `name` was trained to expect, from RGB 0–255, as part of the graph."""
    return _home(name).preprocess_input(images)


def _home(name: str) -> ModuleType:
    found = homes()
    if name not in found:
        raise UsageError(unknown("backbone", name, found))
    return found[name]
