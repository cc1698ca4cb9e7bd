"""ONNX Runtime on the CPU, from the TensorFlow backend by way of tf2onnx (extra `onnx`)."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from raravis.errors import UsageError
from raravis.runtimes._exported import exported, hushed
from raravis.runtimes._runner import Converted, Precision, Runner, chunked

INSTALL: Final = "pip install 'raravis[onnx]'"

OPSET: Final = 18
"""Version of the operators that networks are written in."""


def available() -> bool:
    """Whether ONNX Runtime and the converter are installed."""
    return all(find_spec(name) is not None for name in ("onnxruntime", "onnx", "tf2onnx"))


def precisions() -> Sequence[Precision]:
    """`float32`: on x86 its kernels for smaller types convert to it."""
    return ("float32",)


def convert(model: Any) -> Converted:
    """The model as ONNX Runtime runs it.

    Raises:
        UsageError: another backend, an operation that the converter does not know, or, when run, another precision.
    """
    runtime = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # errors only
    with tempfile.TemporaryDirectory(prefix="raravis-", ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "network.onnx"
        write(model, file)
        session = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    (image,) = session.get_inputs()

    def runner(precision: Precision) -> Runner:
        if precision not in precisions():
            raise UsageError(f"onnxruntime computes in float32, not in {precision}.\nTake that, or another runtime.")
        return chunked(model, lambda images: session.run(None, {image.name: images})[0])

    return runner


def write(model: Any, file: Path) -> None:
    """Write a Keras model as an ONNX file with one input, `(any B, H, W, 3)`.

    Keras' own export hands tf2onnx the traced function whole, and tf2onnx takes every input that the function lists for
    an input of the network. TensorFlow lists there, too, each small constant that was made outside the trace (the mean
    and variance of a `Normalization`, what `preprocess_input` subtracts), so the file asks for them. Here the function
    is frozen first, and only true placeholders are named as inputs: constants stay constants.

    Raises:
        UsageError: another backend, or an operation that the converter does not know.
    """
    _, function = exported(model, "onnxruntime")
    with hushed("tf2onnx", "tensorflow"):
        onnx, tf2onnx, loader = (import_module(name) for name in ("onnx", "tf2onnx", "tf2onnx.tf_loader"))
        inputs = [t.name for t in function.inputs if t.op.type == "Placeholder" and t.dtype.name != "resource"]
        outputs = [tensor.name for tensor in function.outputs]
        network, _ = tf2onnx.convert.from_graph_def(
            loader.from_function(function, inputs, outputs),
            input_names=inputs,
            output_names=outputs,
            opset=OPSET,
            custom_op_handlers={"Erfc": (_erfc, [])},
        )
    kinds = {node.op_type for node in network.graph.node if not node.domain and not onnx.defs.has(node.op_type)}
    if kinds:
        raise UsageError(f"ONNX knows no operation {', '.join(sorted(kinds))}.\nTake the runtime 'keras'.")
    onnx.save_model(network, str(file))


def _erfc(context: Any, node: Any, name: str, args: Any) -> None:
    """Write `Erfc`, which TensorFlow takes for the exact GELU and ONNX has not, as `1 - Erf`. tf2onnx calls this."""
    (source,), (result,) = list(node.input), list(node.output)
    kind = {"shapes": [context.get_shape(result)], "dtypes": [context.get_dtype(result)]}
    context.remove_node(node.name)
    one = context.make_const(f"{name}_one", np.array(1, np.float32))
    erf = context.make_node("Erf", [source], **kind)
    context.make_node("Sub", [one.output[0], erf.output[0]], outputs=[result], **kind)
