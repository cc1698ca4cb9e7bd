"""The layers of a network that give feature maps: a Keras model enters; their names, and what leaves them, come out.

A model may hold another one as a layer (a pretrained backbone). Its layers are named `backbone/layer`, and are reached
by calling every layer once more, in order, on new inputs, so that one graph leads from the photograph to all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raravis import engine
from raravis.errors import RunError, UsageError, unknown

SPREAD = 5
"""Layers that are shown when none are named."""


@dataclass(frozen=True)
class Layer:
    """A layer whose output is feature maps `(B, height, width, channels)`.

    Attributes:
        name: its own name, behind those of the models that it lies in: `backbone/layer`.
        height: of its maps.
        width: of its maps.
        channels: how many maps it gives an image.
        answers: whether it ends in an activation, so that its maps say where something was found.
    """

    name: str
    height: int
    width: int
    channels: int
    answers: bool

    @property
    def short(self) -> str:
        """Its own name alone."""
        return self.name.rpartition("/")[2]


@dataclass(frozen=True)
class Channel:
    """One channel of a layer; they are counted from 0."""

    layer: Layer
    number: int

    @property
    def name(self) -> str:
        """As a user writes it: `layer:number`."""
        return f"{self.layer.name}:{self.number}"


def walk(model: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Name and layer of everything in `model` that is no model itself, in the order of the computation."""
    for layer in model.layers:
        if is_graph(layer):
            yield from walk(layer, f"{above}{layer.name}/")
        else:
            yield f"{above}{layer.name}", layer


def mapped(model: Any) -> tuple[Layer, ...]:
    """The layers of `model` that give feature maps, in the order of the computation.

    Raises:
        UsageError: there is none.
    """
    keras = engine.keras()
    found = []
    for name, layer in walk(model):
        shape = tuple(getattr(layer.output, "shape", ()))
        if len(shape) == 4 and not isinstance(layer, keras.layers.InputLayer):
            height, width, channels = map(int, shape[1:])
            found.append(Layer(name, height, width, channels, _answers(layer)))
    if not found:
        raise UsageError(
            f"The model {model.name} has no layer with feature maps; a convolutional network was expected."
        )
    return tuple(found)


def spread(known: Sequence[Layer]) -> tuple[Layer, ...]:
    """A readable choice from early to late: the first layer that answers, then the last one of each smaller size.

    Args:
        known: as `mapped` gives them; at least one.
    """
    able = [layer for layer in known if layer.answers and layer.height * layer.width > 1] or list(known)
    last = {(layer.height, layer.width): layer for layer in able}
    if len(last) > 1:
        last[able[0].height, able[0].width] = able[0]
    chosen = [layer for layer in able if last[layer.height, layer.width] is layer]
    places = np.unique(np.linspace(0, len(chosen) - 1, SPREAD).round().astype(int))
    return tuple(chosen[i] for i in places)


def pick(known: Sequence[Layer], names: Sequence[str]) -> tuple[Layer, ...]:
    """The layers that `names` mean, each once, in the order given; a nested layer may go by its own name alone.

    Raises:
        UsageError: no such layer (those that exist are listed, the nearest first), or several go by the name.
    """
    return tuple(dict.fromkeys(_one(known, name.strip()) for name in names))


def pick_channels(known: Sequence[Layer], names: Sequence[str]) -> tuple[Channel, ...]:
    """The channels that `layer:number` names mean, each once, in the order given.

    Raises:
        UsageError: a name has no number, or there is no such layer or channel.
    """
    found = []
    for name in names:
        layer_name, _, number = name.strip().rpartition(":")
        if not layer_name or not number.isdecimal():
            example = f"{known[-1].short}:0"
            raise UsageError(f"The channel {name.strip()!r} was not understood; layer:number was expected ({example}).")
        layer = _one(known, layer_name)
        if int(number) >= layer.channels:
            last = layer.channels - 1
            raise UsageError(
                f"There is no channel {number} in the layer {layer.name}.\n"
                f"Known: {layer.channels} channels, the nearest is {last}; they are counted from 0 to {last}."
            )
        found.append(Channel(layer, int(number)))
    return tuple(dict.fromkeys(found))


