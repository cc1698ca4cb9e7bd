"""Which backbones, at which sizes, in which views: tried one after another within a time, kept where they help.

Enters: the backbones at hand and a number of minutes. Leaves: options of `probe`, and a table of what was tried.
Nothing but cross-validation on train and val decides; test is not there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from raravis import backbones, heads, progress
from raravis.backbones import View
from raravis.data.pixels import PixelStore
from raravis.errors import RaravisError
from raravis.learn import probe
from raravis.learn.embed import Extractor, lacking
from raravis.learn.fit import Part
from raravis.learn.select import select
from raravis.models.probe import Options, Source
from raravis.runtimes import Runner
from raravis.runtimes import prepare as made_to_run

LARGER: Final = 9 / 7
"""The second size that is tried, over that of the images: 288 for 224."""

VIEWS: Final[tuple[View, ...]] = ("whole", "mirrored")

_QUICK: Final = ({"strength": 30.0, "balance": "balanced_softmax", "steps": 30},)
"""The head by which sets of features are compared."""

_TIMED: Final = 16
"""Images on which a backbone's speed is measured."""


@dataclass(frozen=True)
class Found:
    """What was chosen.

    Attributes:
        options: of the probe, which also say by what it was chosen.
        tried: one row a trial, in order: `trial, accuracy, macro_f1, seconds, verdict`.
    """

    options: Options
    tried: pd.DataFrame

    @property
    def why(self) -> str:
        """The choice in one sentence."""
        names = " + ".join(told(source) for source in self.options.backbones)
        judged = self.tried.dropna(subset=["macro_f1"])
        objective = self.options.objective
        score = float(judged.loc[judged["verdict"] == "kept", objective].iloc[-1])
        told_by = {"macro_f1": "macro-F1", "accuracy": "accuracy"}[objective]
        return (
            f"Chosen: {names}, for the highest cross-validated {told_by}, {score:.3f}, of {len(judged)} sets of "
            f"features that were tried; {len(self.tried) - len(judged)} were left out (tried.csv says why)."
        )


def told(source: Source) -> str:
    """A source as people read it."""
    views = "" if source.views == ("whole",) else f" ({', '.join(source.views)})"
    return f"{source.name} at {source.size}{views}"


def choose(
    options: Options,
    names: Sequence[str],
    pictures: PixelStore,
    parts: Mapping[str, Part],
    *,
    families: int,
    minutes: float,
    seed: int,
    quiet: bool = False,
) -> Found | None:
    """Try backbones alone, then together, then with more views and at a larger size, for as long as there is time.

    A trial that would not be done in time, by the speed that was measured for its backbone, is left out; features that
    the cache holds cost nothing. None if no backbone could be tried at all.

    Args:
        options: of the probe; its heads, objective and folds hold.
        names: of the backbones at hand.
        pictures: holds the images of `parts`.
        parts: `train` and `val`.
        families: K.
        minutes: for all trials together.
        seed: of folds and heads.
        quiet: no progress.

    Raises:
        DataError: a family without images.
        StorageError: the cache cannot be written.
    """
    end = time.monotonic() + 60 * minutes
    rows = np.concatenate([parts["train"].rows, parts["val"].rows])
    classes = np.concatenate([parts["train"].classes, parts["val"].classes])
    trials = _Trials(options, pictures, pictures.ids(rows), classes, probe.copies_of(parts), families, seed, end, quiet)
    small = pictures.size
    alone = [trials.attempt((Source(name=name, size=small),)) for name in names]
    if not any(score is not None for score in alone):
        return None
    ranked = [name for _, name in sorted((-(score or -1.0), name) for score, name in zip(alone, names, strict=True))]
    for sources in _further(trials, ranked, small):
        trials.attempt(sources)
    return Found(options.model_copy(update={"backbones": trials.best}), pd.DataFrame(trials.table))


def larger(name: str, size: int) -> int:
    """The second size that is tried of a backbone: the nearest that suits its patches, or its strides of 32 pixels."""
    patch = backbones.patch(name)
    step = 32 if 32 % patch == 0 else patch
    return step * round(LARGER * size / step)


def _further(trials: _Trials, ranked: Sequence[str], small: int) -> Iterator[tuple[Source, ...]]:
    """Sets of features beyond single ones, each grown from the best so far."""
    for name in ranked[1:]:
        yield (*trials.best, Source(name=name, size=small))
    yield tuple(source.model_copy(update={"views": VIEWS}) for source in trials.best)
    for name in ranked:
        views = trials.best[0].views
        yield (*trials.best, Source(name=name, size=larger(name, small), views=views))


