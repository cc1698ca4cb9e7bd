"""What a person reads of how a `Trust` kept its promises: sections of a report.

Enter: a `Trial` and the figures that `judge.trusted` made of it. Leave: sections, with their figures drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pandas as pd

from raravis import drawing
from raravis.judge import figures, sets, strangers, trust_figures
from raravis.judge.taxa_section import taxa
from raravis.judge.trusted import Trial
from raravis.page import Block, Facts, Picture, Section, Table, Text

KINDS: Final = {
    **strangers.KINDS,
    "no animal": "blank, noise, text, an empty landscape, a room, a chart, people; all drawn",
}
_WORST: Final = 12


def sections(trial: Trial, found: Mapping[str, Any]) -> list[Section]:
    """What is told: promises, calibration, sets, what is accepted, novelty, ranks.

    Args:
        trial: what was judged.
        found: what `trusted.figures` gave for it.
    """
    return [
        Section("Its promises, and how it kept them", list(_promises(trial, found))),
        Section("Calibration", list(_calibration(trial, found["calibration"]))),
        Section("Prediction sets", list(_sets(trial, found["sets"]))),
        Section("Answering only when sure", list(_selective(trial, found))),
        Section("What it has never seen", list(_novelty(trial, found))),
        Section("When the family is in doubt: order, class, phylum", list(taxa(trial, found["taxa"]))),
    ]


def kept(asked: float, share: float | None, ci95: list[float] | None) -> str:
    """Whether a share that was promised was reached: `kept`, `missed`, or what chance does not let one tell."""
    if share is None or ci95 is None:
        return "nothing to tell by"
    if ci95[1] < asked:
        return "missed"
    return "kept" if share >= asked else "missed by no more than chance"


def promises(found: Mapping[str, Any]) -> pd.DataFrame:
    """A row a promise: what was asked, what was found here and its 95% interval, and whether it was kept; all words.

    Args:
        found: what `trusted.figures` gave.
    """
    own, told, ranks, strange = found["selective"], found["sets"], found["taxa"], found["unfamiliar"]
    familiar = [1 - end for end in reversed(strange["ci95"])]
    rows = {
        "the family is in the set": (told["asked"], told["coverage"], told["ci95"]),
        f"right where sure enough ({own['accepted']:.1%} of images)": (own["asked"], own["precision"], own["ci95"]),
        "the taxon told is right, at whatever rank": (ranks["asked"], ranks["right"], ranks["ci95"]),
        "known animals pass as familiar": (1 - strange["asked"], 1 - strange["share"], familiar),
    }
    return pd.DataFrame(
        [
            {
                "promise": name,
                "asked": f"{asked:.4g}",
                "found": "" if share is None else f"{share:.3f}",
                "95% interval": "" if ci95 is None else f"{ci95[0]:.3f}–{ci95[1]:.3f}",
                "so it is": kept(asked, share, ci95),
            }
            for name, (asked, share, ci95) in rows.items()
        ]
    )


def _promises(trial: Trial, found: Mapping[str, Any]) -> Iterator[Block]:
    yield Table(promises(found), "Each share as it was asked for, and as it was found here.")
    error = found["calibration"]["after"]["ece"]
    right = found["right_families"]
    yield Facts(
        {
            "Calibration error": (error, "0 is best"),
            "Called identified": (
                found["verdicts"]["identified"],
                "" if right is None else f"of the images; {right:.1%} of them rightly",
            ),
        }
    )
    after = (
        "What was asked holds on average over photographs like those; another place, camera or season is another "
        "matter."
    )
    if trial.fitted_here:
        yield Text(
            "These are the images that the thresholds were set on, so what was asked is kept here almost by necessity. "
            f"Only other images, such as those of test, can tell. {after}"
        )
    else:
        yield Text(f"Every threshold was set on validation images before these were looked at. {after}")
    if notes := (*trial.trust.notes, *trial.trust.shortfalls()):
        yield Text("\n\n".join(notes))


def _calibration(trial: Trial, found: Mapping[str, Any]) -> Iterator[Block]:
    if found["kind"] == "none":
        yield Text(
            "Nothing was changed: the network is as well calibrated as any of the ways that were tried could make it."
        )
    else:
        how = f" of {found['temperature']:.2f}" if found["temperature"] else ""
        yield Text(
            f"The logits were calibrated by {found['kind']} scaling{how}, fitted on {found['images']:,} images. The "
            "network in the run folder has it built in."
        )
    changed = found["kind"] != "none"
    rows = {"all": {"before": found["before"], "after": found["after"]}, **found["per_phylum"]}
    told = [
        _row(name, {when: one for when, one in both.items() if changed or when == "after"})
        for name, both in rows.items()
    ]
    yield Table(pd.DataFrame(told), "Less is better. Calibration errors of few images are mostly chance.")
    if found["losses"]:
        tried = pd.DataFrame([{"kind": kind, "log loss": loss} for kind, loss in found["losses"].items()])
        caption = (
            "Ways to calibrate, by their log loss in cross-validation on validation images. A richer one is taken only "
            "where it is better by more than chance."
        )
        yield Table(tried, caption)
    before = trial.before
    if before is not None and changed:
        after = trial.verdicts.probabilities
        correct = [some.argmax(axis=1) == trial.classes for some in (before, after)]
        drawn = trust_figures.calibration(before.max(axis=1), after.max(axis=1), *correct)
        caption = "On the line, answers of a confidence are right as often as it says."
        alt = f"Reliability before and after: error {found['before']['ece']:.3f}, {found['after']['ece']:.3f}."
        yield Picture(drawing.png(drawn), caption, alt)
        return
    after = trial.verdicts.probabilities
    drawn = figures.reliability(after.max(axis=1), after.argmax(axis=1) == trial.classes)
    error = found["after"]["ece"]
    caption = "Above the line the model is too modest, below it too sure; bars are 95% intervals."
    yield Picture(drawing.png(drawn), caption, f"Reliability diagram; expected calibration error {error:.3f}.")


def _row(name: str, both: Mapping[str, Mapping[str, Any] | None]) -> dict[str, Any]:
    words = {"ece": "calibration error", "brier": "Brier score", "nll": "log loss"}
    there = {when: row for when, row in both.items() if row is not None}
    mark = {when: f", {when}" if len(both) > 1 else "" for when in there}
    figures = {f"{words[key]}{mark[when]}": row[key] for key in words for when, row in there.items()}
    return {"images of": name, "images": next(iter(there.values()))["n"], **figures}


def _sets(trial: Trial, told: Mapping[str, Any]) -> Iterator[Block]:
    trust, members = trial.trust, trial.verdicts.members
    yield Text(
        f"Instead of one family, a set of them, made so that it holds the true one for {trust.coverage:.4g} of "
        f"photographs. Here it did for {told['coverage']:.1%}, with {told['mean_size']:.2f} families a set on average; "
        f"{told['empty']:.1%} are empty, where no family fits as well as it should."
    )
    drawn = trust_figures.set_sizes(members, coverage=trust.coverage)
    yield Picture(drawing.png(drawn), "How many families the sets hold.", f"{told['mean_size']:.2f} families a set.")
    if told["badly_covered"] is not None:
        yield Text(
            f"The promise is one on average. Of the {told['judged']} families with ten images or more, "
            f"{told['badly_covered']:.0%} are covered less than 70% of the time."
        )
    per_class = sets.judge(members, trial.classes)["per_class"]
    drawn = trust_figures.class_coverage(per_class, trust.families, coverage=trust.coverage, low=sets.LOW)
    yield Picture(drawing.png(drawn), "How often each family's images have it in their set.", "Coverage by family.")
    if trust.set_methods:
        tried = pd.DataFrame([_method(row) for row in trust.set_methods])
        caption = (
            f"The ways to make sets, each on halves of the validation images in turn; {trust.sets.method} was taken. "
            "The right coverage comes first, then few families that are covered badly, then small sets."
        )
        yield Table(tried, caption)


def _method(row: Mapping[str, Any]) -> dict[str, Any]:
    own = {"weight": row.get("weight"), "penalty": row.get("penalty")}
    settings = ", ".join(f"{name} {value:g}" for name, value in own.items() if value is not None)
    bad = row["badly_covered"]
    return {
        "method": row["method"],
        "setting": settings,
        "coverage": row["coverage"],
        "families a set": row["mean_size"],
        "badly covered families": "" if bad is None else f"{bad:.1%}",
        "coverage, mean of families": row["macro_coverage"],
        "empty sets": f"{row['empty']:.1%}",
    }


def _selective(trial: Trial, found: Mapping[str, Any]) -> Iterator[Block]:
    confidence = trial.verdicts.probabilities.max(axis=1)
    drawn = trust_figures.risk_coverage(confidence, trial.verdicts.probabilities.argmax(axis=1) == trial.classes)
    caption = "The share of wrong answers, were only the surest images answered: the further left, the surer."
    yield Picture(drawing.png(drawn), caption, f"Risk against coverage; area {found['selective']['aurc']:.4f}.")
    counts = ", ".join(f"{name} {share:.1%}" for name, share in found["verdicts"].items())
    yield Text(
        f"Verdicts on these images, all of known families: {counts}. Identified is what is confident enough, fits its "
        "own prediction set, and of which more than the kingdom is sure."
    )


def _novelty(trial: Trial, found: Mapping[str, Any]) -> Iterator[Block]:
    trust = trial.trust
    yield Text(
        f"A photograph is called unfamiliar when it is stranger than {trust.familiar:.4g} of held-out photographs of "
        f"known families. Of those judged here, which all are of known families, {found['unfamiliar']['share']:.1%} "
        f"were. How strange it is, {trust.novelty.scorer} says."
    )
    if found["novel"] is not None:
        yield from _measured(trial, found["novel"])
    if trust.table:
        yield from _rehearsed(trial)


def _measured(trial: Trial, told: Mapping[str, Any]) -> Iterator[Block]:
    """How real animals of families that it does not know were told."""
    assert trial.new is not None
    kinds = [kind for kind in strangers.KINDS if kind in told]
    right = "" if told["taxa_right"] is None else f" Of the taxa told of them, {told['taxa_right']:.1%} are right."
    yield Text(
        f"{told['n']:,} photographs of {told['families']} families that it does not know were judged as well, after "
        f"all was settled. {told['unfamiliar']:.1%} are called unfamiliar, {told['identified']:.1%} are identified, "
        f"wrongly.{right}"
    )
    rows = [{"new images": "all", **told}, *({"new images": kind, **told[kind]} for kind in kinds)]
    frame = pd.DataFrame(
        [
            {
                "new images": row["new images"],
                "families": row["families"],
                "images": row["n"],
                "area under the ROC curve": row["auroc"],
                "95% interval": f"{row['ci95'][0]:.3f}–{row['ci95'][1]:.3f}",
            }
            for row in rows
        ]
    )
    yield Table(frame, "Measured: 0.5 is chance, 1 tells every new image from every known one. " + _kinds(kinds))
    of_kind = trial.new.kinds(trial.trust)
    score = trial.new.verdicts.novelty
    new = {kind: {"novelty": score[of_kind == kind]} for kind in kinds}
    drawn = trust_figures.novelty({"novelty": trial.verdicts.novelty}, new)
    yield Picture(
        drawing.png(drawn), "Measured: new images found against known ones wrongly called new.", "ROC curves."
    )
    worst = [
        {
            "family": name,
            **{k: row[k] for k in ("n", "kind", "unfamiliar", "identified")},
            "most like": row["taken_for"],
        }
        for name, row in strangers.worst(told, _WORST)
    ]
    frame = pd.DataFrame(worst).rename(columns={"n": "images"})
    yield Table(frame, "New families that were identified most often, and what they were taken for.")


def _rehearsed(trial: Trial) -> Iterator[Block]:
    trust = trial.trust
    caveat = "" if trust.frozen else " The network had seen these families, so in earnest it does worse."
    yield Text(
        "To choose what says how strange an image is, new animals were rehearsed: families of the training data were "
        "kept back in turn, and the rest had to notice them. No new animal, and no image judged here, took part."
        + caveat
    )
    frame = pd.DataFrame(list(trust.table))
    kinds = [kind for kind in KINDS if kind in frame.columns]
    frame = frame[["scorer", *kinds, "mean"]]
    caption = (
        "In rehearsal: area under the ROC curve, the mean of the rehearsals; the mean over the kinds of animals chose. "
    )
    yield Table(frame, caption + _kinds(kinds))
    new = {kind: trust.rehearsed[kind] for kind in kinds}
    drawn = trust_figures.novelty(trust.rehearsed["known"], new)
    told = "In rehearsal, all rehearsals together, so that areas differ a little from their mean in the table."
    yield Picture(drawing.png(drawn), told, f"{trust.novelty.scorer} in rehearsal.")


def _kinds(kinds: list[str]) -> str:
    return "; ".join(f"{kind}: {KINDS[kind]}" for kind in kinds) + "."
