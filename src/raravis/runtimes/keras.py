"""Keras itself, on whatever backend it runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis import engine
from raravis.runtimes._runner import PRECISIONS, Converted, Precision, Runner

INSTALL: Final = "pip install 'raravis[train]'"


def available() -> bool:
    """Always."""
    return True


def accelerated() -> bool:
    """Whether Keras computes on a GPU or TPU."""
    keras = engine.keras()
    if keras.backend.backend() == "torch":
        return bool(sys.modules["torch"].cuda.is_available())
    return any(not str(device).lower().startswith("cpu") for device in keras.distribution.list_devices())


def precisions() -> Sequence[Precision]:
    """`float32` on CPUs, where mixed precision costs more in casts than it gains; all of them on an accelerator."""
    return PRECISIONS if accelerated() else ("float32",)


def convert(model: Any) -> Converted:
    """The model, or a copy of it under Keras' policy of mixed precision (weights stay `float32`).

    Raises (when made to run in another precision):
        TypeError, ValueError: a layer cannot be copied under another policy.
    """
    return lambda precision: _runner(model, precision)


def _runner(model: Any, precision: Precision) -> Runner:
    runs = model if precision == "float32" else _mixed(model, precision)
    width = int(model.output.shape[-1])

    def call(images: NDArray[Any]) -> NDArray[np.float32]:
        if not len(images):
            return np.empty((0, width), np.float32)
        return np.asarray(runs.predict_on_batch(images), np.float32)

    return call


def _mixed(model: Any, precision: Precision) -> Any:
    keras = engine.keras()

    def copied(part: Any) -> Any:
        config = part.get_config()
        if isinstance(part, keras.Layer):
            config["dtype"] = f"mixed_{precision}"
        return type(part).from_config(config)

    copy = keras.models.clone_model(model, clone_function=copied, recursive=True)
    copy.set_weights(model.get_weights())
    return copy