class _Trials:
    """The trials so far, and the best of them."""

    def __init__(
        self,
        options: Options,
        pictures: PixelStore,
        ids: list[str],
        classes: NDArray[np.int64],
        copies: NDArray[np.int64] | None,
        families: int,
        seed: int,
        end: float,
        quiet: bool,
    ) -> None:
        self._options, self._pictures, self._ids = options, pictures, ids
        self._classes, self._copies = classes, copies
        self._families, self._seed, self._end, self._quiet = families, seed, end, quiet
        self._extractors: dict[tuple[str, int], Extractor] = {}
        self._pace: dict[tuple[str, int], float] = {}
        self.best: tuple[Source, ...] = ()
        self.table: list[dict[str, Any]] = []
        self._score = -1.0
        self._judging = 0.0  # seconds a feature
        self._settings = len(heads.candidates(options.heads))

    def attempt(self, sources: tuple[Source, ...]) -> float | None:
        """Judge a set of features, keep it if it is the best so far; its score, or None if it was left out."""
        begun = time.monotonic()
        row: dict[str, Any] = {"trial": " + ".join(map(told, sources)), "accuracy": None, "macro_f1": None}
        score = None
        try:
            extractors = [self._extractor(source) for source in sources]
            needed = self._needed(sources, extractors) + self._heads(extractors)
            left = self._end - time.monotonic()
            if needed > left:
                row["verdict"] = f"left out: about {needed:.0f} s were needed, {max(left, 0):.0f} s were left"
            else:
                options = self._options.model_copy(update={"backbones": sources})
                todo = {self._key(e): n for e, n in zip(extractors, self._todo(sources, extractors), strict=True) if n}
                started = time.monotonic()
                features = probe.blocks(options, extractors, self._pictures, self._ids, quiet=self._quiet)
                ended = time.monotonic()
                if len(todo) == 1:  # as the runtime that was chosen computes them
                    ((key, images),) = todo.items()
                    self._pace[key] = (ended - started) / images
                found = self._judge(features)
                self._judging = (time.monotonic() - ended) / features.shape[1]
                score = float(found[self._options.objective])
                row |= {"accuracy": found["accuracy"], "macro_f1": found["macro_f1"]}
                row["verdict"] = "kept" if score > self._score else "no better than the best before it"
        except RaravisError as error:
            row["verdict"] = f"left out: {str(error).splitlines()[0]}"
        if score is not None and score > self._score:
            self._score, self.best = score, sources
        row["seconds"] = round(time.monotonic() - begun, 1)
        self.table.append(row)
        told_score = f"macro-F1 {row['macro_f1']:.3f}, " if score is not None else ""
        progress.say(f"{row['trial']}: {told_score}{row['verdict']}", quiet=self._quiet)
        return score

    def _judge(self, features: NDArray[np.float32]) -> Mapping[str, Any]:
        candidates = [heads.candidates(["logistic"])[0].model_copy(update=settings) for settings in _QUICK]
        found = select(
            candidates,
            features,
            self._classes,
            count=self._families,
            folds=self._options.folds,
            objective=self._options.objective,
            seed=self._seed,
            copies=self._copies,
        )
        return {str(column): value for column, value in found.table.iloc[0].items()}

    def _extractor(self, source: Source) -> Extractor:
        key = (source.name, source.size or self._pictures.size)
        if key not in self._extractors:
            self._extractors[key] = Extractor.open(source.name, size=key[1], weights=source.weights)
        return self._extractors[key]

    def _needed(self, sources: Sequence[Source], extractors: Sequence[Extractor]) -> float:
        """Seconds to embed what the cache lacks, by the pace of each backbone."""
        todo = self._todo(sources, extractors)
        return sum(n * self._seconds(extractor) for n, extractor in zip(todo, extractors, strict=True) if n)

    def _todo(self, sources: Sequence[Source], extractors: Sequence[Extractor]) -> list[int]:
        """How many features the cache lacks of each source."""
        return [
            sum(lacking(extractor, self._pictures, self._ids, view) for view in source.views)
            for source, extractor in zip(sources, extractors, strict=True)
        ]

    def _heads(self, extractors: Sequence[Extractor]) -> float:
        """Seconds to judge by a quick head and, if it is the best, to choose and fit one: by the last trial."""
        return self._judging * sum(extractor.width for extractor in extractors) * (1 + self._settings)

    def _key(self, extractor: Extractor) -> tuple[str, int]:
        return extractor.name, extractor.size

    def _seconds(self, extractor: Extractor) -> float:
        """That one image takes: as was measured while embedding at this size or another, else in Keras."""
        key = self._key(extractor)
        other = next((size for name, size in self._pace if name == extractor.name and key not in self._pace), None)
        if other is not None:
            return self._pace[extractor.name, other] * (extractor.size / other) ** 2
        if key not in self._pace:
            shape = (self._pictures.size, self._pictures.size, 3)
            call: Runner = made_to_run("keras", extractor.seeing("whole", shape))
            sample = self._pictures.read(self._ids[:_TIMED])
            call(sample)
            begun = time.monotonic()
            call(sample)
            self._pace[key] = (time.monotonic() - begun) / len(sample)
        return self._pace[key]
