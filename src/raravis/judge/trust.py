"""How far a network may be believed about one photograph: calibrated, with a set, a novelty, a rank, a verdict.

Enter, once: what the network says of held-out images of known families. Leaves: a `Trust`, which turns the logits and
features of further images into `Verdicts`. Everything in it was fitted on validation images; test images judge it once.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf, isfinite, nan
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from raravis import blas, files
from raravis.errors import DataError, RunError, UsageError
from raravis.judge import reasons, rollup, selective, sets
from raravis.judge.calibration import Calibration
from raravis.judge.logits import softmax
from raravis.judge.novelty import FAMILIAR, Novelty, Seen
from raravis.judge.sets import Sets
from raravis.lineages import WIDER, Taxonomy

Verdict = Literal["identified", "uncertain", "unfamiliar"]
VERDICTS: Final = ("identified", "uncertain", "unfamiliar")

ACCEPT: Final = 0.9
COVERAGE: Final = 0.9
RIGHT: Final = 0.98
"""The share of reported taxa, at whatever rank, that are to be right."""

WIDEST: Final = 6144
"""Features above which distances between them are not kept: their covariance would not fit a laptop."""

_VERSION: Final = 3


@dataclass(frozen=True)
class Verdicts:
    """What is said of n images.

    Attributes:
        probabilities: float32 `(n, K)`, calibrated, rows sum to 1.
        members: bool `(n, K)`, the prediction set of each.
        novelty: float32 `(n,)`, 0–1: the share of photographs of known families that are less strange.
        verdict: index into `VERDICTS`, int64 `(n,)`.
        rank: name of the lowest rank that the evidence supports, `(n,)`.
        taxon: name at that rank, `(n,)`.
        reason: why the verdict, in words, `(n,)`.
    """

    probabilities: NDArray[np.float32]
    members: NDArray[np.bool_]
    novelty: NDArray[np.float32]
    verdict: NDArray[np.int64]
    rank: NDArray[np.str_]
    taxon: NDArray[np.str_]
    reason: tuple[str, ...]


@dataclass(frozen=True)
class Trust:
    """Everything that turns logits and features into verdicts.

    Attributes:
        families: K names, sorted: the order of the logits.
        taxonomy: of these families.
        calibration: how the network's own logits were turned into those that it now gives; a record, already applied.
        sets: the prediction sets.
        novelty: the scorer.
        probabilities: of held-out images, calibrated, float32 `(n, K)`; thresholds are found on them.
        classes: their families, int64 `(n,)`.
        rehearsed: for figures: scores of the scorers that are shown, by kind of image (`known`, or how new).
        table: how every scorer that could be chosen did in rehearsal, one row each, the chosen one first.
        set_methods: how every way of making sets did on halves of the held-out images, one row each (`sets.choose`).
        frozen: whether what gives the features never learned these families; if not, rehearsals are kind to it.
        network: digest of the network that it belongs to (`fingerprint.saved`), or "" where none is known.
        accept: the precision asked of what is called identified.
        coverage: of the prediction sets.
        right: the share of taxa, at whatever rank, that are to be right.
        familiar: the share of photographs of known families that are to pass as familiar.
        notes: what could not be done, and what it would take.
    """

    families: tuple[str, ...]
    taxonomy: Taxonomy
    calibration: Calibration
    sets: Sets
    novelty: Novelty
    probabilities: NDArray[np.float32]
    classes: NDArray[np.int64]
    rehearsed: Mapping[str, Mapping[str, NDArray[np.float32]]] = field(default_factory=dict)
    table: tuple[Mapping[str, Any], ...] = ()
    set_methods: tuple[Mapping[str, Any], ...] = ()
    frozen: bool = True
    network: str = ""
    accept: float = ACCEPT
    coverage: float = COVERAGE
    right: float = RIGHT
    familiar: float = FAMILIAR
    notes: tuple[str, ...] = ()

    @cached_property
    def threshold(self) -> float:
        """The confidence from which on an answer is called identified; ∞ where no such precision can be claimed."""
        return self.accepted[0]

    @cached_property
    def accepted(self) -> tuple[float, float, float]:
        """That threshold, the precision estimated there, and the share of images that fit and reach it."""
        rank, _ = self.rollup(self.probabilities)
        fit = self._fits(self.probabilities, self.sets.members(self.probabilities), rank)
        if not fit.any():
            return inf, nan, 0.0
        correct = self.probabilities.argmax(axis=1) == self.classes
        confidence = self.probabilities.max(axis=1)
        lowest, precision, share = selective.threshold(confidence[fit], correct[fit], precision=self.accept)
        return lowest, precision, share * float(fit.mean())

    def sure(
        self, probabilities: NDArray[np.float32], members: NDArray[np.bool_], rank: NDArray[np.str_]
    ) -> NDArray[np.bool_]:
        """Which answers are sure enough to be identified, were the animal a familiar one.

        The confidence reaches the threshold, the family is in its own prediction set, and the taxon told is narrower
        than the kingdom, where anything between is known of that family.

        Args:
            probabilities: `(n, K)`.
            members: the prediction sets, `(n, K)`.
            rank: of the taxon told, `(n,)`.
        """
        return np.asarray(
            self._fits(probabilities, members, rank) & (probabilities.max(axis=1) >= self.threshold), np.bool_
        )

    def _fits(
        self, probabilities: NDArray[np.float32], members: NDArray[np.bool_], rank: NDArray[np.str_]
    ) -> NDArray[np.bool_]:
        own = probabilities.argmax(axis=1)
        told = (rank != "kingdom") | ~self._placed[own]
        return np.asarray(members[np.arange(len(own)), own] & told, np.bool_)

    @cached_property
    def _placed(self) -> NDArray[np.bool_]:
        """Of which families a rank between them and the kingdom is known, `(K,)`."""
        known = [self.taxonomy.of_rank(rank) != "" for rank in WIDER[1:-1]]
        return np.asarray(np.logical_or.reduce(known), np.bool_)

    @cached_property
    def rollup(self) -> rollup.RollUp:
        """How sure a rank must be to be told."""
        return rollup.fit(self.probabilities, self.classes, self.taxonomy, accept=self.right)

    def asked(
        self,
        *,
        accept: float | None = None,
        coverage: float | None = None,
        right: float | None = None,
        familiar: float | None = None,
    ) -> Trust:
        """The same with other promises; thresholds are found anew on the held-out images.

        Raises:
            UsageError: a share that is not between 0 and 1.
        """
        given = {"accept": accept, "coverage": coverage, "right": right, "familiar": familiar}
        wanted = {name: value for name, value in given.items() if value is not None}
        for name, value in wanted.items():
            if not 0 < value < 1:
                raise UsageError(f"{name} is {value:g}; a share between 0 and 1 was expected, such as 0.9.")
        made = replace(self, **wanted)  # type: ignore[arg-type]
        if coverage is None or coverage == self.coverage:
            return made
        own = self.sets
        settings: dict[str, Any] = {"method": own.method, "weight": own.weight}
        settings |= {"penalty": own.penalty, "ranks": own.ranks, "priors": own.priors, "coverage": coverage}
        return replace(made, sets=sets.fit(self.probabilities, self.classes, **settings))

    def judge(self, seen: Seen, nothing: NDArray[np.bool_] | None = None) -> Verdicts:
        """Say of every image what it is, and how far that may be believed.

        Args:
            seen: features float32 `(n, D)` and calibrated logits float32 `(n, K)`.
            nothing: bool `(n,)`, images that show nothing, such as black ones; they are unfamiliar, of novelty 1, and
                no taxon below the root is told of them, however sure the network is.

        Raises:
            DataError: features of another network, or numbers that are not finite.
        """
        if seen.logits.shape[1:] != (len(self.families),):
            raise DataError(f"Logits (n, {len(self.families)}) were expected, found {seen.logits.shape}.")
        probabilities = np.asarray(softmax(seen.logits), np.float32)
        with blas.on_one_thread():  # a network is asked before and after it
            novelty = self.novelty.rank(self.novelty.score(seen.features, seen.logits))
        if nothing is None:
            nothing = np.zeros(len(novelty), np.bool_)
        novelty = np.where(nothing, np.float32(1), novelty)
        members = self.sets.members(probabilities)
        strange = nothing | (novelty >= self.familiar)
        rank, taxon = self.rollup(probabilities, above_family=strange)
        root = self.rollup.root
        rank, taxon = np.where(nothing, root[0], rank), np.where(nothing, root[1], taxon)
        verdict = np.where(strange, 2, np.where(self.sure(probabilities, members, rank), 0, 1))
        why = reasons.told(probabilities, members, novelty, verdict, self.families, self._asked, nothing)
        return Verdicts(probabilities, members, novelty, verdict, rank, taxon, why)

    @property
    def _asked(self) -> reasons.Asked:
        threshold, precision, _ = self.accepted
        few = len(self.classes) < max(selective.FEWEST, sets.needed(self.right))
        return reasons.Asked(self.accept, threshold, precision, few and not isfinite(threshold))

    def shortfalls(self) -> tuple[str, ...]:
        """What is asked and cannot be promised with the held-out images at hand, one sentence each."""
        promises = {"coverage": self.coverage, "right": self.right, "familiar": self.familiar}
        return tuple(reasons.shortfalls(len(self.classes), self._asked, **promises, kinds=len(self.families)))

    def save(self, file: Path) -> None:
        """Write it to `file`, whole or not at all.

        Raises:
            StorageError: it cannot be written.
        """
        about = {
            "version": _VERSION,
            "families": list(self.families),
            "taxonomy": self.taxonomy.record(),
            "table": [dict(row) for row in self.table],
            "set_methods": [dict(row) for row in self.set_methods],
            "frozen": self.frozen,
            "network": self.network,
            "promises": {n: getattr(self, n) for n in ("accept", "coverage", "right", "familiar")},
            "notes": list(self.notes),
        }
        arrays: dict[str, NDArray[Any]] = {"about": np.array(json.dumps(about)), "classes": self.classes}
        arrays["probabilities"] = self.probabilities
        parts = {
            "calibration": self.calibration.arrays(),
            "sets": self.sets.arrays(),
            "novelty": self.novelty.arrays(),
        }
        for name, part in parts.items():
            arrays |= {f"{name}/{key}": array for key, array in part.items()}
        for kind, scores in self.rehearsed.items():
            arrays |= {f"rehearsed/{kind}/{scorer}": values for scorer, values in scores.items()}
        held = io.BytesIO()
        np.savez(held, **arrays)  # type: ignore[arg-type]
        with files.atomic(file) as stream:
            stream.write(held.getbuffer())

    @classmethod
    def load(cls, file: Path) -> Trust:
        """Read what `save` wrote; nothing in it is executed.

        Raises:
            RunError: the file is missing, damaged, or of another version.
        """
        try:
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
                return cls.of({name: held[name] for name in held.files})
        except Exception as error:  # zipfile and NumPy raise many kinds for one fault: a damaged file
            raise RunError(f"{file} cannot be read: {error}.\nTrain the run again.") from error

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Trust:
        """Read the arrays that `save` wrote; what does not fit together raises whatever it raises."""
        about = json.loads(str(arrays["about"]))
        if about["version"] != _VERSION:
            raise ValueError(f"version {about['version']} instead of {_VERSION}")
        rehearsed: dict[str, dict[str, NDArray[np.float32]]] = {}
        for name in arrays:
            if name.startswith("rehearsed/"):
                _, kind, scorer = name.split("/")
                rehearsed.setdefault(kind, {})[scorer] = arrays[name]
        return cls(
            tuple(about["families"]),
            Taxonomy.of_record(about["taxonomy"]),
            Calibration.of(_under(arrays, "calibration")),
            Sets.of(_under(arrays, "sets")),
            Novelty.of(_under(arrays, "novelty")),
            arrays["probabilities"],
            arrays["classes"],
            rehearsed,
            tuple(about["table"]),
            tuple(about["set_methods"]),
            bool(about["frozen"]),
            str(about["network"]),
            notes=tuple(about["notes"]),
            **about["promises"],
        )


def _under(arrays: Mapping[str, NDArray[Any]], name: str) -> dict[str, NDArray[Any]]:
    return {key.removeprefix(f"{name}/"): array for key, array in arrays.items() if key.startswith(f"{name}/")}
