"""A judged run enters, one page that a person reads leaves.

The detailed sections look at one side of the split, the headline table at all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from raravis import credits, drawing, page
from raravis.errors import DataError
from raravis.judge import confusion, examples, figures
from raravis.judge import metrics as measures
from raravis.judge import predictions as tables
from raravis.judge.examples import Examples
from raravis.judge.figures import Images
from raravis.page import Block, Code, Facts, Picture, Points, Section, Table, Text

SIDES: Final = {"train": "training", "val": "validation", "test": "test"}
HELD_OUT: Final = "held_out_species"
CROSSED: Final = {
    "cross_validation": "cross-validated: images held out at random",
    HELD_OUT: "cross-validated: whole species held out",
}
_MEASURES: Final = {
    "n": "images",
    "loss": "loss",
    "accuracy": "accuracy",
    "top5_accuracy": "top-5 accuracy",
    "macro_f1": "macro-F1",
    "weighted_f1": "weighted F1",
    "balanced_accuracy": "balanced accuracy",
    "ece": "calibration error",
}


def report(
    out: Path,
    *,
    title: str,
    recipe: str,
    facts: Mapping[str, Any],
    history: pd.DataFrame,
    curves: bytes,
    predictions: pd.DataFrame,
    metrics: Mapping[str, Mapping[str, Any]],
    images: Images,
    rights: pd.DataFrame | None = None,
    groups: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
    choices: Mapping[str, pd.DataFrame] | None = None,
    side: str | None = None,
    trusted: Sequence[Section] = (),
    unseen: str = "",
    known: Examples | None = None,
) -> None:
    """Write the report of one run.

    Args:
        out: the HTML file.
        title: the page's heading, such as the run's name.
        recipe: the resolved recipe's text.
        facts: what the run was made with: seed, split digest, data, versions, machine; nested mappings are
            unfolded.
        history: one row an epoch, as `figures.curves` takes it; may be empty.
        curves: what that drew, as PNG; not looked at where no epoch was recorded.
        predictions: a table of `judge.predictions`.
        metrics: what `judge.metrics.by_split` gave for it.
        images: gives the pixels of the images that are shown, all of the detailed side.
        rights: whose the images are: `file_path, family` and `credits.COLUMNS`; unknown when not given.
        groups: family → phylum, for the order of the confusion matrix and the colours of bars.
        notes: what the reader should know, one sentence each.
        choices: what was tried before this model was chosen: a caption for each table, the best rows first.
        side: the side that is shown in detail; by default the last judged of train, val, test.
        trusted: further sections, of how far it may be believed; without them one is made of its confidence alone.
        known: what it learned from; None where that is not known.
        unseen: where the results on held-out species stand, or how to get them.

    Raises:
        DataError: `metrics` has no such side, or none at all.
        StorageError: the file cannot be written.
    """
    judged = [name for name in SIDES if name in metrics]
    side = side or (judged[-1] if judged else "")
    if side not in judged:
        raise DataError(f"A report on {side!r} needs its metrics; found those of: {', '.join(judged) or 'no side'}.")
    shown = predictions[predictions["split"] == side]
    whose = shown[["file_path", "family"]] if rights is None else rights
    sections = [
        Section("At a glance", list(_headline(metrics, judged, side, notes, unseen))),
        *_learned(history, curves, choices or {}),
        Section("Each family", list(_families(metrics[side], groups))),
        Section("What is taken for what", list(_confusions(shown, groups, images, known, whose))),
        Section(
            "Families to be careful with",
            list(examples.careful(metrics[side]["per_family"], shown, images, known, whose)),
        ),
        *(trusted or _confidence(shown, metrics[side]["ece"])),
        *_taught(known, metrics[side]["per_family"]),
        Section("Its best and worst images", list(_extremes(shown, images, whose))),
        Section("How to make it again", [Code(recipe, "The recipe, every field stated."), _made_with(facts)]),
    ]
    families = sum(1 for figures_of in metrics[side]["per_family"].values() if figures_of["support"])
    lead = (
        f"Judged on {page.written(metrics[side]['n'])} {SIDES[side]} images of {families} families; "
        f"the model knows {len(tables.families(predictions))}."
    )
    page.write(out, title=title, lead=lead, sections=sections)


def _headline(
    metrics: Mapping[str, Mapping[str, Any]], judged: Sequence[str], side: str, notes: Sequence[str], unseen: str
) -> Iterator[Block]:
    found = metrics[side]
    ranges = {name: f"95%: {low:.3f}–{high:.3f}" for name, (low, high) in found["ci95"].items()}
    names = ("accuracy", "macro_f1", "top5_accuracy", "balanced_accuracy", "ece")
    yield Facts(
        {_MEASURES[name][0].upper() + _MEASURES[name][1:]: (found[name], ranges.get(name, "")) for name in names}
    )
    if notes:
        yield Points(notes)
    named = {**{s: SIDES[s] for s in judged}, **{way: told for way, told in CROSSED.items() if way in metrics}}
    for way in metrics:
        if way.startswith(f"{HELD_OUT} of "):
            named[way] = f"{CROSSED[HELD_OUT]}, by {way.removeprefix(HELD_OUT)[4:]} alone"
    rows = [
        {"side": told, **{label: metrics[s][name] for name, label in _MEASURES.items()}} for s, told in named.items()
    ]
    if unseen and HELD_OUT not in metrics:
        rows.append({"side": "whole species held out: see below"})
    yield Table(
        pd.DataFrame(rows, dtype=object),
        "All sides of the split. Loss is in nats; of loss and calibration error, less is better.",
    )
    if unseen:
        yield Text(unseen)
    if HELD_OUT in metrics:
        found = metrics[HELD_OUT]
        low, high = found["ci95"]["macro_f1"]
        yield Text(
            "Where whole species are held out, the families are known but each image is of a species that was not "
            f"learned from: macro-F1 {found['macro_f1']:.3f} (95%: {low:.3f}–{high:.3f}). That is what to expect of "
            "animals that the training images lack. Families of a single species are not judged so."
        )
    yield Text(
        "The intervals come from resampling the images (bootstrap, 95%). Macro-F1 and balanced accuracy "
        "count every family that has images alike, however few; accuracy counts every image alike."
    )


def _learned(history: pd.DataFrame, curves: bytes, choices: Mapping[str, pd.DataFrame]) -> Iterator[Section]:
    """Curves of what was trained by the epoch; what was chosen from where something was."""
    if choices:
        yield Section("How it was chosen", [Table(table, caption) for caption, table in choices.items()])
    if len(history) != 1 or not choices:
        yield Section("How it learned", [_curves(history, curves)])


def _curves(history: pd.DataFrame, drawn: bytes) -> Block:
    if history.empty:
        return Text("No epoch was recorded.")
    last = history.iloc[-1]
    alt = (
        f"Loss and accuracy over {len(history)} epochs. At the end: training accuracy "
        f"{last['accuracy']:.3f}, validation accuracy {last['val_accuracy']:.3f}."
    )
    caption = "Training values are measured while the network learns, under its augmentation and dropout if any."
    return Picture(drawn, caption, alt)


def _families(found: Mapping[str, Any], groups: Mapping[str, str] | None) -> Iterator[Block]:
    rows = [{"family": name, **values} for name, values in found["per_family"].items()]
    frame = pd.DataFrame(rows).rename(columns={"f1": "F1", "support": "images"})
    if groups:
        frame.insert(1, "phylum", [groups.get(name, "") for name in frame["family"]])
    seen = frame[frame["images"] > 0].sort_values(["F1", "family"], ascending=[False, True])
    alt = f"F1 of {len(seen)} families, from {seen['F1'].iloc[0]:.2f} ({seen['family'].iloc[0]}) to "
    alt += f"{seen['F1'].iloc[-1]:.2f} ({seen['family'].iloc[-1]})."
    caption = "F1 of every family, the best first, and its images here. With few images it is a rough guess."
    yield Picture(drawing.png(figures.by_family(found["per_family"], groups)), caption, alt)
    yield Table(
        seen,
        "Precision: of the images given to the family, the share that is right. "
        "Recall: of its images, the share that was found.",
    )
    if len(unseen := frame.loc[frame["images"] == 0, "family"]):
        yield Text(f"Known, but without images here: {', '.join(unseen)}.")


def _confusions(
    shown: pd.DataFrame,
    groups: Mapping[str, str] | None,
    images: Images,
    known: Examples | None,
    rights: pd.DataFrame,
) -> Iterator[Block]:
    names = tables.families(shown)
    said = tables.probabilities(shown).argmax(axis=1)
    counts = confusion.matrix(tables.truth(shown), said, len(names))
    pairs = confusion.pairs(counts, names)
    if pairs.empty:
        yield Text("No image was taken for another family.")
    else:
        yield Table(pairs, "The most frequent confusions; the share is of the true family's images.")
        if known is not None:
            yield from examples.confused(pairs, shown, images, known, rights)
    wrong = int(counts.sum() - counts.trace())
    alt = f"Confusion matrix of {len(names)} families; {wrong} of {len(shown)} images lie off its diagonal."
    caption = (
        "Rows are true families, columns predicted ones, ordered by phylum and name. "
        "The scale is stretched at its low end so that rare confusions show."
    )
    yield Picture(drawing.png(confusion.figure(counts, names, groups)), caption, alt)


def _taught(known: Examples | None, per_family: Mapping[str, Mapping[str, Any]]) -> Iterator[Section]:
    if known is not None:
        yield Section("What it learned from", list(examples.learned(known, per_family)))


def _confidence(shown: pd.DataFrame, error: float) -> list[Section]:
    return [Section("How far its confidence can be trusted", [_reliability(shown, error)])]


def _reliability(shown: pd.DataFrame, error: float) -> Block:
    confidence = shown["confidence"].to_numpy()
    drawn = figures.reliability(confidence, (shown["family"] == shown["predicted"]).to_numpy())
    caption = (
        "Above the line the model is too modest, below it too sure; bars are 95% intervals. The expected "
        f"calibration error, the mean distance to the line over {measures.BINS} bins of equally many images, "
        f"is {error:.3f}."
    )
    return Picture(drawing.png(drawn), caption, f"Reliability diagram; expected calibration error {error:.3f}.")


def _extremes(shown: pd.DataFrame, images: Images, rights: pd.DataFrame) -> Iterator[Block]:
    drawn = []
    for chosen, words, none in (
        (
            figures.best(shown),
            "Right and surest: at most one image a family.",
            "No image was identified rightly.",
        ),
        (
            figures.worst(shown),
            "Wrong and surest, titled with the true family: at most one image a pair of families. "
            "Look for wrong labels, other animals in the picture, and copies.",
            "No image was identified wrongly.",
        ),
    ):
        if chosen.empty:
            yield Text(none)
            continue
        alt = "; ".join(
            f"{true} taken for {said}" if true != said else true
            for true, said in zip(chosen["family"], chosen["predicted"], strict=True)
        )
        yield Picture(drawing.jpeg(figures.gallery(chosen, images)), words, f"Photographs: {alt}.")
        drawn.append(chosen[["file_path", "family"]])
    both = pd.concat(drawn)
    yield from credits.blocks(rights[rights["file_path"].isin(both["file_path"])])


def _made_with(facts: Mapping[str, Any]) -> Block:
    rows = list(_unfolded(facts))
    return Table(pd.DataFrame(rows, columns=["what", "value"]), "What it was made with.")


def _unfolded(facts: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _unfolded(value, f"{above}{name} · ")
        elif isinstance(value, list | tuple):
            yield f"{above}{name}", " ".join(map(str, value)) or page.NOTHING
        else:
            yield f"{above}{name}", page.NOTHING if value is None else str(value)
