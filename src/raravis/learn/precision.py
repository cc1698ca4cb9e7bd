"""What a network computes in while it trains: half precision where asked, float32 before and after.

Variables are float32 throughout; only the layers' computation changes, and changes back, so that the network that is
kept is the same whatever it was trained in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from raravis import engine

keras = engine.keras()


def policy(precision: str) -> str:
    """The Keras dtype policy that a recipe's `train.precision` stands for here.

    `auto` is `mixed_float16` on a GPU and `float32` on a processor: bfloat16 on one with AVX512-BF16 instructions took
    as long as float32 (measured with `modern_cnn` at 96 px).
    """
    if precision != "auto":
        return precision
    where = str(keras.ops.ones(1).device).lower()
    return "mixed_float16" if "gpu" in where or "cuda" in where else "float32"


@contextmanager
def computing(network: Any, precision: str) -> Iterator[None]:
    """Within, the layers of `network` compute in `precision`, but for those that scale pixels and that make logits.

    A function of the network that Keras compiled before or within keeps what it was compiled with.
    """
    wanted = policy(precision)
    kept = (keras.Model, keras.layers.InputLayer, keras.layers.Rescaling, keras.layers.Normalization)
    layers = [] if wanted == "float32" else network._flatten_layers()
    switched = [layer for layer in layers if not isinstance(layer, kept) and layer.name != "logits"]
    changed = [(layer, layer.dtype_policy) for layer in switched]
    try:
        for layer, _ in changed:
            layer.dtype_policy = wanted
        yield
    finally:
        for layer, before in changed:
            layer.dtype_policy = before
