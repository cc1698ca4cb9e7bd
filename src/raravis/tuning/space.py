"""The space of a search: TOML tables named after recipe fields enter, Keras Tuner's hyperparameters leave.

[train.learning_rate]
min = 1e-4
max = 1e-2
scale = "log"

[model.dropout]
min = 0.1
max = 0.6
step = 0.1

[augment.pipeline]
choices = ["one", "two"]
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raravis import recipe
from raravis.errors import RecipeError, unknown
from raravis.recipe import Recipe

_WORDS = {"min", "max", "step", "scale", "choices"}


@dataclass(frozen=True)
class Field:
    """One field of the recipe and the values that it may take.

    Attributes:
        key: `section.field`.
        choices: values of any TOML kind, or () for a range.
        low: least value of a range.
        high: greatest value of a range.
        step: between its values, or None for any.
        log: whether equal ratios, not equal differences, are equally likely.
    """

    key: str
    choices: tuple[Any, ...] = ()
    low: float = 0
    high: float = 0
    step: float | None = None
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether the range is one of whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int) and isinstance(self.step, int | None)

    def add(self, to: Any) -> None:
        """Add this field to a `keras_tuner.HyperParameters`."""
        if self.choices:
            to.Choice(self.key, list(range(len(self.choices))))
            return
        kind = to.Int if self.whole else to.Float
        more = {"sampling": "log"} if self.log else {"step": self.step} if self.step else {}
        kind(self.key, self.low, self.high, **more)

    def value(self, drawn: Any) -> Any:
        """The recipe's value for what Keras Tuner drew."""
        if self.choices:
            return self.choices[int(drawn)]
        return int(drawn) if self.whole else float(drawn)

    def ends(self) -> tuple[Any, ...]:
        """The values that prove the field: all choices, or both ends of the range."""
        return self.choices or (self.low, self.high)


def read(file: Path, base: Recipe) -> tuple[Field, ...]:
    """Read a space and see that every value of it fits the recipe.

    Args:
        file: TOML, as above.
        base: the recipe that is searched around.

    Raises:
        RecipeError: the file is no space, names no field of the recipe, or reaches beyond what a field may be.
    """
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"The space {file} cannot be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"The space {file} is no valid TOML: {error}.") from error
    found = tuple(_field(key, value, file) for key, value in _tables(table))
    if not found:
        raise RecipeError(
            f"The space {file} names no field; a table such as [train.learning_rate] with min and max was expected."
        )
    for field in found:
        for end in field.ends():
            try:
                changed(base, {field.key: end})
            except RecipeError as error:
                raise RecipeError(f"The space {file.name} does not fit the recipe at {field.key}: {error}") from error
    return found


def changed(base: Recipe, values: Mapping[str, Any]) -> Recipe:
    """The recipe with `section.field` values put in.

    Raises:
        RecipeError: a value that does not fit.
    """
    table = base.model_dump(mode="json", exclude_none=True)
    for key, value in values.items():
        inner, (*sections, last) = table, key.split(".")
        for section in sections:
            inner = inner.setdefault(section, {})
        inner[last] = value
    return recipe.validate(table, "with " + ", ".join(f"{key} = {value}" for key, value in values.items()))


def plain(space: tuple[Field, ...]) -> dict[str, Any]:
    """The space as JSON-able text, the same for the same space."""
    made: dict[str, Any] = json.loads(json.dumps({field.key: _described(field) for field in space}))
    return made


def _described(field: Field) -> dict[str, Any]:
    if field.choices:
        return {"choices": list(field.choices)}
    step = {} if field.step is None else {"step": field.step}
    return {"min": field.low, "max": field.high, **step, **({"scale": "log"} if field.log else {})}


def _tables(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """The innermost tables, by dotted name; a table with any of the known words is one."""
    found: list[tuple[str, Any]] = []
    for key, value in table.items():
        name = f"{prefix}{key}"
        if not isinstance(value, dict) or (
            _WORDS & set(value) and not any(isinstance(v, dict) for v in value.values())
        ):
            found.append((name, value))
        else:
            found += _tables(value, f"{name}.") or [(name, value)]
    return found


def _field(key: str, told: Any, file: Path) -> Field:
    where = f"The space {file.name} at {key}"
    if not isinstance(told, dict) or not told:
        raise RecipeError(f"{where}: a table with min and max, or with choices, was expected.")
    for word in told:
        if word not in _WORDS:
            raise RecipeError(f"{where}: {unknown('setting', word, sorted(_WORDS))}")
    if "choices" in told:
        choices = told["choices"]
        if not isinstance(choices, list) or len(choices) < 2 or len(told) > 1:
            raise RecipeError(f"{where}: choices = [two values or more], and nothing beside it, was expected.")
        return Field(key, choices=tuple(choices))
    step, scale = told.get("step"), told.get("scale")
    ends: list[Any] = [told.get("min"), told.get("max")]
    if not all(map(_is_number, ends)) or not ends[0] < ends[1]:
        raise RecipeError(f"{where}: min and max, numbers with min below max, were expected; found {ends}.")
    low, high = ends
    if scale not in (None, "linear", "log") or (scale == "log" and (low <= 0 or step is not None)):
        raise RecipeError(f'{where}: scale "linear", or "log" with a min above 0 and no step, was expected.')
    if step is not None and not (_is_number(step) and 0 < step <= high - low):
        raise RecipeError(f"{where}: a step above 0, at most max less min, was expected; found {step!r}.")
    return Field(key, (), low, high, step, scale == "log")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
