"""What each place of an image adds to each logit, as part of the graph: a class activation map without gradients.

Enters: a network, images → logits. Leaves: a way through it that also tells the evidence. The class activation map of
Zhou et al. ("Learning Deep Features for Discriminative Localization", 2016) is exact where maps are averaged and a
linear layer follows. Here what a place adds is carried on from the last maps to the logits, layer by layer, each layer
taken at the slope that it has for this image, and lengths that features are brought to taken as given, as in `cut`.
That is HiResCAM for all families in one pass, and still the plain map where all is linear. Maps of several backbones or
views are laid over the image and added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis import engine
from raravis.errors import UsageError
from raravis.explaining import places
from raravis.explaining.cut import NoMapsError, boundary, cut, is_map
from raravis.explaining.layers import is_graph
from raravis.explaining.places import Box

COARSEST: Final = 32
"""Most places a side of the image where maps of several sizes are laid over each other."""
_NEAR: Final = 0.02
_ALL_OF_IT: Final = Box()

Laid = NDArray[np.float32]


class UnknownError(Exception):
    """The slope of a layer is not known here."""


@dataclass(frozen=True)
class Flat:
    """A map whose places stand one behind the other in a vector: `(B, h · w, C)`, and how it is laid over the image."""

    values: Any
    laid: Laid | None


@dataclass(frozen=True)
class Row:
    """Features side by side, flattened maps among them: where each ends, and what each place adds to it."""

    ends: tuple[int, ...]
    parts: tuple[Any, ...]


@dataclass(frozen=True)
class Plan:
    """How a network is walked through.

    Attributes:
        network: images → logits.
        shape: height and width of the evidence.
        laid: how each last map is laid over it, in the order in which they are met.
        last: for each graph, by its id, the calls after which nothing is a map again.
    """

    network: Any
    shape: tuple[int, int]
    laid: list[Laid | None]
    last: dict[int, Mapping[int, Any]]

    def told(self, image: Any) -> list[Any]:
        """Logits, the embedding and the evidence `(B, h, w, K)` of images; the network is passed once."""
        return _Walk(self).through(image)


def plan(network: Any) -> tuple[Plan | None, str]:
    """How to tell what each place adds; None, and why in words, where that cannot be told.

    Args:
        network: images `(B, size, size, 3)` → logits, with a layer `embedding`.
    """
    keras = engine.keras()
    try:
        parts = cut(network)
        sizes = [tuple(int(side) for side in one.shape[1:3]) for one in _many(parts.back.input)]
        frames = places.boxes(parts.frames, int(network.input.shape[1]))
        made = Plan(network, *_spread(sizes, frames), _last(network))
        made.told(keras.Input(network.input.shape[1:]))
    except (UsageError, UnknownError, NoMapsError) as error:
        return None, str(error).splitlines()[0].rstrip(".")
    return made, ""


def _last(model: Any) -> dict[int, Mapping[int, Any]]:
    below = {number: found for layer in model.layers if is_graph(layer) for number, found in _last(layer).items()}
    return {**below, id(model): boundary(model)}


def _spread(sizes: list[tuple[int, ...]], frames: list[Box]) -> tuple[tuple[int, int], list[Laid | None]]:
    """The places of the evidence, and how each map is laid over them: `(places, h · w)`, None for as it is."""
    if len(sizes) == 1 and _whole(frames[0]):
        return (sizes[0][0], sizes[0][1]), [None]
    most = max(max(size) for size in sizes)
    side = max(most, min(2 * most, COARSEST))
    laid: list[Laid | None] = []
    for (height, width), box in zip(sizes, frames, strict=True):
        rows, columns = places.axes((height, width), box, side)
        laid.append((np.kron(rows, columns) * (height * width / box.area / side**2)).astype(np.float32))
    return (side, side), laid


def _whole(box: Box) -> bool:
    return all(abs(getattr(box, end) - getattr(_ALL_OF_IT, end)) < _NEAR for end in ("left", "right", "top", "bottom"))


class _Walk:
    """One pass through the graph of a network, carrying what each place adds: by tensor, `(B, places, …)`."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._met: dict[int, int] = {}
        self._added: dict[int, Any] = {}
        self._kept: list[Any] = []  # tensors whose ids are keys: they must not be forgotten
        self._embedding: Any = None

    def through(self, image: Any) -> list[Any]:
        logits = self._run(self._plan.network, image)
        found = self._added.get(id(logits))
        if found is None or isinstance(found, Flat | Row):
            raise UnknownError("no last map reaches the logits")
        evidence = engine.keras().ops.reshape(found, (-1, *self._plan.shape, int(logits.shape[-1])))
        return [logits, self._embedding, evidence]

    def _run(self, model: Any, entering: Any) -> Any:
        last = self._plan.last[id(model)]
        number = -1

        def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal number
            number += 1
            begins = number in last
            if is_graph(layer):
                output = self._run(layer, args[0])
            else:
                output = layer(*args, **kwargs)
                self._carry(layer, args, kwargs, output, begins=begins)
            self._kept.append(output)
            if model is self._plan.network and layer.name == "embedding":
                self._embedding = output
            return output

        return model._run_through_graph(entering, call_fn=call)

    def _carry(self, layer: Any, args: Any, kwargs: Any, output: Any, *, begins: bool) -> None:
        if begins:
            (image,) = (one for one in _tensors(args, kwargs) if is_map(one))
            laid = self._plan.laid[self._met.setdefault(id(image), len(self._met))]
            self._kept.append(image)
            self._added[id(output)] = _begun(layer, image, laid)
            return
        given = [self._added.get(id(one)) for one in _tensors(args, kwargs)]
        if any(one is not None for one in given):
            rule = _RULES.get(type(layer).__name__)
            if rule is None:
                raise UnknownError(f"what a layer of the kind {type(layer).__name__} makes of a place is not known")
            self._added[id(output)] = rule(layer, args, self._added, output)


