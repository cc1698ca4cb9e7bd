"""One experiment, whole: what `recipe.toml` holds.

A recipe is read from a named file in `recipes/`, from the user's own TOML file, or from a run folder; then changed by
`--set key=value`; then validated. Every field has a default, so that a recipe states only what it means to state.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args

import tomli_w
from pydantic import (
    Field,
    NonNegativeFloat,
    PositiveInt,
    SerializeAsAny,
    ValidationError,
    field_validator,
    model_validator,
)

from raravis import models
from raravis.errors import RecipeError, UsageError, unknown
from raravis.training import Augment, FineTune, Sample, Table, Train


class Data(Table):
    """`[data]`: how an image becomes a square.

    Attributes:
        size: side of the square in pixels.
        fit: `squash` (as in the study), `pad` (all of it, with bars), or `crop` (the middle).
    """

    size: int = Field(default=224, ge=16, le=1024)
    fit: Literal["squash", "pad", "crop"] = "squash"


class SplitBy(Table):
    """`[split]`: used where no split file is given; see `raravis split`."""

    policy: Literal["stratified", "held-out-species", "held-out-families"] = "stratified"
    fractions: tuple[NonNegativeFloat, NonNegativeFloat, NonNegativeFloat] = (0.7, 0.15, 0.15)


class Published(Table):
    """`[published]`: what was reported elsewhere for these settings; told beside what is measured, used for nothing.

    Attributes:
        source: where it was reported.
        epochs: for how many epochs it was trained there.
    """

    source: str = ""
    epochs: PositiveInt | None = None
    train_accuracy: float | None = None
    val_accuracy: float | None = None
    test_accuracy: float | None = None
    train_loss: float | None = None
    val_loss: float | None = None
    test_loss: float | None = None
    val_macro_f1: float | None = None


class Recipe(Table):
    """One experiment. `model` is the table of the model that its `name` names; see `models`."""

    description: str = ""
    seed: int = Field(default=0, ge=0, lt=2**31)
    data: Data = Data()
    split: SplitBy = SplitBy()
    model: SerializeAsAny[models.Options]
    sample: Sample = Sample()
    augment: Augment = Augment()
    train: Train = Train()
    finetune: FineTune = FineTune()
    published: Published | None = None

    @field_validator("model", mode="before")
    @classmethod
    def _options(cls, value: Any) -> models.Options:
        if isinstance(value, models.Options):
            return value
        if not isinstance(value, dict) or "name" not in value:
            raise ValueError("a table with a 'name' was expected, such as {name = \"basic_cnn\"}")
        try:
            kind = models.options_of(str(value["name"]))
        except UsageError as error:
            raise ValueError(str(error)) from error
        return kind.model_validate(value)

    @model_validator(mode="after")
    def _says_nothing_in_vain(self) -> Recipe:
        if self.model.by_epoch:
            return self
        heeded = {"sample": Sample(), "augment": Augment(pipeline="none"), "train": Train(), "finetune": FineTune()}
        for name, empty in heeded.items():
            given, stated = empty.model_dump(), getattr(self, name).model_dump()
            if other := next((field for field in given if stated[field] != given[field]), None):
                raise ValueError(
                    f"{name}.{other}: {self.model.name} is not trained by the epoch; leave it at {given[other]!r}"
                )
        return self

    @model_validator(mode="after")
    def _sizes_fit(self) -> Recipe:
        if self.train.sizes and isinstance(self.model, models.Pretrained):
            raise ValueError(f"train.sizes: the backbone of {self.model.name} is built for one size; leave it out")
        if self.train.sizes and max(self.train.sizes) > self.data.size:
            raise ValueError(f"train.sizes: {max(self.train.sizes)} is more than data.size, {self.data.size}")
        return self

    @model_validator(mode="after")
    def _has_something_to_fine_tune(self) -> Recipe:
        frozen = isinstance(self.model, models.Pretrained) and self.model.learn == "head"
        if not self.finetune.layers:
            if self.train.auxiliary and frozen:
                raise ValueError("train.auxiliary: nothing before the embedding learns; give 0, or set finetune.layers")
            return self
        if self.finetuning.warmup >= self.finetune.epochs:
            raise ValueError(f"finetune.warmup: it takes all of the {self.finetune.epochs} epochs; give fewer")
        if not isinstance(self.model, models.Pretrained):
            raise ValueError(f"finetune.layers: {self.model.name} has no pretrained backbone whose layers could learn")
        if self.model.learn == "all":
            raise ValueError('finetune.layers: nothing is left to unfreeze where model.learn is "all"; give 0')
        return self

    @property
    def finetuning(self) -> Train:
        """`[train]` as `[finetune]` changes it: what holds in the second phase."""
        shared = {"epochs", "learning_rate", "schedule", "warmup", "patience"}
        return self.train.model_copy(update=self.finetune.model_dump(include=shared, exclude_none=True))

    @property
    def epochs(self) -> int:
        """At most this many, both phases together."""
        if not self.model.by_epoch:
            return 1
        return self.train.epochs + (self.finetune.epochs if self.finetune.layers else 0)

    def canonical(self) -> Recipe:
        """The same with its backbones named as they are listed, however they were spelt."""
        return self.model_copy(update={"model": self.model.canonical()})

    def toml(self) -> str:
        """The recipe as TOML, every field stated."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


