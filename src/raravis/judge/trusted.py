"""How a `Trust` kept its promises on images that did not make it, as figures.

Enters: a `Trial`, which is verdicts on one side of a split with the true families. Leave: JSON-able figures.
`judge.trust_sections` makes of them what a person reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raravis.errors import DataError
from raravis.judge import calibration, metrics, rollup, selective, sets, strangers
from raravis.judge.strangers import Strangers
from raravis.judge.trust import VERDICTS, Trust, Verdicts


@dataclass(frozen=True)
class Trial:
    """Images that a `Trust` is judged by.

    Attributes:
        trust: what made the verdicts.
        verdicts: on n images of known families.
        classes: their true families, int64 `(n,)`.
        logits: calibrated, float32 `(n, K)`, as the network gives them.
        fitted_here: whether these are the images that every threshold was set on, so that they prove little.
        new: images of families that the network does not know, where there are some.
    """

    trust: Trust
    verdicts: Verdicts
    classes: NDArray[np.int64]
    logits: NDArray[np.float32]
    fitted_here: bool = False
    new: Strangers | None = None

    def __post_init__(self) -> None:
        if not len(self.verdicts.probabilities) == len(self.classes) == len(self.logits):
            raise DataError(
                f"Verdicts on {len(self.verdicts.probabilities)} images, {len(self.classes)} families and "
                f"{len(self.logits)} rows of logits are not of the same images."
            )

    @property
    def before(self) -> NDArray[np.float32] | None:
        """Probabilities as they were before calibration, `(n, K)`; None where that cannot be told."""
        return self.trust.calibration.before(self.logits)

    @property
    def phyla(self) -> list[str]:
        """The phylum of each image."""
        return [name or "phylum unknown" for name in self.trust.taxonomy.of_rank("phylum")[self.classes]]


def figures(trial: Trial, *, seed: int = 0) -> dict[str, Any]:
    """What became of every promise.

    Args:
        trial: of at least one image.
        seed: of the bootstrap of `novel`.

    Returns:
        JSON-able: `fitted_here`; `calibration`: `kind, temperature, images, losses` (`Calibration.record`), `before`
        (`n, ece, brier, nll`; None where it cannot be told), `after`, and `per_phylum`, of each both; `sets` (see
        `sets.judge`); `selective` (`asked, threshold`, the share `accepted`, `precision` and its `ci95`, `aurc,
        excess_aurc`), of answers that are sure enough, familiar or not; `taxa` (see `rollup.judge`, and `ci95` of
        `right`); `verdicts` (shares); `unfamiliar` (`asked`, `share`, `ci95`), of known animals;
        `right_families` (of those called identified); `shortfalls`; `novel` (see `strangers.figures`; None where there
        were no such images).
    """
    trust, verdicts, classes = trial.trust, trial.verdicts, trial.classes
    probabilities = verdicts.probabilities
    correct = probabilities.argmax(axis=1) == classes
    accepted = trust.sure(probabilities, verdicts.members, verdicts.rank)
    precision, within = metrics.share(correct[accepted])
    area, excess = selective.aurc(probabilities.max(axis=1), correct)
    told = sets.judge(verdicts.members, classes)
    told.pop("per_class")  # it stands beside precision and recall, see `coverage`
    taxa = rollup.judge(verdicts.rank, verdicts.taxon, classes, trust.taxonomy)
    strange, of_known = metrics.share(verdicts.verdict == 2)
    return {
        "fitted_here": trial.fitted_here,
        "calibration": _calibration(trial),
        "sets": {"method": trust.sets.method, "asked": trust.coverage, **told},
        "selective": {
            "asked": trust.accept,
            "threshold": trust.threshold if np.isfinite(trust.threshold) else None,
            "accepted": float(accepted.mean()),
            "precision": precision,
            "ci95": within,
            "aurc": area,
            "excess_aurc": excess,
        },
        "taxa": {"asked": trust.right, **taxa},
        "verdicts": {name: float((verdicts.verdict == number).mean()) for number, name in enumerate(VERDICTS)},
        "unfamiliar": {"asked": 1 - trust.familiar, "share": strange, "ci95": of_known},
        "right_families": metrics.share(correct[verdicts.verdict == 0])[0],
        "shortfalls": list(trust.shortfalls()),
        "novel": None if trial.new is None else strangers.figures(trust, verdicts, trial.new, seed=seed),
    }


def coverage(trial: Trial) -> dict[str, float | None]:
    """How often each family's images have it in their set, by its name; None of a family without images."""
    rows = sets.judge(trial.verdicts.members, trial.classes)["per_class"]
    return {name: row["coverage"] for name, row in zip(trial.trust.families, rows, strict=True)}


def _calibration(trial: Trial) -> dict[str, Any]:
    after, before = trial.verdicts.probabilities, trial.before
    phyla = calibration.by_group(after, trial.classes, trial.phyla)
    own = {} if before is None else calibration.by_group(before, trial.classes, trial.phyla)
    return {
        **trial.trust.calibration.record(),
        "before": None if before is None else calibration.assess(before, trial.classes),
        "after": calibration.assess(after, trial.classes),
        "per_phylum": {name: {"before": own.get(name), "after": row} for name, row in phyla.items()},
    }
