"""`raravis recipes | models | augmentations | backbones`: what there is, one line each."""

from __future__ import annotations

from typing import Literal

from raravis import backbones, progress, recipe, registry
from raravis.errors import UsageError, unknown

Kind = Literal["recipes", "models", "augmentations", "backbones"]


def available(kind: Kind) -> dict[str, str]:
    """Each name of `kind` and one line about it, sorted by name.

    Raises:
        UsageError: no such kind.
    """
    if kind == "recipes":
        return {name: recipe.load(name).description for name in recipe.names()}
    if kind == "backbones":
        found, lacking = backbones.listed()
        if lacking:
            progress.say(f"not listed: {lacking}")
        return dict(found)
    packages = {"models": "raravis.models", "augmentations": "raravis.augmentations"}
    if kind not in packages:
        raise UsageError(unknown("list", kind, [*packages, "recipes", "backbones"]))
    package = packages[kind]
    return {name: registry.summary(registry.load(package, name, kind)) for name in registry.names(package)}
