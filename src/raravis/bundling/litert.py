"""The network for LiteRT (TensorFlow Lite), which runs on phones."""

from __future__ import annotations

import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raravis import engine, files
from raravis.errors import UsageError
from raravis.runtimes._exported import hushed
from raravis.runtimes._runner import first_line


def write(served: Any, file: Path) -> None:
    """Write a network with LiteRT's own operators alone: images → logits and embedding.

    Args:
        served: as `serving` gives it.
        file: to write.

    Raises:
        UsageError: another backend than TensorFlow, or an operation that LiteRT does not know.
        StorageError: it cannot be written.
    """
    keras = engine.keras()
    if (backend := keras.backend.backend()) != "tensorflow":
        raise UsageError(f"LiteRT is written from the TensorFlow backend, not from {backend}.\nUnset KERAS_BACKEND.")
    own = {"supported_ops": [import_module("tensorflow").lite.OpsSet.TFLITE_BUILTINS]}
    plain = keras.Model(served.input, served.outputs[:2])
    with files.atomic_path(file) as part, hushed("tensorflow", "absl"):
        try:
            plain.export(part, format="litert", verbose=False, target_spec=own)
        except Exception as error:  # the converter raises whatever it meets
            raise UsageError(
                f"LiteRT cannot hold this network: {first_line(error)}\nLeave --litert out; ONNX Runtime is there for "
                "phones too."
            ) from error


def says(file: Path, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logits `(n, K)` and embedding `(n, D)` by a LiteRT file, image by image."""
    with warnings.catch_warnings(), engine._hushed():
        warnings.simplefilter("ignore")  # it recommends a package of its own
        interpreter = import_module("tensorflow").lite.Interpreter(model_path=str(file))
        run = interpreter.get_signature_runner()
        (name,) = run.get_input_details()
        found = [run(**{name: image[None]}) for image in images]
    return tuple(np.concatenate([one[f"output_{number}"] for one in found]) for number in (0, 1))  # type: ignore[return-value]
