"""What a user asks of the recipe `best`, handed on to the recipes that it becomes."""

from __future__ import annotations

from typing import Any, Final

from raravis import recipe as recipes
from raravis.models.probe import Options
from raravis.recipe import Recipe

_TABLES: Final = {"description", "data", "split", "model", "published"}
"""The others are of networks that are trained by the epoch, and `best` refuses them."""

_OWN: Final = ("model.name", "model.backbones")


def asked(wanted: Recipe) -> dict[str, Any]:
    """What is stated beyond the recipe `best`, as changes to another one."""
    own = _stated(recipes.load("best"))
    return {key: value for key, value in _stated(wanted).items() if key not in own or own[key] != value}


def alike(chosen: Recipe) -> dict[str, Any]:
    """As changes to a recipe by the epoch: the images, split and objective of a probe that it stands beside."""
    assert isinstance(chosen.model, Options)
    tables = chosen.model_dump(mode="json", include={"data", "split"})
    return {**_flat(tables), "train.monitor": f"val_{chosen.model.objective}"}


def _stated(recipe: Recipe) -> dict[str, Any]:
    found = _flat(recipe.model_dump(mode="json", exclude_unset=True, include=_TABLES))
    return {key: value for key, value in found.items() if key not in _OWN}


def _flat(tables: dict[str, Any]) -> dict[str, Any]:
    """`section.field` → value."""
    made: dict[str, Any] = {}
    for name, table in tables.items():
        inner = table.items() if isinstance(table, dict) else ()
        made |= {f"{name}.{field}": value for field, value in inner} or {name: table}
    return made
