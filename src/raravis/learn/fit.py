"""Train one recipe on one labelled data set, into one run folder; interrupted at any moment, it can go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raravis import engine, models, progress
from raravis.data.pixels import PixelStore
from raravis.errors import DataError
from raravis.learn import checkpoint, loggers, precision, rates
from raravis.learn.balance import class_weights, log_shares
from raravis.learn.batches import Batches, Pictures, Resident
from raravis.learn.building import Built, build
from raravis.learn.callbacks import Bar, Keeper, Patience, write_history
from raravis.learn.checkpoint import Progress
from raravis.learn.embed import Extractor, read
from raravis.learn.infer import outputs
from raravis.learn.lineage import lineage
from raravis.learn.optimizing import compile
from raravis.learn.sampling import oversampled, stratified
from raravis.recipe import Recipe
from raravis.run import CHECKPOINT, HISTORY, Run
from raravis.training import Train

__all__ = ["Built", "Fitted", "Part", "build", "compile", "fit", "sampled"]

keras = engine.keras()


@dataclass(frozen=True)
class Part:
    """One part of a split, as numbers.

    Attributes:
        rows: int64 `(n,)`, rows of the store.
        classes: int64 `(n,)`, the class of each row.
        ranks: for any of phylum, class and order int64 `(n,)`: a number for each taxon, −1 where it is unknown.
        species: int64 `(n,)`, a number for each species, −1 where it is unknown; None where none is known.
        copies: int64 `(n,)`, equal numbers for images that are copies of one another; None where none are known of.
    """

    rows: NDArray[np.int64]
    classes: NDArray[np.int64]
    ranks: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    species: NDArray[np.int64] | None = None
    copies: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Fitted:
    """What training made.

    Attributes:
        model: the Keras model of the best epoch: images in, logits out.
        logits: float32 `(n, K)` of each part that it was given, in the order of its rows, augmentation off.
        notes: what the recipe asks for and the data did not allow, one sentence each.
        crossed: what cross-validation on all parts together found, by the way in which images were held out: classes
            int64 `(m,)` and logits float32 `(m, K)` of the images that could be.
        held: rows of the store, int64 `(m,)`, of the images in `crossed`, by the same ways.
    """

    model: Any
    logits: Mapping[str, NDArray[np.float32]]
    notes: tuple[str, ...] = ()
    crossed: Mapping[str, tuple[NDArray[np.int64], NDArray[np.float32]]] = field(default_factory=dict)
    held: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)


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
    part = sampled(parts["train"], recipe)
    taxa = lineage(part.classes, part.ranks, len(families))
    notes = () if taxa or not recipe.train.auxiliary else (_NO_RANKS,)
    made = build(recipe, len(families), log_shares=log_shares(part.classes, len(families)), lineage=taxa)
    model, learner, second = made.model, made.learner, made.second
    batch_size, folder = recipe.train.batch_size, run.path / CHECKPOINT
    first = _Phase("Training", folder, 0, recipe.train)
    if made.on_head is not None:
        cached, numbered = _features(recipe.model, model, pictures, parts, batch_size, quiet)
    with precision.computing(model, recipe.train.precision):
        if made.on_head is not None:
            done = _learn(first, made.on_head, run, cached, numbered, mixing=False, quiet=quiet)
            checkpoint.restore(folder / done.best_file, made.on_head.variables)
        else:
            done = _learn(first, learner, run, pictures, parts, mixing=made.mixing, quiet=quiet)
            checkpoint.restore(folder / done.best_file, learner.variables)
        if recipe.finetune.layers:
            models.unfreeze(model, recipe.finetune.layers)
            phase = _Phase("Fine-tuning", folder / "finetune", done.epoch, recipe.finetuning, _factors(made, recipe))
            _begin_from(phase, done, second.learner)
            done = _learn(phase, second.learner, run, pictures, parts, mixing=second.mixing, quiet=quiet)
            checkpoint.restore(phase.folder / done.best_file, second.learner.variables)
    if made.head is not None and not recipe.finetune.layers:
        return Fitted(model, _logits(made.head, cached, numbered, batch_size, quiet), notes)
    return Fitted(model, _logits(model, pictures, parts, batch_size, quiet), notes)


_NO_RANKS = "train.auxiliary: no phylum, class or order is known that would tell families apart; trained without."


@dataclass(frozen=True)
class _Phase:
    """One stretch of training.

    Attributes:
        name: for the progress bar.
        folder: of its checkpoints.
        start: epochs that were finished before it.
        train: how it learns.
        factors: of the rate of each variable, or None for 1.
    """

    name: str
    folder: Path
    start: int
    train: Train
    factors: list[float] | None = None

    @property
    def end(self) -> int:
        """The epoch after its last."""
        return self.start + self.train.epochs

    def stretches(self) -> Iterator[tuple[int | None, int]]:
        """The sizes of images that it goes through, None for the network's own, each with the epoch after its last."""
        sizes = self.train.sizes or (None,)
        for number, size in enumerate(sizes, start=1):
            yield size, self.start + round(self.train.epochs * number / len(sizes))


