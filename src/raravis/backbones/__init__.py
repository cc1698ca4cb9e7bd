"""Pretrained feature extractors, one file a kind, each with its own preprocessing.

The contract of a kind:

    names() -> Mapping[str, str]             public name → one line about it
    build(name, *, size, weights) -> Model   what `preprocess` gives, `(B, size, size, 3)` → features `(B, h, w, C)`,
                                             `(B, T, C)` or `(B, D)`
    preprocess(name, images) -> images       RGB in 0–255 → what the network was trained on, as part of the graph
    at_hand(name) -> bool                    whether its weights lie in the folder `RARAVIS_WEIGHTS`

of a kind whose networks cut images into patches, `patch(name) -> int`, the side of one; and, of a kind that reads,
`text_features(name, weights, texts)`, as below.

`weights` is `imagenet` (those published with the network, from the folder `RARAVIS_WEIGHTS` or a download), `none`
(random), or the path of a weight file. Nothing that is loaded can execute. A name may be in any case, with or without
its hyphens and underscores; kinds are given the one that is listed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raravis import engine, registry
from raravis.backbones._views import VIEWS, View, take
from raravis.errors import MissingError, UsageError

__all__ = [
    "VIEWS",
    "View",
    "at_hand",
    "build",
    "canonical",
    "check",
    "extractor",
    "listed",
    "names",
    "patch",
    "pooled",
    "preprocess",
    "stand_in",
    "take",
    "text_features",
]


def names() -> Mapping[str, str]:
    """Every backbone's name and one line about it, by name."""
    return dict(sorted((name, line) for kind in _kinds() for name, line in kind.names().items()))


def listed() -> tuple[Mapping[str, str], str]:
    """As `names`, but of the kinds alone that can be asked; and why others cannot (no Keras), or ""."""
    found: dict[str, str] = {}
    lacking = ""
    for kind in _kinds():
        try:
            found |= kind.names()
        except MissingError as error:
            lacking = f"the networks of `{kind.__name__}`. {error}"
    return dict(sorted(found.items())), lacking


def canonical(name: str) -> str:
    """The name that is listed for a backbone, whatever its case, hyphens and underscores; any other name as it is."""
    stem, at, layer = name.partition("@")
    known = names()
    alike = [one for one in known if _plain(one) == _plain(stem)]
    return f"{alike[0]}{at}{layer}" if stem not in known and len(alike) == 1 else name


def check(name: str) -> None:
    """See that there is a backbone of this name, before anything is computed for it.

    Raises:
        UsageError: there is none; the nearest names are told.
    """
    _found(name)


def build(name: str, *, size: int, weights: str) -> Any:
    """The backbone `name` without its classifier, as a Keras model.

    Args:
        name: one of `names()`, or the path of a saved network; see `backbones.saved`.
        size: side of the images in pixels.
        weights: `imagenet`, `none`, or the path of a weight file.

    Returns:
        `(B, size, size, 3)` as `preprocess` gives them → a feature map `(B, h, w, C)`, tokens `(B, T, C)` or features
        `(B, D)`.

    Raises:
        UsageError: no such backbone, a size it cannot take, or weights of another architecture.
        OfflineError: the published weights are not at hand and cannot be fetched.
    """
    kind, name = _found(name)
    return kind.build(name, size=size, weights=weights)


def preprocess(name: str, images: Any) -> Any:
    """What the backbone `name` was trained to expect, from RGB 0–255, as part of the graph."""
    kind, name = _found(name)
    return kind.preprocess(name, images)


def extractor(name: str, *, size: int, weights: str) -> Any:
    """The backbone behind its preprocessing, pooled: RGB 0–255 `(B, size, size, 3)` → features `float32` `(B, D)`.

    Raises:
        UsageError, OfflineError: as `build`.
    """
    keras = engine.keras()
    images = keras.Input((size, size, 3), name="image")
    features = build(name, size=size, weights=weights)(preprocess(name, images))
    return keras.Model(images, pooled(features), name="extractor")


def pooled(features: Any, *, name: str | None = None) -> Any:
    """Averaged over places `(B, h, w, C)` or tokens `(B, T, C)` to `(B, C)`; features `(B, D)` as they are.

    Args:
        features: what a backbone gives.
        name: of the layer that does it, which then is there for `(B, D)` too.
    """
    layers = engine.keras().layers
    averaging = {3: layers.GlobalAveragePooling1D, 4: layers.GlobalAveragePooling2D}.get(len(features.shape))
    if averaging is None and name is None:
        return features
    return (averaging or layers.Identity)(name=name)(features)


def text_features(name: str, weights: str, texts: Sequence[Sequence[str]]) -> tuple[NDArray[np.float32], float]:
    """What the text tower of the backbone `name` makes of K things, each told in several texts.

    Returns:
        Features float32 `(K, D)` of length 1, in the space of the backbone's images, and the scale of similarities.

    Raises:
        UsageError: no such backbone, or it does not read.
        OfflineError: the published weights are not at hand and cannot be fetched.
    """
    kind, name = _found(name)
    if not hasattr(kind, "text_features"):
        reading = [known for one in _kinds() if hasattr(one, "text_features") for known in one.names()]
        raise UsageError(f"{name} reads no names; one of these does: {', '.join(reading)}.")
    found: tuple[NDArray[np.float32], float] = kind.text_features(name, weights, texts)
    return found


def patch(name: str) -> int:
    """The side of the patches that a network cuts images into; 1 where any size fits.

    Raises:
        UsageError: no such backbone.
    """
    kind, name = _found(name)
    return int(kind.patch(name)) if hasattr(kind, "patch") else 1


def at_hand() -> tuple[str, ...]:
    """The backbones whose weights lie in the folder `RARAVIS_WEIGHTS`, by name."""
    return tuple(sorted(name for kind in _kinds() for name in kind.names() if kind.at_hand(name)))


def stand_in() -> str | None:
    """The first network of `keras.applications`, by name, whose weights are at hand; None if none are."""
    known = registry.load(__name__, "applications", "kind of backbone").names()
    return next((name for name in at_hand() if name in known), None)


def _kinds() -> list[ModuleType]:
    return [registry.load(__name__, kind, "kind of backbone") for kind in registry.names(__name__)]


def _found(name: str) -> tuple[ModuleType, str]:
    """The kind that a backbone is of, and the name that it knows it by."""
    saved = registry.load(__name__, "saved", "kind of backbone")
    name = canonical(name)
    if saved.owns(name):
        return saved, name
    kind = next((kind for kind in _kinds() if name in kind.names()), None)
    if kind is None:
        known = {_plain(one): one for one in names()}
        near = [known[plain] for plain in difflib.get_close_matches(_plain(name), known, n=4, cutoff=0.5)]
        told = f"The nearest: {', '.join(near)}; `raravis backbones`" if near else "`raravis backbones`"
        raise UsageError(f"There is no backbone named {name!r}.\n{told} lists all. Or give the path of a .keras file.")
    return kind, name


def _plain(name: str) -> str:
    """What all spellings of a name have in common."""
    return re.sub(r"[-_]", "", name.casefold())
