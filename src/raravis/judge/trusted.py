"""How a `Trust` kept its promises on images that did not make it, as figures and as sections of a report.

Enter: verdicts on one side of a split, and the true families. Leave: JSON-able figures, and what a person reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

from raravis import drawing
from raravis.judge import calibration, rollup, selective, sets, trust_figures
from raravis.judge.trust import VERDICTS, Trust, Verdicts
from raravis.page import Block, Facts, Picture, Section, Table, Text

_KINDS = {
    "near": "a family of a known order",
    "between": "a family of a new order, of a known phylum",
    "far": "a family of a new phylum",
    "no animal": "no animal: blank, noise, text, an empty landscape, a room, a chart",
}


def figures(trust: Trust, verdicts: Verdicts, classes: NDArray[np.int64]) -> dict[str, Any]:
    """What became of every promise on images of known families.

    Args:
        trust: what made the verdicts.
        verdicts: on n images.
        classes: their true families, int64 `(n,)`.

    Returns:
        JSON-able: `calibration` (`n, ece, brier, nll`), `before` (the same before calibration; None where it cannot be
        told), `phyla` (the same by phylum), `sets` (see `sets.judge`), `selective` (`asked, threshold, accepted,
        precision, aurc, excess_aurc`), `taxa` (see `rollup.judge`), `verdicts` (shares), `right_families` (of those
        called identified).
    """
    probabilities = verdicts.probabilities
    correct = probabilities.argmax(axis=1) == classes
    confidence = probabilities.max(axis=1)
    accepted = confidence >= trust.threshold
    area, excess = selective.aurc(confidence, correct)
    told = sets.judge(verdicts.members, classes)
    told.pop("per_class")
    identified = verdicts.verdict == 0
    before = uncalibrated(trust, probabilities)
    return {
        "calibration": calibration.assess(probabilities, classes),
        "before": None if before is None else calibration.assess(before, classes),
        "phyla": calibration.by_group(probabilities, classes, _phyla(trust, classes)),
        "sets": {"method": trust.sets.method, "asked": trust.coverage, **told},
        "selective": {
            "asked": trust.accept,
            "threshold": trust.threshold if np.isfinite(trust.threshold) else None,
            "accepted": float(accepted.mean()),
            "precision": float(correct[accepted].mean()) if accepted.any() else None,
            "aurc": area,
            "excess_aurc": excess,
        },
        "taxa": {"asked": trust.right, **rollup.judge(verdicts.rank, verdicts.taxon, classes, trust.taxonomy)},
        "verdicts": {name: float((verdicts.verdict == number).mean()) for number, name in enumerate(VERDICTS)},
        "right_families": float(correct[identified].mean()) if identified.any() else None,
    }


def uncalibrated(trust: Trust, probabilities: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Probabilities as they were before calibration, `(n, K)`; None where more than a temperature was fitted."""
    if trust.calibration.kind not in ("none", "temperature"):
        return None
    logs = np.log(np.maximum(probabilities.astype(np.float64), 1e-30))
    return np.asarray(softmax(log_softmax(logs, axis=1) / float(trust.calibration.weights), axis=1), np.float32)


def sections(trust: Trust, verdicts: Verdicts, classes: NDArray[np.int64], found: Mapping[str, Any]) -> list[Section]:
    """What a person reads of it: calibration, sets, what is accepted, novelty, ranks.

    Args:
        trust: what made the verdicts.
        verdicts: on n images.
        classes: their true families, `(n,)`.
        found: what `figures` gave for them.
    """
    return [
        Section("Its promises, and how it kept them", list(_promises(trust, found))),
        Section("Calibration", list(_calibration(trust, verdicts, classes, found))),
        Section("Prediction sets", list(_sets(trust, verdicts, classes, found))),
        Section("Answering only when sure", list(_selective(verdicts, classes, found))),
        Section("What it has never seen", list(_novelty(trust, found))),
        Section("When the family is in doubt: order, class, phylum", list(_taxa(found))),
    ]


def _promises(trust: Trust, found: Mapping[str, Any]) -> Iterator[Block]:
    own, told, taxa = found["selective"], found["sets"], found["taxa"]
    low, high = told["ci95"]
    precision = "none" if own["precision"] is None else f"{own['precision']:.3f}"
    yield Facts(
        {
            "The family is in the set": (told["coverage"], f"asked {trust.coverage:.0%}; 95%: {low:.3f}–{high:.3f}"),
            "Right where sure enough": (precision, f"asked {trust.accept:.0%}; {own['accepted']:.0%} of images are"),
            "The taxon told is right": (taxa["right"], f"asked {trust.right:.0%}, at whatever rank"),
            "Known animals called unfamiliar": (
                found["verdicts"]["unfamiliar"],
                f"asked at most {1 - trust.familiar:.0%}",
            ),
            "Calibration error": (found["calibration"]["ece"], "0 is best"),
        }
    )
    yield Text(
        "Every threshold was set on validation images before these were looked at. What was asked holds on average "
        "over photographs like those; another place, camera or season is another matter."
    )
    if trust.notes:
        yield Text("\n\n".join(trust.notes))


