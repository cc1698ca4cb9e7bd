"""The one door to Keras, and that to ONNX Runtime: picks the backend, quiets the start, keeps reports at home.

Keras takes seconds to import, so nothing happens before `keras()` is called.
"""

from __future__ import annotations

import ctypes
import logging
import os
import platform
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

_TOP_PAD: Final = -2
"""The parameter of `mallopt(3)`."""

_KEPT: Final = 64 << 20
"""Bytes."""


def keras() -> Any:
    """The `keras` module on the backend that `KERAS_BACKEND` names (TensorFlow unless told otherwise).

    Raises:
        MissingError: Keras is not installed, or TensorFlow is not and no other backend was asked for.
        UsageError: the backend that was asked for is not installed.
    """
    if "keras" in sys.modules:
        return sys.modules["keras"]
    asked = "KERAS_BACKEND" in os.environ
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from raravis import extras
    from raravis.errors import UsageError

    with _hushed(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import keras
        except ImportError as error:
            if (lacking := extras.lacking(error)) and (error.name == "keras" or not asked):
                raise lacking from error
            raise UsageError(
                f"KERAS_BACKEND={os.environ['KERAS_BACKEND']} cannot be imported ({error}).\n"
                "Install it (for JAX: pip install 'raravis[jax]') or unset KERAS_BACKEND."
            ) from error
    _keep_freed_memory()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # many small networks in one process are meant
    return keras


def seed(number: int) -> None:
    """Start the random numbers of Python, NumPy and Keras anew from `number`.

    Keras seeds TensorFlow too wherever it is installed, also under another backend; that import has much to say.
    """
    keras_ = keras()
    with _hushed():
        keras_.utils.set_random_seed(number)


def onnxruntime() -> Any:
    """The `onnxruntime` module, without the reports that it would send.

    From version 1.29 on it writes a number for the user into their home and reports every network to its makers,
    unless told otherwise before it is imported. Nobody who looks at animals has asked for that; who does sets
    `ORT_DISABLE_TELEMETRY=0`.

    Raises:
        ImportError: it is not installed.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime


def describe() -> dict[str, str]:
    """Keras' version, the backend and its version, for `environment.json`."""
    k = keras()
    name = k.backend.backend()
    return {"keras": k.__version__, "backend": name, "backend_version": str(sys.modules[name].__version__)}


def _keep_freed_memory() -> None:
    """Let glibc keep `_KEPT` bytes of what a step of training frees for the step that follows.

    It would hand them back to the system, which then clears every page anew; where pages are dear, as in virtual
    machines, that takes more time than the training. Elsewhere than on glibc nothing is done, nor where
    `MALLOC_TOP_PAD_` in the environment says how much the user wants kept.
    """
    if "MALLOC_TOP_PAD_" not in os.environ and platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_TOP_PAD, _KEPT)


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep what libraries below Python write to standard error while they start away from the user."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 (a device, not a path)
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
