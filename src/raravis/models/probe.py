"""A head on the features of frozen backbones, side by side; nothing is trained by the epoch but the head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from raravis import backbones, engine, heads, models
from raravis.backbones import View
from raravis.errors import unknown
from raravis.models._options import logits

AT_HAND: Final = "at hand"
"""In place of a backbone's name: those whose weights are at hand, chosen from before anything is built."""


class Source(BaseModel):
    """One backbone, and what it is shown of each image.

    Attributes:
        name: one that `raravis backbones` lists, or the path of a `.keras` file.
        weights: `imagenet` (those published with it), `none` (random), or a weight file.
        size: side of the images that it is shown, in pixels; None for `data.size`.
        views: what it is shown; its features are averaged over them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    weights: str = "imagenet"
    size: int | None = Field(default=None, ge=16, le=1024)
    views: tuple[View, ...] = Field(default=("whole",), min_length=1)


class Options(models.Options):
    """Options of `probe`.

    Attributes:
        backbones: whose features stand side by side, each block of length 1; a name alone is a `Source` of that name,
            `at hand` leaves the choice to trials (the recipe `best`).
        heads: those to choose from, by cross-validation: a name tries all of its settings worth trying, a table such as
            `{name = "logistic", strength = 30, balance = "logit_adjustment"}` that one alone.
        objective: by which the head is chosen.
        folds: of the cross-validation.
        learn_from: what the chosen head is fitted on in the end. Either way train and val together choose it; with
            `train+val`, the figures of val are those of the cross-validation: of heads that had not seen the image.
    """

    name: Literal["probe"] = "probe"
    by_epoch: ClassVar[bool] = False
    backbones: tuple[Source, ...] = Field(default=(Source(name="MobileNetV2"),), min_length=1)
    heads: tuple[str | dict[str, Any], ...] = Field(default=("lda", "logistic"), min_length=1)
    objective: Literal["macro_f1", "accuracy"] = "macro_f1"
    folds: int = Field(default=3, ge=2, le=20)
    learn_from: Literal["train", "train+val"] = "train+val"

    @field_validator("backbones", mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        given = [given] if isinstance(given, str | dict) else given
        return [{"name": source} if isinstance(source, str) else source for source in given]

    @field_validator("backbones")
    @classmethod
    def _open_or_not(cls, given: tuple[Source, ...]) -> tuple[Source, ...]:
        if AT_HAND in [source.name for source in given] and given != (Source(name=AT_HAND),):
            raise ValueError(f"{AT_HAND!r} leaves backbones, sizes and views to trials; give nothing else")
        return given

    @field_validator("heads", mode="before")
    @classmethod
    def _several(cls, given: Any) -> Any:
        return [given] if isinstance(given, str | dict) else given

    @field_validator("heads")
    @classmethod
    def _exist(cls, given: tuple[str | dict[str, Any], ...]) -> tuple[str | dict[str, Any], ...]:
        for one in given:
            name = one if isinstance(one, str) else str(one.get("name", ""))
            if name not in (known := heads.names()):
                raise ValueError(unknown("head", name, known))
            try:
                heads.candidates([one])
            except ValidationError as error:
                told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
                raise ValueError(f"{name}: {told}") from error
        return given

    def canonical(self) -> Self:
        """The same with its backbones named as they are listed."""
        named = [one.model_copy(update={"name": backbones.canonical(one.name)}) for one in self.backbones]
        return self.model_copy(update={"backbones": tuple(named)})

    def check(self) -> None:
        """See that the backbones exist, where they are decided."""
        for name in {source.name for source in self.backbones} - {AT_HAND}:
            backbones.check(name)


def build(options: Options, *, classes: int, size: int) -> Any:
    """The network with a head of random weights; see `models` for the contract."""
    extractors = [
        backbones.extractor(source.name, size=source.size or size, weights=source.weights)
        for source in options.backbones
    ]
    return joined(options, extractors, size=size, head=lambda features: logits(features, classes))


def joined(options: Options, extractors: Sequence[Any], *, size: int, head: Any) -> Any:
    """Images → the features of every backbone, averaged over its views and of length 1, side by side → the head.

    Args:
        options: whose backbones these are.
        extractors: one Keras model for each of them: images of its size → features.
        size: side of the images that enter.
        head: a function from features to logits, as layers; the last one is named `logits`.
    """
    keras = engine.keras()
    image = keras.Input((size, size, 3), name="image")
    blocks = []
    for number, (source, frozen) in enumerate(zip(options.backbones, extractors, strict=True), start=1):
        extractor = keras.Model(frozen.input, frozen.output, name=f"backbone_{number}")
        extractor.trainable = False
        shown = [extractor(backbones.take(view, image, size=source.size or size)) for view in source.views]
        block = shown[0] if len(shown) == 1 else keras.layers.Average()(shown)
        blocks.append(keras.layers.UnitNormalization()(block))
    merged = blocks[0] if len(blocks) == 1 else keras.layers.Concatenate()(blocks)
    features = keras.layers.Identity(name="embedding")(merged)
    return keras.Model(image, head(features), name="probe")