def _begun(layer: Any, image: Any, laid: Laid | None) -> Any:
    """What each place adds to what comes behind the last map."""
    ops = engine.keras().ops
    _, height, width, channels = image.shape
    flat = ops.reshape(image, (-1, height * width, channels))
    kind = type(layer).__name__
    if kind == "GlobalAveragePooling2D" and not layer.keepdims:
        return _over(laid, flat) / (height * width)
    if kind == "Flatten":
        return Flat(flat, laid)
    raise UnknownError(f"what a layer of the kind {kind} makes of a map is not known")


def _over(laid: Laid | None, added: Any) -> Any:
    """`(B, h · w, …)` laid over the places of the image."""
    return added if laid is None else engine.keras().ops.matmul(laid, added)


Rule = Callable[[Any, Any, dict[int, Any], Any], Any]


def _same(layer: Any, args: Any, added: dict[int, Any], output: Any) -> Any:
    return added[id(args[0])]


def _dense(layer: Any, args: Any, added: dict[int, Any], output: Any) -> Any:
    ops, given = engine.keras().ops, added[id(args[0])]
    kernel = _numbers(layer.kernel)
    if isinstance(given, Flat):
        _, count, channels = given.values.shape
        by_place = ops.reshape(kernel, (count, channels, -1))
        found = ops.matmul(ops.expand_dims(given.values, 2), by_place)[:, :, 0]
        return _sloped(layer.activation, _over(given.laid, found), output)
    return _sloped(layer.activation, ops.matmul(given, kernel), output)


def _activation(layer: Any, args: Any, added: dict[int, Any], output: Any) -> Any:
    return _sloped(layer.activation, _firm(added[id(args[0])]), output)


def _sloped(activation: Any, added: Any, output: Any) -> Any:
    name = getattr(activation, "__name__", "")
    if name in ("", "linear"):
        return added
    if name == "relu":
        return added * _wide(output > 0)
    if name == "log_softmax":
        return _less_mean(added, output)
    raise UnknownError(f"the slope of the activation {name} is not known")


def _less_mean(added: Any, output: Any) -> Any:
    """Behind log-probabilities: less what is added to all families on average, each by its probability."""
    ops = engine.keras().ops
    return added - ops.sum(added * ops.expand_dims(ops.exp(output), 1), axis=-1, keepdims=True)


def _log_softmax(layer: Any, args: Any, added: dict[int, Any], output: Any) -> Any:
    if layer.axis not in (-1, len(output.shape) - 1):
        raise UnknownError("log-probabilities along another axis than that of the families")
    return _less_mean(_firm(added[id(args[0])]), output)


def _relu(layer: Any, args: Any, added: dict[int, Any], output: Any) -> Any:
    if getattr(layer, "max_value", None) is not None or getattr(layer, "threshold", None):
        raise UnknownError("the slope of a ReLU with bounds is not known")
    above = _wide(args[0] > 0)
    return _firm(added[id(args[0])]) * (above + (1 - above) * float(layer.negative_slope or 0))


