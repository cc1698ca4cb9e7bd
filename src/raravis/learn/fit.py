"""Train one recipe on one labelled data set, into one run folder; interrupted at any moment, it can go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raravis import augment, engine, files, models, progress
from raravis.errors import DataError
from raravis.learn import checkpoint, loggers
from raravis.learn.balance import class_weights
from raravis.learn.batches import Batches, Pictures, Resident
from raravis.learn.callbacks import Bar, Keeper, Patience, write_history
from raravis.learn.checkpoint import Progress
from raravis.learn.infer import outputs
from raravis.run import CHECKPOINT, HISTORY, Run

keras = engine.keras()


@dataclass(frozen=True)
class Part:
    """One part of a split, as numbers.

    Attributes:
        rows: int64 `(n,)`, rows of the store.
        classes: int64 `(n,)`, the class of each row.
    """

    rows: NDArray[np.int64]
    classes: NDArray[np.int64]


@dataclass(frozen=True)
class Fitted:
    """What training made.

    Attributes:
        model: the Keras model of the best epoch: images in, logits out.
        logits: float32 `(n, K)` of each part that it was given, in the order of its rows, augmentation off.
    """

    model: Any
    logits: Mapping[str, NDArray[np.float32]]


def fit(run: Run, pictures: Pictures, parts: Mapping[str, Part], *, quiet: bool = False) -> Fitted:
    """Train `run.recipe`, from its last checkpoint if it has one.

    Args:
        run: an open run, held exclusively.
        pictures: gives uint8 images `(B, size, size, 3)` by row.
        parts: `train` and `val`.
        quiet: no progress bar.

    Raises:
        DataError: nothing to train or validate on, or the loss became NaN.
        RunError: the checkpoint is damaged.
        UsageError: an extra for a logger is missing; weights that do not fit.
    """
    recipe, families = run.recipe, run.families
    if not len(parts["train"].rows) or not len(parts["val"].rows):
        raise DataError("The split has no image in train or none in val; both are needed to train.")
    keras.utils.set_random_seed(recipe.seed)
    model = models.build(recipe.model, classes=len(families), size=recipe.data.size)
    layers = augment.layers(recipe.augment.pipeline, recipe.seed)
    learner = _with_augmentation(model, layers)
    folder = run.path / CHECKPOINT
    if not layers and (head := _head_of_frozen(model)) is not None:
        pictures, parts = _features(model, pictures, parts, folder, recipe.train.batch_size, quiet)
        learner = head
    train = Batches(
        pictures,
        parts["train"].rows,
        parts["train"].classes,
        count=len(families),
        batch_size=recipe.train.batch_size,
        class_weights=class_weights(parts["train"].classes, len(families)) if recipe.train.class_weights else None,
        seed=recipe.seed,
        epoch=checkpoint.load(folder).epoch,
    )
    val = Batches(
        pictures,
        parts["val"].rows,
        parts["val"].classes,
        count=len(families),
        batch_size=recipe.train.batch_size,
    )
    _compile(learner, run, steps=len(train))
    last = _learn(learner, run, train, val, quiet)
    checkpoint.restore(folder / last.best_file, learner.variables)
    logits = {
        name: outputs(learner, pictures, part.rows, batch_size=recipe.train.batch_size, quiet=quiet, label="Judging")
        for name, part in parts.items()
    }
    return Fitted(model, logits)


def _learn(learner: Any, run: Run, train: Batches, val: Batches, quiet: bool) -> Progress:
    recipe, folder = run.recipe, run.path / CHECKPOINT
    done = checkpoint.load(folder)
    if done.epoch:
        checkpoint.restore(folder / done.last, learner.variables, learner.optimizer.variables)

    def kept(now: Progress) -> None:
        write_history(run.path / HISTORY, now)
        run.set_status("running", epoch=now.epoch)

    patience = Patience(done, monitor=recipe.train.monitor, patience=recipe.train.patience)
    keeper = Keeper(folder, done, patience, kept)
    extra = loggers.callbacks(recipe.train.loggers, run.path, recipe)
    if done.stopped or done.epoch >= recipe.train.epochs:
        return done
    steps = (recipe.train.epochs - done.epoch) * len(train)
    with progress.bar("Training", steps, quiet=quiet, unit="steps") as advance:
        learner.fit(
            train,
            validation_data=val,
            initial_epoch=done.epoch,
            epochs=recipe.train.epochs,
            callbacks=[patience, *extra, keeper, Bar(advance)],
            verbose=0,
            shuffle=False,
        )
    return keeper.progress


def _with_augmentation(model: Any, layers: list[Any]) -> Any:
    """The model behind the augmentation layers; validation and inference pass them unchanged."""
    if not layers:
        return model
    inputs = x = keras.Input(model.input.shape[1:], name="image")
    for layer in layers:
        x = layer(x)
    return keras.Model(inputs, model(x), name="learner")


def _compile(learner: Any, run: Run, *, steps: int) -> None:
    train = run.recipe.train
    rate = keras.optimizers.schedules.ExponentialDecay(train.learning_rate, steps, train.decay)
    make = {
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
        "sgd": lambda **kw: keras.optimizers.SGD(momentum=0.9, **kw),
    }[train.optimizer]
    optimizer = make(learning_rate=rate, weight_decay=train.weight_decay or None)
    optimizer.build(learner.trainable_variables)
    learner.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=train.label_smoothing),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
    )


def _head_of_frozen(model: Any) -> Any | None:
    """What follows `embedding`, if nothing before it learns; None otherwise."""
    embedding = model.get_layer("embedding").output
    if keras.Model(model.input, embedding).trainable_variables:
        return None
    return keras.Model(embedding, model.output, name="head")


def _features(
    model: Any, pictures: Pictures, parts: Mapping[str, Part], folder: Path, batch_size: int, quiet: bool
) -> tuple[Pictures, dict[str, Part]]:
    """Run the frozen trunk once an image; rows and classes then speak of its features, float32 `(n, D)`.

    They are kept on disk beside the checkpoint, so that neither memory nor a resumed run pays for them again.
    """
    trunk = keras.Model(model.input, model.get_layer("embedding").output)
    rows = np.concatenate([part.rows for part in parts.values()])
    file = files.folder(folder) / "features.npy"
    if not file.is_file():
        shape = (len(rows), int(trunk.output.shape[-1]))
        with files.atomic_path(file) as part_file:
            kept = np.lib.format.open_memmap(part_file, mode="w+", dtype=np.float32, shape=shape)
            outputs(trunk, pictures, rows, batch_size=batch_size, quiet=quiet, label="Frozen features", out=kept)
            kept.flush()
    resident = Resident(np.load(file, mmap_mode="r"))
    numbered, start = {}, 0
    for name, part in parts.items():
        numbered[name] = Part(np.arange(start, start + len(part.rows)), part.classes)
        start += len(part.rows)
    return resident, numbered
