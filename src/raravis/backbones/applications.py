"""Every network of `keras.applications`, by its Keras name, with the preprocessing of its own module."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from raravis import engine
from raravis.backbones._weights import find, load_into
from raravis.errors import UsageError


def names() -> Mapping[str, str]:
    """Each network and the module that it is in."""
    return {name: f"keras.applications.{home.__name__.rpartition('.')[2]}" for name, home in homes().items()}


def homes() -> Mapping[str, ModuleType]:
    """Each network's name and the module of `keras.applications` that holds its `preprocess_input`."""
    applications = engine.keras().applications
    return {
        name: getattr(applications, made.__module__.rpartition(".")[2])
        for name, made in inspect.getmembers(applications, inspect.isfunction)
        if "include_top" in inspect.signature(made).parameters
    }


def build(name: str, *, size: int, weights: str) -> Any:
    """The network without its classifier; see `backbones` for the contract."""
    make = getattr(engine.keras().applications, name)
    try:
        model = make(include_top=False, weights=None, input_shape=(size, size, 3))
    except ValueError as error:
        raise UsageError(
            f"{name} cannot take images of {size} pixels: {error}\nSet data.size to another size."
        ) from error
    load_into(model, name, weights, size=size, names=homes(), make=make)
    return model


def at_hand(name: str) -> bool:
    """Whether its weights lie in the folder `RARAVIS_WEIGHTS`."""
    return find(name, homes()) is not None


def preprocess(name: str, images: Any) -> Any:
    """What the network was trained to expect, from RGB 0–255."""
    return homes()[name].preprocess_input(images)