def tapped(model: Any, leaving: Sequence[str] = (), entering: Sequence[str] = ()) -> Any:
    """The same network with more outputs; weights are shared.

    Args:
        model: built of a graph of layers, as all of raravis are.
        leaving: names as `walk` gives them: what leaves these layers is an output each, in this order.
        entering: likewise: what enters these layers follows.

    Returns:
        A Keras model whose last output is that of `model`.
    """
    return _tapped(model, [*((name, "leaving") for name in leaving), *((name, "entering") for name in entering)])


class Tap:
    """A network that also tells its feature maps.

    Args:
        model: RGB 0–255 `(B, size, size, 3)` → logits `(B, K)`.
        layers: whose maps are wanted.
    """

    def __init__(self, model: Any, layers: Sequence[Layer]) -> None:
        self._names = [layer.name for layer in layers]
        self._model = tapped(model, self._names)

    def __call__(self, batch: NDArray[np.uint8]) -> tuple[Mapping[str, NDArray[np.float32]], NDArray[np.float32]]:
        """The maps of each layer by its name, float32 `(B, height, width, channels)`, and the logits `(B, K)`.

        Raises:
            RunError: the network gives no finite numbers.
        """
        *maps, logits = (np.asarray(found, np.float32) for found in _many(self._model.predict_on_batch(batch)))
        check(logits, *maps)
        return dict(zip(self._names, maps, strict=True)), logits


def check(*found: NDArray[np.float32]) -> None:
    """Refuse NaN and infinity.

    Raises:
        RunError: there is one.
    """
    if not all(np.isfinite(values).all() for values in found):
        raise RunError("The model gives no finite numbers (NaN or infinity): it is damaged.\nTrain it again.")


def _tapped(model: Any, wanted: Sequence[tuple[str, str]]) -> Any:
    keras = engine.keras()
    kept: dict[tuple[str, str], Any] = {}

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        prefix = f"{layer.name}/"
        below = [(name, side) for name, side in wanted if name.startswith(prefix)]
        if below:
            inner = _tapped(layer, [(name.removeprefix(prefix), side) for name, side in below])
            *found, output = inner(*args, **kwargs)
            kept.update(zip(below, found, strict=True))
            return output
        output = layer(*args, **kwargs)
        kept[layer.name, "leaving"], kept[layer.name, "entering"] = output, args[0] if args else None
        return output

    again = keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)
    return keras.Model(again.input, [*(kept[key] for key in wanted), again.output])


def _one(known: Sequence[Layer], name: str) -> Layer:
    exact = [layer for layer in known if layer.name == name]
    found = exact or [layer for layer in known if layer.short == name]
    if len(found) > 1:
        raise UsageError(
            f"{len(found)} layers go by the name {name!r}; give one of them: {', '.join(x.name for x in found)}."
        )
    if not found:
        names = (layer.name if "/" in name else layer.short for layer in known)
        raise UsageError(unknown("layer with feature maps", name, dict.fromkeys(names)))
    return found[0]


def is_graph(layer: Any) -> bool:
    """Whether a layer is a model built of a graph of layers, which can be opened."""
    keras = engine.keras()
    return isinstance(layer, keras.Model) and not isinstance(layer, keras.Sequential) and hasattr(layer, "inputs")


def _answers(layer: Any) -> bool:
    layers = engine.keras().layers
    kinds = (layers.Activation, layers.ReLU, layers.LeakyReLU, layers.PReLU, layers.ELU)
    if isinstance(layer, kinds):
        return True
    return hasattr(layer, "kernel_size") and layer.activation is not engine.keras().activations.linear


def _many(found: Any) -> Sequence[Any]:
    return found if isinstance(found, list | tuple) else [found]
