"""A recipe becomes networks: the one that is kept, and what each phase trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raravis import augmentations, engine, models
from raravis.learn.learner import Learner
from raravis.recipe import Recipe

keras = engine.keras()


@dataclass(frozen=True)
class Stage:
    """What one phase trains.

    Attributes:
        learner: the model behind its augmentation, or a network itself.
        mixing: whether training batches carry their targets in, to be blended.
    """

    learner: Any
    mixing: bool


@dataclass(frozen=True)
class Built:
    """A network and what training changes of it.

    Attributes:
        model: images → logits.
        learner: what is trained: the model behind its augmentation, or the model itself.
        head: what follows `embedding`, where that alone learns and images come unchanged: it can be trained on
            features that are computed once. None otherwise.
        mixing: whether training batches carry their targets in, to be blended.
        on_head: what is trained where there is a head: the head, or the head behind its loss.
        second: what the second phase trains.
    """

    model: Any
    learner: Any
    head: Any | None
    mixing: bool
    on_head: Any | None
    second: Stage


def build(
    recipe: Recipe,
    classes: int,
    *,
    log_shares: NDArray[np.float32] | None = None,
    lineage: Mapping[str, NDArray[np.float32]] | None = None,
) -> Built:
    """The network of a recipe for `classes` families, its weights and everything random drawn from its seed.

    Args:
        recipe: the recipe.
        classes: number of families, K.
        log_shares: float32 `(K,)`, the log of each family's share, for `balanced_softmax`; None for equal shares.
        lineage: families to taxa of each rank, for heads beside the network's own; see `learn.lineage`.

    Raises:
        RecipeError: a size of `train.sizes` is none that the model can see.
    """
    engine.seed(recipe.seed)
    model = models.build(recipe.model, classes=classes, size=recipe.data.size)
    shift = log_shares if recipe.train.loss == "balanced_softmax" else None
    taxa = lineage if recipe.train.auxiliary else None

    def stage(pipeline: str, mix: str, *, behind: bool = False) -> Stage:
        layers = augmentations.layers(pipeline, recipe.seed)
        mixer = augmentations.mixer(mix, recipe.seed)
        if not (behind or layers or mixer is not None or shift is not None or taxa or recipe.train.sizes):
            return Stage(model, mixing=False)
        auxiliary, sizes = recipe.train.auxiliary, recipe.train.sizes
        learner = Learner(model, layers, mixer, shift=shift, lineage=taxa, auxiliary=auxiliary, sizes=sizes)
        return Stage(learner, mixer is not None)

    first = second = stage(recipe.augment.pipeline, recipe.augment.mix)
    own = recipe.finetune
    if own.layers and (own.pipeline, own.mix, own.layer_decay) != (None, None, 1.0):
        second = stage(own.pipeline or recipe.augment.pipeline, own.mix or recipe.augment.mix, behind=True)
    unchanged = (recipe.augment.pipeline, recipe.augment.mix) == ("none", "none")
    head = _head_of_frozen(model) if unchanged else None
    on_head = Learner(head, shift=shift) if head is not None and shift is not None else head
    return Built(model, first.learner, head, first.mixing, on_head, second)


def _head_of_frozen(model: Any) -> Any | None:
    """What follows `embedding`, if nothing before it learns; None otherwise."""
    embedding = model.get_layer("embedding").output
    if keras.Model(model.input, embedding).trainable_variables:
        return None
    return keras.Model(embedding, model.output, name="head")
