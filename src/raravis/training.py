"""How a network learns: the tables `[sample]`, `[augment]`, `[train]` and `[finetune]` of a recipe.

Plain values, checked; what they mean to Keras is `learn`'s matter. Every default is the study's way.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from raravis import registry
from raravis.errors import unknown

Mix = Literal["none", "mixup", "cutmix"]
Schedule = Literal["exponential", "cosine"]
_DECAY = 0.96


class Table(BaseModel):
    """A table of a recipe: its fields and no others, unchangeable."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Sample(Table):
    """`[sample]`: which images of the train side an epoch goes through.

    Attributes:
        share: of each family's images; at least one is taken.
        oversample: families with fewer images than this are repeated until they have as many; 0 repeats none.
    """

    share: float = Field(default=1.0, gt=0, le=1)
    oversample: NonNegativeInt = 0


def _pipeline(name: str) -> str:
    if name not in (known := registry.names("raravis.augmentations")):
        raise ValueError(unknown("augmentation pipeline", name, known))
    return name


class Augment(Table):
    """`[augment]`: what every training batch goes through.

    Attributes:
        pipeline: a name of `raravis augmentations`.
        mix: blend pairs of images and their targets after the pipeline: `mixup` or `cutmix`.
    """

    pipeline: str = "one"
    mix: Mix = "none"

    @field_validator("pipeline")
    @classmethod
    def _exists(cls, name: str) -> str:
        return _pipeline(name)


class Train(Table):
    """`[train]`: how the network learns.

    Attributes:
        epochs: at most this many.
        batch_size: images a step.
        optimizer: Keras' `adam`, `adamw` or `sgd` (momentum 0.9).
        learning_rate: the highest.
        schedule: how the rate falls: `exponential` by `decay`, or `cosine`, to 0 with the last step.
        decay: factor by which the rate falls an epoch (`exponential` alone; 1 keeps it).
        warmup: epochs over which the rate first rises, evenly, from 0.
        weight_decay: decoupled weight decay a step, relative to the rate.
        weight_decay_on: `all` variables, or `kernels`: all but biases and the scales and offsets of norms.
        ema: the network that is validated and kept is a moving average of the weights, which forgets 1 − `ema` a step;
            0 keeps the weights themselves.
        accumulate: batches whose gradients are averaged into one change of the weights.
        loss: `cross_entropy`, or `balanced_softmax`: in training the logits are shifted by the log of each family's
            share, so that the network itself prefers no family (Ren et al. 2020; Menon et al. 2021).
        label_smoothing: share of the target spread over all families.
        class_weights: weigh families by the inverse of their size.
        auxiliary: weight, beside the loss, of the mean loss of heads that name phylum, class and order from the
            embedding; they are there in training alone.
        sizes: sides in pixels at which training sees images, one after another over equal shares of the epochs;
            validation and the final network see `data.size`. Empty: that size throughout.
        precision: what training computes in; `auto` is `mixed_float16` on a GPU, else `float32`. The network that is
            kept computes in float32.
        monitor: what early stopping watches, and what the best epoch is best in.
        patience: stop after this many epochs without improvement; 0 never stops early.
        loggers: beside `history.csv`: `tensorboard`, `mlflow`.
    """

    epochs: PositiveInt = 30
    batch_size: PositiveInt = 64
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: PositiveFloat = 1e-3
    schedule: Schedule = "exponential"
    decay: float = Field(default=_DECAY, gt=0, le=1)
    warmup: NonNegativeFloat = 0.0
    weight_decay: NonNegativeFloat = 0.0
    weight_decay_on: Literal["all", "kernels"] = "all"
    ema: float = Field(default=0.0, ge=0, lt=1)
    accumulate: PositiveInt = 1
    loss: Literal["cross_entropy", "balanced_softmax"] = "cross_entropy"
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    class_weights: bool = False
    auxiliary: NonNegativeFloat = 0.0
    sizes: tuple[Annotated[int, Field(ge=16, le=1024)], ...] = ()
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16", "auto"] = "float32"
    monitor: Literal["val_accuracy", "val_loss", "val_macro_f1"] = "val_accuracy"
    patience: NonNegativeInt = 3
    loggers: tuple[Literal["tensorboard", "mlflow"], ...] = ()

    @model_validator(mode="after")
    def _agrees(self) -> Train:
        if self.warmup >= self.epochs:
            raise ValueError(f"warmup takes all of the {self.epochs} epochs; fewer were expected")
        if self.schedule == "cosine" and self.decay != _DECAY:
            raise ValueError("decay is of the exponential schedule; leave it out with cosine")
        if self.loss == "balanced_softmax" and self.class_weights:
            raise ValueError("balanced_softmax and class_weights do the same twice; choose one")
        if len(self.sizes) > self.epochs:
            raise ValueError(
                f"sizes has {len(self.sizes)} sizes for {self.epochs} epochs; at most one each was expected"
            )
        return self


class FineTune(Table):
    """`[finetune]`: the second phase of a pretrained network.

    What is not stated here is as in `[train]` and `[augment]`. A first phase whose pipeline is `none` sees each image
    once (Kumar et al. 2022: a trained head first, so that fine-tuning distorts the features less).

    Attributes:
        layers: the last layers of the backbone that learn too, counted as Keras lists them, or `all`; 0 leaves the
            phase out. Batch norms keep their statistics.
        epochs: at most this many.
        learning_rate: the highest, of the head.
        layer_decay: factor by which the rate falls from each twelfth of the backbone to the one below (`learn.rates`).
        schedule: as `[train]`'s.
        warmup: as `[train]`'s.
        patience: as `[train]`'s.
        pipeline: as `[augment]`'s.
        mix: as `[augment]`'s.
    """

    layers: NonNegativeInt | Literal["all"] = 0
    epochs: PositiveInt = 5
    learning_rate: PositiveFloat = 1e-5
    layer_decay: float = Field(default=1.0, gt=0, le=1)
    schedule: Schedule | None = None
    warmup: NonNegativeFloat | None = None
    patience: NonNegativeInt | None = None
    pipeline: str | None = None
    mix: Mix | None = None

    @field_validator("pipeline")
    @classmethod
    def _exists(cls, name: str | None) -> str | None:
        return name if name is None else _pipeline(name)
