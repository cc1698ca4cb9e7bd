"""ONNX Runtime on the CPU, from the TensorFlow backend by way of tf2onnx (extra `onnx`)."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from raravis import engine
from raravis.errors import UsageError
from raravis.runtimes._exported import exported, hushed
from raravis.runtimes._runner import Converted, Precision, Runner, chunked

INSTALL: Final = "pip install 'raravis[onnx]'"

OPSET: Final = 18
"""Version of the operators that networks are written in."""

_LARGEST: Final = 2**31 - 1


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
    runtime = engine.onnxruntime()
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


def write(model: Any, file: Path, *, outputs: Sequence[str] = ()) -> None:
    """Write a Keras model as an ONNX file with one input, `image` `(any B, H, W, 3)`.

    Keras' own export hands tf2onnx the traced function whole, and tf2onnx takes every input that the function lists for
    an input of the network. TensorFlow lists there, too, each small constant that was made outside the trace (the mean
    and variance of a `Normalization`, what `preprocess_input` subtracts), so the file asks for them. Here the function
    is frozen first, and only true placeholders are named as inputs: constants stay constants.

    Args:
        model: with one output or a list of them.
        file: to write.
        outputs: what they are called in the file; as the converter calls them when not given.

    Raises:
        UsageError: another backend, an operation that the converter does not know, or more than such a file can hold.
    """
    _, function = exported(model, "onnxruntime")
    with hushed("tf2onnx", "tensorflow"), _soon_collected():
        onnx, tf2onnx, loader = (import_module(name) for name in ("onnx", "tf2onnx", "tf2onnx.tf_loader"))
        inputs = [t.name for t in function.inputs if t.op.type == "Placeholder" and t.dtype.name != "resource"]
        found = [tensor.name for tensor in function.outputs]
        network, _ = tf2onnx.convert.from_graph_def(
            loader.from_function(function, inputs, found),
            input_names=inputs,
            output_names=found,
            opset=OPSET,
            custom_op_handlers={"Erfc": (_erfc, [])},
        )
    kinds = {node.op_type for node in network.graph.node if not node.domain and not onnx.defs.has(node.op_type)}
    if kinds:
        raise UsageError(f"ONNX knows no operation {', '.join(sorted(kinds))}.\nTake the runtime 'keras'.")
    _rename(network.graph, {inputs[0]: "image", **dict(zip(found, outputs, strict=bool(outputs)))})
    if (size := network.ByteSize()) > _LARGEST:
        raise UsageError(f"An ONNX file holds 2 GiB at most; this network has {size / 2**30:.1f} GiB.")
    onnx.save_model(network, str(file))


@contextmanager
def _soon_collected() -> Iterator[None]:
    """Free at once what the converter drops.

    Each of its passes leaves a copy of the whole network behind, in cycles. Python counts objects, not bytes, before it
    looks for these, and would let gigabytes lie: 14 instead of 6 at the peak for the recipe `patches`.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()  # what was there before is not looked at again and again
    gc.collect()
    gc.set_threshold(before[0], 1, 1)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _rename(graph: Any, names: Mapping[str, str]) -> None:
    """Give tensors of a graph other names."""
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for tensor in (*graph.input, *graph.output):
        tensor.name = names.get(tensor.name, tensor.name)


def _erfc(context: Any, node: Any, name: str, args: Any) -> None:
    """Write `Erfc`, which TensorFlow takes for the exact GELU and ONNX has not, as `1 - Erf`. tf2onnx calls this."""
    (source,), (result,) = list(node.input), list(node.output)
    kind = {"shapes": [context.get_shape(result)], "dtypes": [context.get_dtype(result)]}
    context.remove_node(node.name)
    one = context.make_const(f"{name}_one", np.array(1, np.float32))
    erf = context.make_node("Erf", [source], **kind)
    context.make_node("Sub", [one.output[0], erf.output[0]], outputs=[result], **kind)
