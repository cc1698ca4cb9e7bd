"""A network cut in two where its maps end: from images to its last maps, and from these to the logits.

The last maps are those from which the network goes on without any: what is pooled, flattened or averaged next and never
becomes a map again. A network has several where it has several backbones, branches or views of the image. Every path
from image to logits leads through one of them, so the second part needs nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from raravis import engine
from raravis.errors import UsageError
from raravis.explaining.layers import is_graph


@dataclass(frozen=True)
class Cut:
    """The two parts of a network; they share its weights.

    Attributes:
        front: images `(B, size, size, 3)` → a list: the last maps, each `(B, h, w, C)`, then the logits.
        back: the last maps, a list where there are several → logits. To its gradients the length of features that are
            brought to length 1 is given: were it not, what adds to them alike everywhere would count for nothing, and
            half of what speaks for a family would seem to speak against it.
        frames: images → a list: for each of the maps what enters the model that it lies in, the part of the image that
            it is about, `(B, H, W, 3)`.
    """

    front: Any
    back: Any
    frames: Any


@dataclass(frozen=True)
class _Call:
    """A layer was called: what entered and what left, as tensors of the graph."""

    layer: Any
    entering: Sequence[Any]
    leaving: Sequence[Any]


class NoMapsError(Exception):
    """The network turns to tokens, or goes round its maps."""


def cut(network: Any) -> Cut:
    """Cut a network at its last maps, in nested models too.

    Args:
        network: built of a graph of layers, images `(B, size, size, 3)` → logits.

    Raises:
        UsageError: it has none: it makes tokens of the image, as transformers do.
    """
    keras = engine.keras()
    try:
        again, taps, frames = _opened(network)
        back = keras.Model(_one(taps), again.output)
    except (NoMapsError, ValueError) as error:  # Keras' word for a graph that the maps do not part
        raise UsageError(
            f"The network {network.name} has no last maps that all it says rests on ({error}).\n"
            "Take the method 'gradient' or 'occlusion', which work for every network."
        ) from error
    return Cut(keras.Model(again.input, [*taps, again.output]), back, keras.Model(again.input, frames))


def places(network: Any) -> int:
    """How many places the finest of the last maps has.

    Raises:
        UsageError: as for `cut`.
    """
    *maps, _ = cut(network).front.outputs
    return max(int(one.shape[1] * one.shape[2]) for one in maps)


def _opened(model: Any) -> tuple[Any, list[Any], list[Any]]:
    """The model built anew with its last maps, and what enters the models that they lie in, as tensors of its graph."""
    keras = engine.keras()
    last = boundary(model)
    taps: dict[int, tuple[Any, Any]] = {}
    number = -1

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal number
        number += 1
        if isinstance(layer, keras.layers.UnitNormalization):
            return _held(args[0], layer.axis)
        if number not in last:
            return layer(*args, **kwargs)
        if not is_graph(layer):
            taps.update((id(one), (one, None)) for one in tensors(args, kwargs) if is_map(one))
            return layer(*args, **kwargs)
        front, frames, back = _parts(layer)
        found, framed = (_many(part(args[0])) for part in (front, frames))
        taps.update((id(one), (one, frame)) for one, frame in zip(found, framed, strict=True))
        return back(_one(found))

    again = keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)
    if not taps:
        raise NoMapsError("nothing in it is a map")
    return again, [one for one, _ in taps.values()], [again.input if f is None else f for _, f in taps.values()]


def _held(features: Any, axis: Any) -> Any:
    """Features divided by their length, as `UnitNormalization` does it, but for a length that no gradient knows."""
    ops = engine.keras().ops
    squares = ops.sum(ops.square(features), axis=axis, keepdims=True)
    return features * ops.stop_gradient(ops.rsqrt(ops.maximum(squares, 1e-12)))


def _parts(model: Any) -> tuple[Any, Any, Any]:
    keras = engine.keras()
    again, taps, frames = _opened(model)
    return keras.Model(again.input, taps), keras.Model(again.input, frames), keras.Model(_one(taps), again.output)


def boundary(model: Any) -> Mapping[int, Any]:
    """The calls, by their number, that take maps and after which nothing is a map again."""
    calls: list[_Call] = []

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        output = layer(*args, **kwargs)
        calls.append(_Call(layer, tensors(args, kwargs), tensors(output)))
        return output

    engine.keras().models.clone_model(model, clone_function=lambda layer: layer, call_function=call)
    live: set[int] = set()  # tensors from which a map is made
    found = {}
    for number in range(len(calls) - 1, -1, -1):
        one = calls[number]
        if any(is_map(t) or id(t) in live for t in one.leaving):
            live.update(id(t) for t in one.entering)
        elif any(is_map(t) for t in one.entering):
            if any(len(t.shape) == 3 for t in one.leaving):
                raise NoMapsError("it makes tokens of the image")
            found[number] = one
    return found


def is_map(tensor: Any) -> bool:
    """Whether a tensor is a feature map `(B, h, w, C)` of more than one place."""
    return len(tensor.shape) == 4 and tensor.shape[1] * tensor.shape[2] > 1


def tensors(*structure: Any) -> list[Any]:
    """The tensors of a graph among the arguments of a call."""
    keras = engine.keras()
    return [one for one in keras.tree.flatten(structure) if isinstance(one, keras.KerasTensor)]


def _one(found: Sequence[Any]) -> Any:
    return found[0] if len(found) == 1 else list(found)


def _many(found: Any) -> Sequence[Any]:
    return found if isinstance(found, list | tuple) else [found]