def _norm(layer: Any, args: Any, added: dict[int, Any], output: Any) -> Any:
    scale = engine.keras().ops.rsqrt(_numbers(layer.moving_variance) + layer.epsilon)
    if layer.scale:
        scale = scale * _numbers(layer.gamma)
    return _firm(added[id(args[0])]) * scale


def _rescaled(layer: Any, args: Any, added: dict[int, Any], output: Any) -> Any:
    return _firm(added[id(args[0])]) * np.asarray(layer.scale, np.float32)


def _unit(layer: Any, args: Any, added: dict[int, Any], output: Any) -> Any:
    ops = engine.keras().ops
    squares = ops.sum(ops.square(args[0]), axis=-1, keepdims=True)
    return _firm(added[id(args[0])]) * ops.expand_dims(ops.rsqrt(ops.maximum(squares, 1e-12)), 1)


def _sum(layer: Any, args: Any, added: dict[int, Any], output: Any) -> Any:
    parts = [_firm(added[id(one)]) for one in _tensors(args) if id(one) in added]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total / len(args[0]) if type(layer).__name__ == "Average" else total


def _beside(layer: Any, args: Any, added: dict[int, Any], output: Any) -> Any:
    ops = engine.keras().ops
    if any(isinstance(added.get(id(one)), Flat) for one in args[0]):
        ends = np.cumsum([int(one.shape[-1]) for one in args[0]]).tolist()
        return Row(tuple(ends), tuple(added.get(id(one)) for one in args[0]))
    given = [_firm(added[id(one)]) if id(one) in added else one for one in args[0]]
    example = next(one for one in given if len(one.shape) == 3)
    parts = [
        one if len(one.shape) == 3 else ops.zeros_like(example[:, :, :1]) * ops.zeros((int(one.shape[-1]),))
        for one in given
    ]
    return ops.concatenate(parts, axis=-1)


def _part(layer: Any, args: Any, added: dict[int, Any], output: Any) -> Any:
    key = args[1]
    if not (isinstance(key, tuple) and len(key) == 2 and key[0] == slice(None) and isinstance(key[1], slice)):
        raise UnknownError("a part of the features that is no range of them")
    given = added[id(args[0])]
    if isinstance(given, Row):
        places = zip((0, *given.ends), given.ends, given.parts, strict=False)
        return next((part for low, high, part in places if key[1] == slice(low, high)), None)
    return _firm(given)[:, :, key[1]]


def _times(layer: Any, args: Any, added: dict[int, Any], output: Any) -> Any:
    if len(_tensors(args)) != 1:
        raise UnknownError("a product of what the image decides is not linear in it")
    (given,), (factor,) = ([one for one in args if (id(one) in added) == kept] for kept in (True, False))
    return _firm(added[id(given)]) * np.asarray(factor, np.float32)


def _firm(added: Any) -> Any:
    if added is None or isinstance(added, Flat | Row):
        raise UnknownError("a flattened map was expected to enter a dense layer")
    return added


def _wide(flags: Any) -> Any:
    """Flags of a vector, as numbers for every place."""
    ops = engine.keras().ops
    return ops.expand_dims(ops.cast(flags, "float32"), 1)


def _numbers(variable: Any) -> Any:
    """The weights themselves, not a copy: a converter then writes them once."""
    return engine.keras().ops.cast(variable, "float32")


def _tensors(*structure: Any) -> list[Any]:
    """Those among arguments, of a graph that is being built as well as of one that runs."""
    keras = engine.keras()
    known = (one for one in keras.tree.flatten(structure))
    return [one for one in known if isinstance(one, keras.KerasTensor) or keras.ops.is_tensor(one)]


def _many(found: Any) -> list[Any]:
    return list(found) if isinstance(found, list | tuple) else [found]


_RULES: Final[dict[str, Rule]] = {
    **dict.fromkeys(("Dropout", "Identity"), _same),
    "Dense": _dense,
    "Activation": _activation,
    "LogSoftmax": _log_softmax,
    **dict.fromkeys(("ReLU", "LeakyReLU"), _relu),
    "BatchNormalization": _norm,
    "Rescaling": _rescaled,
    "UnitNormalization": _unit,
    **dict.fromkeys(("Add", "Average"), _sum),
    "Concatenate": _beside,
    "GetItem": _part,
    "Multiply": _times,
}
"""Layer or operation → what becomes of what each place adds; all of them work on single vectors, `(B, D)`."""