def _factors(made: Built, recipe: Recipe) -> list[float] | None:
    decay = recipe.finetune.layer_decay
    return None if decay == 1 else rates.by_depth(made.model, made.second.learner.trainable_variables, decay)


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
    weights = class_weights(part.classes, count) if phase.train.class_weights else None
    batch_size = phase.train.batch_size
    steps = -(-len(part.rows) // batch_size)

    def kept(now: Progress) -> None:
        write_history(run.path / HISTORY, now)
        run.set_status("running")

    todo = (phase.end - max(done.epoch, phase.start)) * steps
    with progress.bar(phase.name, todo, quiet=quiet, unit="steps") as advance:
        for size, end in phase.stretches():
            first = max(done.epoch, phase.start)
            if done.stopped or first >= end:
                continue
            if size is not None:
                learner.see(size)
            train = Batches(
                pictures,
                part.rows,
                part.classes,
                count=count,
                batch_size=batch_size,
                class_weights=weights,
                seed=recipe.seed,
                epoch=first,
                mixing=mixing,
            )
            val = Batches(pictures, parts["val"].rows, parts["val"].classes, count=count, batch_size=batch_size)
            compile(learner, phase.train, phase.train.learning_rate, steps=steps, factors=phase.factors)
            if done.epoch > phase.start:
                checkpoint.restore(phase.folder / done.last, learner.variables, learner.optimizer.variables)
            patience = Patience(done, monitor=phase.train.monitor, patience=phase.train.patience)
            keeper = Keeper(phase.folder, done, patience, kept)
            averages = [keras.callbacks.SwapEMAWeights()] if phase.train.ema else []
            extra = loggers.callbacks(phase.train.loggers, run.path, recipe)
            learner.fit(
                train,
                validation_data=val,
                initial_epoch=first,
                epochs=end,
                callbacks=[*averages, patience, *extra, keeper, Bar(advance)],
                verbose=0,
                shuffle=False,
            )
            done = keeper.progress
    return done


def sampled(part: Part, recipe: Recipe) -> Part:
    """What an epoch goes through, as the recipe's `[sample]` says: a share of each family, small families repeated."""
    taken = stratified(part.classes, recipe.sample.share, recipe.seed)
    taken = taken[oversampled(part.classes[taken], recipe.sample.oversample, recipe.seed)]
    return Part(part.rows[taken], part.classes[taken], {rank: taxa[taken] for rank, taxa in part.ranks.items()})


def _logits(
    model: Any, pictures: Pictures, parts: Mapping[str, Part], batch_size: int, quiet: bool
) -> dict[str, NDArray[np.float32]]:
    return {
        name: outputs(model, pictures, part.rows, batch_size=batch_size, quiet=quiet, label="Judging")
        for name, part in parts.items()
    }


def _features(
    options: models.Options,
    model: Any,
    pictures: Pictures,
    parts: Mapping[str, Part],
    batch_size: int,
    quiet: bool,
) -> tuple[Pictures, dict[str, Part]]:
    """Run the frozen trunk once an image; rows and classes then speak of its features, float32 `(n, D)`.

    Those of images that have an id are kept in the cache, where other recipes on the same backbone, and a resumed
    run, find them.
    """
    extractor = Extractor.within(options, model)
    rows = np.concatenate([part.rows for part in parts.values()])
    if isinstance(pictures, PixelStore):
        ids = pictures.ids(rows)
        found = read(extractor, pictures, ids, quiet=quiet)
    else:
        found = outputs(extractor.model, pictures, rows, batch_size=batch_size, quiet=quiet, label="Frozen features")
    numbered, start = {}, 0
    for name, part in parts.items():
        numbered[name] = Part(np.arange(start, start + len(part.rows)), part.classes)
        start += len(part.rows)
    return Resident(found), numbered