def names() -> list[str]:
    """The recipes that come with raravis."""
    return sorted(p.name.removesuffix(".toml") for p in _folder().iterdir() if p.name.endswith(".toml"))


def load(recipe: str | Path, changes: Sequence[str] | Mapping[str, Any] = (), *, seed: int | None = None) -> Recipe:
    """Read a recipe, apply changes, validate.

    Args:
        recipe: a name of `names()` or the path of a TOML file.
        changes: `section.field=value` texts (the value in TOML, or plain text), or a mapping of the same.
        seed: replaces the recipe's own when given.

    Raises:
        RecipeError: the recipe does not exist, is no TOML, or a field is unknown or out of range; the field is named.
    """
    table = _read(str(recipe))
    for key, value in pairs(changes):
        _put(table, key, value)
    if seed is not None:
        table["seed"] = seed
    return validate(table, str(recipe))


def validate(table: Mapping[str, Any], source: str) -> Recipe:
    """A `Recipe` from plain tables; `source` is named in errors.

    Raises:
        RecipeError: one line a fault, each naming its field.
    """
    try:
        return Recipe.model_validate(table)
    except ValidationError as error:
        faults = "\n".join(_fault(e, table) for e in error.errors())
        raise RecipeError(f"Recipe {source}: {faults}") from error


def _folder() -> Any:
    return resources.files("raravis") / "recipes"


def _read(recipe: str) -> dict[str, Any]:
    if recipe in names():
        text = (_folder() / f"{recipe}.toml").read_text(encoding="utf-8")
    elif recipe.endswith(".toml"):
        try:
            text = Path(recipe).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"The recipe file {recipe} cannot be read: {error}.") from error
    else:
        raise RecipeError(unknown("recipe", recipe, names()) + "\nOr give the path of a .toml file.")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"The recipe {recipe} is no valid TOML: {error}.") from error


def pairs(changes: Sequence[str] | Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Each change as a key and a value, from `section.field=value` texts or from a mapping.

    Raises:
        RecipeError: a text without `=`.
    """
    if isinstance(changes, Mapping):
        yield from changes.items()
        return
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals or not key.strip():
            raise RecipeError(f"--set {change!r} was not understood; section.field=value was expected.")
        yield key.strip(), _value(text.strip())


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text


def _put(table: dict[str, Any], key: str, value: Any) -> None:
    *sections, field = key.split(".")
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            raise RecipeError(f"--set {key}: {section} is a value, not a section.")
    table[field] = value


def _fault(error: Any, table: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        *sections, field = [str(part) for part in error["loc"]]
        return f"{where}: {unknown('field', field, _fields(sections, table))}"
    message = error["msg"].removeprefix("Value error, ")
    received = "" if error["type"] in ("missing", "value_error") else f" (received {error['input']!r})"
    return f"{where}{': ' if where else ''}{message[:1].lower()}{message[1:]}{received}"


def _fields(sections: Sequence[str], table: Mapping[str, Any]) -> Iterable[str]:
    if sections[:1] == ["model"]:
        return models.options_of(table["model"]["name"]).model_fields
    kind: Any = Recipe
    for section in sections:
        annotation = kind.model_fields[section].annotation
        kind = next((part for part in get_args(annotation) if part is not type(None)), annotation)
    fields: Iterable[str] = kind.model_fields
    return fields
