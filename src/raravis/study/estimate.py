"""How long a recipe takes on this machine: a few steps of it are timed, the rest is counted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from raravis import engine, models
from raravis.learn import fit
from raravis.recipe import Recipe

keras = engine.keras()

_STEPS = 2
"""Steps that are timed, after one that compiles."""


@dataclass(frozen=True)
class Steps:
    """Seconds that one batch of a recipe takes.

    Attributes:
        build: making and compiling the network, once.
        train: one step of training.
        infer: one batch through the network.
        finetune: one step of the second phase.
        cached: the frozen backbone runs once an image, and training sees its features alone.
        parameters: of the network.
    """

    build: float
    train: float
    infer: float
    finetune: float
    cached: bool
    parameters: int


def measure(recipe: Recipe, classes: int) -> Steps:
    """Time a few steps of `recipe` on random images, with random weights, for `classes` families."""
    options = recipe.model
    if isinstance(options, models.Pretrained):
        options = options.model_copy(update={"weights": "none"})
    began = time.perf_counter()
    made = fit.build(recipe.model_copy(update={"model": options}), classes)
    size, batch = recipe.data.size, recipe.train.batch_size
    generator = np.random.default_rng(0)
    images = generator.integers(0, 255, (batch, size, size, 3)).astype(np.uint8)
    targets = np.eye(classes, dtype=np.float32)[generator.integers(0, classes, batch)]
    inputs: Any = (images, targets) if made.mixing else images
    infer = _timed(lambda: made.model.predict_on_batch(images))
    if made.head is None:
        train = _step(made.learner, recipe, inputs, targets)
    else:
        features = np.zeros((batch, *made.head.input.shape[1:]), np.float32)
        train = _step(made.head, recipe, features, targets)
    build = time.perf_counter() - began - _STEPS * (infer + train)
    finetune = 0.0
    if recipe.finetune.layers:
        models.unfreeze(made.model, recipe.finetune.layers)
        inputs = (images, targets) if made.second.mixing else images
        finetune = _step(made.second.learner, recipe, inputs, targets)
    parameters = made.model.count_params()
    keras.backend.clear_session()
    return Steps(build, train, infer, finetune, made.head is not None, parameters)


def likeness(recipe: Recipe) -> str:
    """What decides the time of a step: recipes of one likeness need to be measured once."""
    model = recipe.model.model_dump(exclude={"name", "weights", "images", "preprocess", "dropout"})
    kind = recipe.model.name if "backbone" not in model else ""
    return json.dumps(
        [
            kind,
            model,
            recipe.augment.model_dump(),
            recipe.data.size,
            recipe.train.batch_size,
            recipe.finetune.model_dump(include={"layers", "pipeline", "mix"}),
        ]
    )


def seconds(steps: Steps, recipe: Recipe, images: Mapping[str, int], train_images: int) -> float:
    """How long training and judging take at most: as if no early stopping spoke.

    Args:
        steps: as measured.
        recipe: the same that was measured, or one that differs in epochs alone.
        images: images of `train`, `val` and `test`.
        train_images: images that an epoch goes through (see `[sample]`).
    """

    def batches(count: int) -> int:
        return -(-count // recipe.train.batch_size)

    judged = sum(batches(count) for count in images.values()) * steps.infer
    check = 0.0 if steps.cached else batches(images["val"]) * steps.infer
    first = recipe.train.epochs * (batches(train_images) * steps.train + check)
    second = 0.0
    if recipe.finetune.layers:
        validation = batches(images["val"]) * steps.infer
        second = recipe.finetune.epochs * (batches(train_images) * steps.finetune + validation)
    return steps.build + first + second + judged


def _step(learner: Any, recipe: Recipe, inputs: Any, targets: Any) -> float:
    fit.compile(learner, recipe.train, recipe.train.learning_rate, steps=1)
    return _timed(lambda: learner.train_on_batch(inputs, targets))


def _timed(call: Callable[[], Any]) -> float:
    call()
    began = time.perf_counter()
    for _ in range(_STEPS):
        call()
    return (time.perf_counter() - began) / _STEPS
