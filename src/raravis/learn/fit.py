"""Train one recipe on one labelled data set, into one run folder; interrupted at any moment, it can go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raravis import augmentations, engine, files, models, progress
from raravis.errors import DataError
from raravis.learn import checkpoint, loggers
from raravis.learn.balance import class_weights
from raravis.learn.batches import Batches, Pictures, Resident
from raravis.learn.callbacks import Bar, Keeper, Patience, write_history
from raravis.learn.checkpoint import Progress
from raravis.learn.infer import outputs
from raravis.learn.learner import Learner
from raravis.learn.sampling import oversampled, stratified
from raravis.recipe import Recipe, Train
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
    made = build(recipe, len(families))
    model, learner, head = made.model, made.learner, made.head
    batch_size, folder = recipe.train.batch_size, run.path / CHECKPOINT
    first = _Phase("Training", folder, 0, recipe.train.epochs, recipe.train.learning_rate)
    if head is not None:
        cached, numbered = _features(model, pictures, parts, folder, batch_size, quiet)
        done = _learn(first, head, run, cached, numbered, mixing=False, quiet=quiet)
        checkpoint.restore(folder / done.best_file, head.variables)
        if not recipe.finetune.layers:
            return Fitted(model, _logits(head, cached, numbered, batch_size, quiet))
    else:
        done = _learn(first, learner, run, pictures, parts, mixing=made.mixing, quiet=quiet)
        checkpoint.restore(folder / done.best_file, learner.variables)
    if recipe.finetune.layers:
        models.unfreeze(model, recipe.finetune.layers)
        second = _Phase(
            "Fine-tuning", folder / "finetune", done.epoch, recipe.finetune.epochs, recipe.finetune.learning_rate
        )
        _begin_from(second, done, learner)
        done = _learn(second, learner, run, pictures, parts, mixing=made.mixing, quiet=quiet)
        checkpoint.restore(second.folder / done.best_file, learner.variables)
    return Fitted(model, _logits(model, pictures, parts, batch_size, quiet))


@dataclass(frozen=True)
class Built:
    """A network and what training changes of it.

    Attributes:
        model: images → logits.
        learner: what is trained: the model behind its augmentation, or the model itself.
        head: what follows `embedding`, where that alone learns and images come unchanged: it can be trained on
            features that are computed once. None otherwise.
        mixing: whether training batches carry their targets in, to be blended.
    """

    model: Any
    learner: Any
    head: Any | None
    mixing: bool


def build(recipe: Recipe, classes: int) -> Built:
    """The network of a recipe for `classes` families, its weights and everything random drawn from its seed."""
    keras.utils.set_random_seed(recipe.seed)
    model = models.build(recipe.model, classes=classes, size=recipe.data.size)
    layers = augmentations.layers(recipe.augment.pipeline, recipe.seed)
    mixer = augmentations.mixer(recipe.augment.mix, recipe.seed)
    if layers or mixer is not None:
        return Built(model, Learner(model, layers, mixer), None, mixer is not None)
    return Built(model, model, _head_of_frozen(model), False)


@dataclass(frozen=True)
class _Phase:
    """One stretch of training.

    Attributes:
        name: for the progress bar.
        folder: of its checkpoints.
        start: epochs that were finished before it.
        epochs: at most this many more.
        learning_rate: at its start.
    """

    name: str
    folder: Path
    start: int
    epochs: int
    learning_rate: float

    @property
    def end(self) -> int:
        """The epoch after its last."""
        return self.start + self.epochs


def _begin_from(phase: _Phase, before: Progress, learner: Any) -> None:
    """Where `phase` has no checkpoint yet, begin it with what the phase before it ended with as the best so far."""
    if not checkpoint.load(phase.folder).epoch:
        start = replace(before, wait=0, stopped=False, last="", best_file="")
        checkpoint.save(phase.folder, start, learner.variables, ())


def _learn(
    phase: _Phase,
    learner: Any,
    run: Run,
    pictures: Pictures,
    parts: Mapping[str, Part],
    *,
    mixing: bool,
    quiet: bool,
) -> Progress:
    """Train `learner` through one phase, from its last checkpoint if it has one; returns where that ended."""
    recipe, done, count = run.recipe, checkpoint.load(phase.folder), len(run.families)
    if done.stopped or done.epoch >= phase.end:
        return done
    part = sampled(parts["train"], recipe)
    weights = class_weights(part.classes, count) if recipe.train.class_weights else None
    train = Batches(
        pictures,
        part.rows,
        part.classes,
        count=count,
        batch_size=recipe.train.batch_size,
        class_weights=weights,
        seed=recipe.seed,
        epoch=max(done.epoch, phase.start),
        mixing=mixing,
    )
    val = Batches(pictures, parts["val"].rows, parts["val"].classes, count=count, batch_size=recipe.train.batch_size)
    compile(learner, recipe.train, phase.learning_rate, steps=len(train))
    if done.epoch > phase.start:
        checkpoint.restore(phase.folder / done.last, learner.variables, learner.optimizer.variables)

    def kept(now: Progress) -> None:
        write_history(run.path / HISTORY, now)
        run.set_status("running", epoch=now.epoch)

    patience = Patience(done, monitor=recipe.train.monitor, patience=recipe.train.patience)
    keeper = Keeper(phase.folder, done, patience, kept)
    extra = loggers.callbacks(recipe.train.loggers, run.path, recipe)
    first = max(done.epoch, phase.start)
    with progress.bar(phase.name, (phase.end - first) * len(train), quiet=quiet, unit="steps") as advance:
        learner.fit(
            train,
            validation_data=val,
            initial_epoch=first,
            epochs=phase.end,
            callbacks=[patience, *extra, keeper, Bar(advance)],
            verbose=0,
            shuffle=False,
        )
    return keeper.progress


def sampled(part: Part, recipe: Recipe) -> Part:
    """What an epoch goes through, as the recipe's `[sample]` says: a share of each family, small families repeated."""
    taken = stratified(part.classes, recipe.sample.share, recipe.seed)
    taken = taken[oversampled(part.classes[taken], recipe.sample.oversample, recipe.seed)]
    return Part(part.rows[taken], part.classes[taken])


def _logits(
    model: Any, pictures: Pictures, parts: Mapping[str, Part], batch_size: int, quiet: bool
) -> dict[str, NDArray[np.float32]]:
    return {
        name: outputs(model, pictures, part.rows, batch_size=batch_size, quiet=quiet, label="Judging")
        for name, part in parts.items()
    }


def compile(learner: Any, train: Train, learning_rate: float, *, steps: int) -> None:
    """Compile with the optimizer, rate and loss of a recipe's `[train]`; the rate falls every `steps` steps."""
    rate = keras.optimizers.schedules.ExponentialDecay(learning_rate, steps, train.decay)
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
