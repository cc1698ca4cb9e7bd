"""A Keras model as one TensorFlow function, which the converters start from.

Enters: a Keras model on the TensorFlow backend. Leaves: an archive that can be written as a SavedModel, and the traced
function.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from raravis import engine
from raravis.errors import UsageError


def exported(model: Any, wanted_by: str) -> tuple[Any, Any]:
    """The archive and the concrete function of a model: images `(any B, H, W, 3)` → features `(B, D)`, for inference.

    Raises:
        UsageError: Keras runs on another backend.
    """
    keras = engine.keras()
    if (backend := keras.backend.backend()) != "tensorflow":
        raise UsageError(
            f"{wanted_by} converts networks from the TensorFlow backend, not from {backend}.\n"
            "Unset KERAS_BACKEND: TensorFlow reads what any backend trained. Or take the runtime 'keras'."
        )
    image = model.inputs[0]
    archive = keras.export.ExportArchive()
    archive.track(model)
    with _one_function():
        function = archive.add_endpoint(
            "serve",
            lambda images: model(images, training=False),
            input_signature=[keras.InputSpec(shape=(None, *image.shape[1:]), dtype=image.dtype, name="image")],
        )
        return archive, function.get_concrete_function()


@contextmanager
def _one_function() -> Iterator[None]:
    """Trace what Keras compiles by XLA in place, not as functions of their own, which no converter looks into.

    Keras does so for convolutions in groups (ConvNeXt), as TensorFlow has none such on the CPU; converters have.
    """
    config = import_module("tensorflow").config
    before = config.functions_run_eagerly()
    config.run_functions_eagerly(True)
    try:
        yield
    finally:
        config.run_functions_eagerly(before)


@contextmanager
def hushed(*loggers: str) -> Iterator[None]:
    """Keep a converter's warnings and log lines from the user: what it cannot do, it raises."""
    found = [logging.getLogger(name) for name in loggers]
    levels = [logger.level for logger in found]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for logger in found:
                logger.setLevel(logging.CRITICAL)
            yield
        finally:
            for logger, level in zip(found, levels, strict=True):
                logger.setLevel(level)
