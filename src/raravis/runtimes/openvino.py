"""OpenVINO on the CPU, from the TensorFlow backend by way of a SavedModel (extra `openvino`)."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from raravis.errors import UsageError
from raravis.runtimes._exported import exported, hushed
from raravis.runtimes._runner import Converted, Precision, Runner, chunked

INSTALL: Final = "pip install 'raravis[openvino]'"

_HINTS: Final[dict[Precision, str]] = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
_CAPABILITIES: Final[dict[Precision, str]] = {"float32": "FP32", "bfloat16": "BF16", "float16": "FP16"}


def available() -> bool:
    """Whether it is installed."""
    return find_spec("openvino") is not None


def precisions() -> Sequence[Precision]:
    """Those that the CPU has instructions for, as OpenVINO tells."""
    able = _package().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return [precision for precision, name in _CAPABILITIES.items() if precision == "float32" or name in able]


def convert(model: Any) -> Converted:
    """The model as OpenVINO runs it.

    Raises:
        UsageError: another backend; when made to run, a precision that the CPU has no instructions for.
        RuntimeError: an operation that OpenVINO does not know.
    """
    core = _package().Core()
    archive, _ = exported(model, "openvino")
    with tempfile.TemporaryDirectory(prefix="raravis-", ignore_cleanup_errors=True) as folder:
        with hushed("tensorflow", "absl"):
            archive.write_out(folder, verbose=False)
        network = core.read_model(folder)

    def runner(precision: Precision) -> Runner:
        if precision not in (able := precisions()):
            raise UsageError(
                f"openvino computes in {' or '.join(able)} on this CPU, not in {precision}.\nTake one of these."
            )
        hints = {"INFERENCE_PRECISION_HINT": _HINTS[precision], "PERFORMANCE_HINT": "LATENCY"}
        compiled = core.compile_model(network, "CPU", hints)
        return chunked(model, lambda images: compiled({0: images})[0])

    return runner


@cache
def _package() -> Any:
    """OpenVINO without the reports that it would send.

    When imported, it writes a number for the user into their home and reports to its makers, unless the package that
    does so is missing; then it goes on with a stand-in of its own. Nobody who looks at animals has asked for that.
    """
    reporter = "openvino_telemetry"
    if reporter in sys.modules:
        return import_module("openvino")
    sys.modules[reporter] = None  # type: ignore[assignment]
    try:
        return import_module("openvino")
    finally:
        del sys.modules[reporter]
