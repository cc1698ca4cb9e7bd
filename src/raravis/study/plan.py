"""What `raravis reproduce` runs: the study's models as it ran them, and mended, as resolved recipes.

Where the ImageNet weights of a backbone are not at hand, another backbone whose weights are takes its place, plainly
named so, and the study's own network is trained for a moment from random weights, to show that it trains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from raravis import models, recipe, registry
from raravis.errors import RecipeError, unknown
from raravis.recipe import Published, Recipe

RUNS: Final = (
    "basic_cnn",
    "basic_cnn_patient",
    "parallel_cnn_sample",
    "parallel_cnn",
    "parallel_cnn_improved",
    "parallel_cnn_mended",
    "resnet50_as_published",
    "resnet50",
    "efficientnet_b3_as_published",
    "efficientnet_b3",
)
"""The recipes, in the order of the study."""

MISTAKES: Final = (
    ("Early stopping with patience 3 on accuracy", "basic_cnn", "basic_cnn_patient"),
    ("A network that learns by heart", "parallel_cnn", "parallel_cnn_mended"),
    ("0–1 images, no preprocessing (ResNet50)", "resnet50_as_published", "resnet50"),
    ("0–1 images, rescaled once more (EfficientNetB3)", "efficientnet_b3_as_published", "efficientnet_b3"),
)
"""What went wrong, the recipe that has it, and the one that has not."""

YARDSTICK: Final = "small_cnn"
"""The recipe that augmentations are compared by."""

_CHECK_EPOCHS, _CHECK_SHARE = 2, 0.25


@dataclass(frozen=True)
class Settings:
    """What `--set` changes about the whole study.

    Attributes:
        runs: the recipes to run, of `RUNS`.
        length: factor on every recipe's epochs; at least one epoch remains.
        pipelines: the augmentation pipelines to compare; all when empty; `none` alone leaves the comparison out.
        repeats: trainings a pipeline.
        every: changes to every recipe.
        own: changes to one recipe, by its name, or to the yardstick under `compare`.
    """

    runs: tuple[str, ...] = RUNS
    length: float = 1.0
    pipelines: tuple[str, ...] = ()
    repeats: int = 3
    every: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def without_comparison(self) -> bool:
        """Whether there is nothing to compare."""
        return self.pipelines == ("none",)


@dataclass(frozen=True)
class Part:
    """One run of the study.

    Attributes:
        name: of its folder.
        of: the recipe, of `RUNS`, that it is or stands for.
        recipe: resolved.
        published: what the study reported.
        note: what is not as in the study, or "".
        counts: whether its figures are a result; a check from random weights is none.
    """

    name: str
    of: str
    recipe: Recipe
    published: Published | None
    note: str = ""
    counts: bool = True


def settings(changes: Sequence[str] | Mapping[str, Any]) -> Settings:
    """Read `--set` of `raravis reproduce`.

    `runs`, `length`, `compare.pipelines` and `compare.repeats` are the study's own; `NAME.section.field` changes one
    recipe, `compare.section.field` the one that augmentations are compared by, and `section.field` every recipe.

    Raises:
        RecipeError: a name or value that is not understood.
    """
    plain: dict[str, Any] = {}
    every: dict[str, Any] = {}
    own: dict[str, dict[str, Any]] = {}
    for key, value in recipe.pairs(changes):
        head, _, rest = key.partition(".")
        if key in ("runs", "length", "compare.pipelines", "compare.repeats"):
            plain[key.removeprefix("compare.")] = value
        elif head in (*RUNS, "compare") and rest:
            own.setdefault(head, {})[rest] = value
        elif head in Recipe.model_fields:
            every[key] = value
        else:
            known = (*RUNS, *Recipe.model_fields, "runs", "length", "compare")
            raise RecipeError(f"--set {key}: {unknown('part of the study', head, known)}")
    runs = _names(plain.pop("runs", RUNS), "run", RUNS)
    pipelines = _names(plain.pop("pipelines", ()), "augmentation pipeline", registry.names("raravis.augmentations"))
    length, repeats = plain.get("length", 1.0), plain.get("repeats", 3)
    if not isinstance(length, int | float) or not 0 < length <= 10:
        raise RecipeError(f"--set length={length!r}: a factor above 0, at most 10, was expected.")
    if not isinstance(repeats, int) or repeats < 1:
        raise RecipeError(f"--set compare.repeats={repeats!r}: a whole number from 1 was expected.")
    return Settings(runs, float(length), pipelines, repeats, every, own)


def parts(wanted: Settings, *, seed: int, at_hand: Callable[[str], bool], stand_in: str | None) -> tuple[Part, ...]:
    """The runs of the study, resolved.

    Args:
        wanted: what `--set` says.
        seed: of every recipe.
        at_hand: tells whether the ImageNet weights of a backbone can be had.
        stand_in: a backbone whose weights are at hand, for those whose are not; None if there is none.

    Raises:
        RecipeError: a change fits no recipe.
    """
    found: list[Part] = []
    for name in wanted.runs:
        own = wanted.own.get(name, {})
        made = _shortened(name, wanted, own, seed)
        table = made.model_dump(mode="json", exclude_none=True)
        model = made.model
        if not isinstance(model, models.Pretrained) or model.weights != "imagenet" or at_hand(model.backbone):
            found.append(Part(name, name, made, made.published))
            continue
        if stand_in is not None:
            there = {**table, "model": {**table["model"], "name": "frozen", "backbone": stand_in}}
            note = f"{stand_in} in the place of {model.backbone}, whose weights are not at hand"
            swapped = recipe.validate(there, name)
            found.append(Part(f"{name}_on_{stand_in.lower()}", name, swapped, made.published, note))
        if not name.endswith("_as_published"):
            found.append(_check(name, table))
    return tuple(found)


def yardstick(wanted: Settings) -> dict[str, Any]:
    """The changes to the recipe that augmentations are compared by."""
    return _changes(YARDSTICK, wanted, wanted.own.get("compare", {}))


def pairs(found: Sequence[Part]) -> tuple[tuple[str, Part, Part], ...]:
    """The mistakes of the study whose both sides are among the parts: what it was, as published, mended."""
    counting = {part.of: part for part in found if part.counts}
    return tuple(
        (mistake, counting[bad], counting[good])
        for mistake, bad, good in MISTAKES
        if bad in counting and good in counting
    )


def _shortened(name: str, wanted: Settings, own: Mapping[str, Any], seed: int) -> Recipe:
    return recipe.load(name, _changes(name, wanted, own), seed=seed)


def _changes(name: str, wanted: Settings, own: Mapping[str, Any]) -> dict[str, Any]:
    """What becomes of a recipe at the study's length; what is set by hand is not shortened."""
    plain = recipe.load(name)
    shorter = {
        f"{section}.epochs": math.ceil(getattr(plain, section).epochs * wanted.length)
        for section in ("train", "finetune")
    }
    return {**shorter, **wanted.every, **own}


def _check(name: str, table: Mapping[str, Any]) -> Part:
    """A moment of training all layers from random weights, which shows that the network trains and nothing else."""
    brief = {
        **table,
        "model": {**table["model"], "weights": "none", "learn": "all"},
        "sample": {**table["sample"], "share": min(_CHECK_SHARE, table["sample"]["share"])},
        "train": {**table["train"], "epochs": _CHECK_EPOCHS},
        "finetune": {**table["finetune"], "layers": 0},
    }
    note = "random weights, all layers learning: a check that it trains, not a result"
    return Part(f"{name}_random", name, recipe.validate(brief, name), None, note, counts=False)


def _names(value: Any, kind: str, known: Sequence[str]) -> tuple[str, ...]:
    """A list of known names, from TOML or from text with commas."""
    names = tuple(value.split(",")) if isinstance(value, str) else tuple(value)
    for name in names:
        if name not in known:
            raise RecipeError(unknown(kind, str(name), known))
    return names