def _calibration(
    trust: Trust, verdicts: Verdicts, classes: NDArray[np.int64], found: Mapping[str, Any]
) -> Iterator[Block]:
    record = trust.calibration.record()
    told = "Nothing was changed: the network was as well calibrated as any of the ways that were tried could make it."
    if record["kind"] != "none":
        how = f" of {record['temperature']:.2f}" if record["temperature"] else ""
        told = f"The logits were calibrated by {record['kind']} scaling{how}, fitted on {record['images']:,} images."
    yield Text(f"{told} The network in the run folder has it built in.")
    rows = {"after": found["calibration"], **({"before": found["before"]} if found["before"] else {}), **found["phyla"]}
    frame = pd.DataFrame([{"images of": _named(name), **row} for name, row in rows.items()])
    frame = frame.rename(columns={"n": "images", "ece": "calibration error", "brier": "Brier score", "nll": "log loss"})
    yield Table(frame, "Less is better. Calibration errors of few images are mostly chance.")
    before = uncalibrated(trust, verdicts.probabilities)
    if before is not None and record["kind"] != "none":
        after = verdicts.probabilities
        correct = after.argmax(axis=1) == classes
        drawn = trust_figures.calibration(before.max(axis=1), after.max(axis=1), correct, correct)
        caption = "On the line, answers of a confidence are right as often as it says."
        alt = f"Reliability before and after: error {found['before']['ece']:.3f}, {found['calibration']['ece']:.3f}."
        yield Picture(drawing.png(drawn), caption, alt)


def _sets(trust: Trust, verdicts: Verdicts, classes: NDArray[np.int64], found: Mapping[str, Any]) -> Iterator[Block]:
    told = found["sets"]
    if not np.isfinite(trust.sets.threshold):
        yield Text(trust.sets.note)
    yield Text(
        f"Instead of one family, a set of them, made so that it holds the true one for {trust.coverage:.0%} of "
        f"photographs. Here it did for {told['coverage']:.1%}, with {told['mean_size']:.2f} families a set on average; "
        f"{told['empty']:.1%} are empty, where no family fits as well as it should."
    )
    drawn = trust_figures.set_sizes(verdicts.members, coverage=trust.coverage)
    yield Picture(drawing.png(drawn), "How many families the sets hold.", f"{told['mean_size']:.2f} families a set.")
    if told["badly_covered"] is not None:
        yield Text(
            f"The promise is one on average. Of the {told['judged']} families with ten images or more, "
            f"{told['badly_covered']:.0%} are covered less than 70% of the time."
        )
    per_class = sets.judge(verdicts.members, classes)["per_class"]
    drawn = trust_figures.class_coverage(per_class, trust.families, coverage=trust.coverage, low=sets.LOW)
    yield Picture(drawing.png(drawn), "How often each family's images have it in their set.", "Coverage by family.")


def _selective(verdicts: Verdicts, classes: NDArray[np.int64], found: Mapping[str, Any]) -> Iterator[Block]:
    confidence = verdicts.probabilities.max(axis=1)
    drawn = trust_figures.risk_coverage(confidence, verdicts.probabilities.argmax(axis=1) == classes)
    own = found["selective"]
    caption = "The share of wrong answers, were only the surest images answered: the further left, the surer."
    yield Picture(drawing.png(drawn), caption, f"Risk against coverage; area {own['aurc']:.4f}.")
    counts = ", ".join(f"{name} {share:.1%}" for name, share in found["verdicts"].items())
    yield Text(f"Verdicts on these images, all of known families: {counts}.")


def _novelty(trust: Trust, found: Mapping[str, Any]) -> Iterator[Block]:
    yield Text(
        "New animals were rehearsed: families of the training data were kept back in turn, and the rest had to notice "
        f"them. The scorer that did best is {trust.novelty.scorer}. A photograph is called unfamiliar when it is "
        f"stranger than {trust.familiar:.0%} of held-out photographs of known families; of those judged here, all "
        f"known, that were {found['verdicts']['unfamiliar']:.1%}."
    )
    if not trust.table:
        return
    frame = pd.DataFrame(list(trust.table))
    caption = "Area under the ROC curve in rehearsal: 0.5 is chance, 1 tells every new image from every known one."
    yield Table(frame, caption)
    kinds = [kind for kind in frame.columns if kind in _KINDS]
    yield Text("; ".join(f"{kind}: {_KINDS[kind]}" for kind in kinds) + ".")
    new = {kind: trust.rehearsed[kind] for kind in kinds}
    drawn = trust_figures.novelty(trust.rehearsed["known"], new)
    best = f"{trust.novelty.scorer} in rehearsal."
    yield Picture(drawing.png(drawn), "New images found against known images wrongly called new.", best)


def _taxa(found: Mapping[str, Any]) -> Iterator[Block]:
    rows = [{"rank": rank, **values} for rank, values in found["taxa"]["ranks"].items()]
    caption = "The lowest rank that the evidence supports: how often each was told, and how often it was right."
    yield Table(pd.DataFrame(rows), caption)


def _phyla(trust: Trust, classes: NDArray[np.int64]) -> list[str]:
    return [name or "phylum unknown" for name in trust.taxonomy.of_rank("phylum")[classes]]


def _named(row: str) -> str:
    return {"after": "all", "before": "all, before calibration"}.get(row, row)
