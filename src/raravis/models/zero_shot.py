"""A network that reads: images and names in one space, the nearest name is the answer; nothing is trained."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, NonNegativeInt, field_validator

from raravis import backbones, engine, models, prompts
from raravis.errors import UsageError
from raravis.models._options import logits


class Options(models.Options):
    """Options of `zero_shot`.

    Attributes:
        backbone: a backbone that has a text tower.
        weights: `imagenet` (those published with it), or a checkpoint.
        templates: the sentences by which a family is asked for, with `{lineage}` or `{family}`; their features are
            averaged.
        shots: training images of each family that move its direction from its name towards its photographs; 0 asks by
            the name alone.
    """

    name: Literal["zero_shot"] = "zero_shot"
    by_epoch: ClassVar[bool] = False
    backbone: str = "bioclip2"
    weights: str = "imagenet"
    templates: tuple[str, ...] = Field(default=prompts.TEMPLATES, min_length=1)
    shots: NonNegativeInt = 0

    @field_validator("templates")
    @classmethod
    def _understood(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        try:
            prompts.check(given)
        except UsageError as error:
            raise ValueError(str(error)) from error
        return given

    def canonical(self) -> Self:
        """The same with its backbone named as it is listed."""
        return self.model_copy(update={"backbone": backbones.canonical(self.backbone)})


def build(options: Options, *, classes: int, size: int) -> Any:
    """The network with directions of random weights; see `models` for the contract."""
    extractor = backbones.extractor(options.backbone, size=size, weights=options.weights)
    return joined(extractor, size=size, head=lambda features: logits(features, classes))


def joined(extractor: Any, *, size: int, head: Any) -> Any:
    """Images → features of length 1 → similarities to the directions of families, scaled.

    Args:
        extractor: a Keras model, images → features.
        size: side of the images.
        head: a function from features to logits, as layers; the last one is named `logits`.
    """
    keras = engine.keras()
    extractor.trainable = False
    image = keras.Input((size, size, 3), name="image")
    features = keras.layers.UnitNormalization(name="embedding")(extractor(image))
    return keras.Model(image, head(features), name="zero_shot")
