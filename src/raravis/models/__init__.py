"""Networks, one file a name; each has `Options` (the `[model]` table of a recipe) and `build`.

The contract of `build(options, *, classes, size) -> keras.Model`:
enters RGB `(B, size, size, 3)` in 0–255, any real dtype; leaves logits `float32` `(B, classes)` from a layer named
`logits`. The representation that it is made from is the output of the layer named `embedding`. Preprocessing is
part of the graph. Initial weights follow `keras.utils.set_random_seed`.
"""

from __future__ import annotations

from typing import Any

from raravis import registry
from raravis.models._options import Options
from raravis.models._pretrained import TRUNK, Pretrained, extractor, unfreeze

__all__ = ["TRUNK", "Options", "Pretrained", "build", "extractor", "options_of", "unfreeze"]


def options_of(name: str) -> type[Options]:
    """The options class of the model `name`.

    Raises:
        UsageError: no such model; those that exist are listed, the nearest first.
    """
    found: type[Options] = registry.load(__name__, name, "model").Options
    return found


def build(options: Options, *, classes: int, size: int) -> Any:
    """Build the network that `options.name` names: logits for `classes` families, from images `size` pixels wide."""
    return registry.load(__name__, options.name, "model").build(options, classes=classes, size=size)
