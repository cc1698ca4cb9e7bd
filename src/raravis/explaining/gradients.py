"""How the output of a network changes with what enters it: the one file that asks a backend for gradients.

Keras has no word for them that all its backends know, so each has its own here; the backend that runs is at hand
already, and none is imported before a gradient is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raravis import engine

Floats = NDArray[np.float32]
Gradient = Callable[[Sequence[Floats], Floats], list[Floats]]


def gradient(network: Any) -> Gradient:
    """Prepare the gradients of a network, outside training.

    Args:
        network: a Keras model, one tensor or several `(B, …)` → `(B, K)`.

    Returns:
        A function `(inputs, direction)` → gradients: float32 arrays, one for each input and of its shape, of the sum of
        outputs × `direction`, float32 `(B, K)`. What the output does not depend on has gradient 0.
    """
    backend = engine.keras().backend.backend()
    made = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[backend](network, import_module(backend))

    def call(inputs: Sequence[Floats], direction: Floats) -> list[Floats]:
        found = made([np.asarray(one, np.float32) for one in inputs], np.asarray(direction, np.float32))
        return [np.asarray(engine.keras().ops.convert_to_numpy(one), np.float32) for one in found]

    return call


def _score(logits: Any, direction: Any) -> Any:
    ops = engine.keras().ops
    return ops.sum(ops.cast(logits, "float32") * direction)


def _entering(inputs: Sequence[Any]) -> Any:
    return inputs[0] if len(inputs) == 1 else list(inputs)


def _tensorflow(network: Any, tensorflow: Any) -> Callable[..., Sequence[Any]]:
    def slope(inputs: Sequence[Any], direction: Any) -> Any:
        with tensorflow.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(inputs)
            score = _score(network(_entering(inputs), training=False), direction)
        return tape.gradient(score, inputs, unconnected_gradients="zero")

    traced = tensorflow.function(slope)

    def call(inputs: Sequence[Floats], direction: Floats) -> Sequence[Any]:
        found: Sequence[Any] = traced([tensorflow.constant(one) for one in inputs], tensorflow.constant(direction))
        return found

    return call


def _jax(network: Any, jax: Any) -> Callable[..., Sequence[Any]]:
    def score(inputs: Sequence[Any], direction: Any, weights: Any, state: Any) -> Any:
        logits, _ = network.stateless_call(weights, state, _entering(inputs), training=False)
        return _score(logits, direction)

    slope = jax.jit(jax.grad(score))

    def call(inputs: Sequence[Floats], direction: Floats) -> Sequence[Any]:
        weights = [one.value for one in network.trainable_variables]
        state = [one.value for one in network.non_trainable_variables]
        found: Sequence[Any] = slope(list(inputs), direction, weights, state)
        return found

    return call


def _torch(network: Any, torch: Any) -> Callable[..., Sequence[Any]]:
    ops = engine.keras().ops

    def call(inputs: Sequence[Floats], direction: Floats) -> Sequence[Any]:
        tensors = [ops.convert_to_tensor(one).requires_grad_() for one in inputs]
        with torch.enable_grad():
            score = _score(network(_entering(tensors), training=False), ops.convert_to_tensor(direction))
            found = torch.autograd.grad(score, tensors, allow_unused=True)
        return [torch.zeros_like(x) if g is None else g for x, g in zip(tensors, found, strict=True)]

    return call
