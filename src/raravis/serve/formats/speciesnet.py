"""The predictions of SpeciesNet's `run_model`: JSON with one element a photograph.

`{"predictions": [{"filepath", "classifications": {"classes", "scores"}, "detections", "prediction", "prediction_score",
"prediction_source", "model_version"}]}`, classes as `uuid;class;order;family;genus;species;common name`; a photograph
that cannot be read has `failures` in their place. As SpeciesNet does, `classifications` are those of the surest animal;
those of the others stand in an additional `classifications` of their detection. `prediction` is the lowest taxon that
the evidence supports, `prediction_source` says if that is wider than a family. Without boxes the whole photograph
stands for one animal: its detection has the `bbox` `[0, 0, 1, 1]` and the `conf` 1, as in the format `megadetector`,
because readers ask every photograph with an animal for one.

https://github.com/google/cameratrapai
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import IO, Any, Final

from raravis.lineages import WIDER
from raravis.serve.formats import About, by_picture, detected
from raravis.serve.formats._json import KEY, encoded, told
from raravis.serve.formats._labels import ANIMAL, BLANK, HUMAN, UNKNOWN, VEHICLE, label
from raravis.serve.row import Row

BEGINS: Final = b'{"predictions": [\n'

THRESHOLD: Final = 0.7
"""From which on SpeciesNet calls a photograph that of a person or a vehicle by the detector alone."""

_CATEGORIES: Final = {"animal": ("1", "animal"), "person": ("2", "human"), "vehicle": ("3", "vehicle")}


def write(rows: Iterable[Row], about: About, stream: IO[bytes]) -> None:
    """Write all rows, those of one photograph as one element."""
    labels = {family: label({**lineage, "family": family}, "family") for family, lineage in about.lineages.items()}
    stream.write(BEGINS)
    for number, group in enumerate(by_picture(rows)):
        stream.write((b",\n" if number else b"") + encoded(_element(group, about, labels)))
    stream.write(b"\n]}\n")


def _element(group: list[Row], about: About, labels: Mapping[str, str]) -> dict[str, Any]:
    """What is said of one photograph."""
    surest = max(group, key=lambda row: row.box.confidence if row.box else 0.0)
    element: dict[str, Any] = {"filepath": surest.file_path}
    if surest.error:
        failed = ["CLASSIFIER"] if surest.box or about.detections is None else ["DETECTOR", "CLASSIFIER"]
        return {**element, "failures": failed, "model_version": about.model, KEY: {"error": surest.error}}
    if surest.families:
        element["classifications"] = _classes(surest, labels)
    element["detections"] = seen = _detections(group, surest, about, labels)
    name, score, source = _prediction(surest, about, labels) if surest.families else _without(seen)
    element |= {"prediction": name, "prediction_score": score, "prediction_source": source}
    return {**element, "model_version": about.model, **told(surest)}


def _classes(row: Row, labels: Mapping[str, str]) -> dict[str, Any]:
    return {"classes": [labels[family] for family in row.families], "scores": list(row.confidences)}


def _prediction(row: Row, about: About, labels: Mapping[str, str]) -> tuple[str, float, str]:
    """The final label, how much of the listed probability lies in it, and which part of the ensemble it comes from."""
    if not row.verdict:
        return labels[row.families[0]], row.confidences[0], "classifier"
    if not row.taxon:
        return UNKNOWN, row.confidences[0], "classifier"
    scores = [
        (score, {**about.lineages[family], "family": family})
        for family, score in zip(row.families, row.confidences, strict=True)
    ]
    inside = [(score, own) for score, own in scores if own.get(row.taxon_rank) == row.taxon]
    score = min(1.0, sum(score for score, _ in inside))
    if row.taxon_rank == "family":
        return labels[row.taxon], score, "classifier"
    lineage = inside[0][1] if inside else {row.taxon_rank: row.taxon}
    if WIDER.index(row.taxon_rank) < WIDER.index("class"):  # SpeciesNet knows no phyla
        return ANIMAL, score, "classifier+rollup_to_kingdom"
    return label(lineage, row.taxon_rank), score, f"classifier+rollup_to_{row.taxon_rank}"


def _without(seen: list[dict[str, Any]]) -> tuple[str, float, str]:
    """The final label of a photograph without an animal: a person, a vehicle, or blank."""
    for one in seen:
        if one["category"] != "1" and one["conf"] >= THRESHOLD:
            return HUMAN if one["category"] == "2" else VEHICLE, one["conf"], "detector"
    return BLANK, round(1 - max((one["conf"] for one in seen), default=0.0), 6), "detector"


def _detections(group: list[Row], surest: Row, about: About, labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """Every detection of the photograph in SpeciesNet's three categories, the surest first; none marked as false."""
    if about.detections is None:
        return [{"category": "1", "label": "animal", "conf": 1.0, "bbox": [0.0, 0.0, 1.0, 1.0]}]
    rows = {row.box.number: row for row in group if row.box}
    made = []
    for number, one in detected(group, about).items():
        name = about.detections.categories.get(one["category"], "") if about.detections else "animal"
        if (name := name.strip().casefold()) not in _CATEGORIES or one["conf"] < 0:
            continue
        category, kind = _CATEGORIES[name]
        entry = {"category": category, "label": kind, "conf": float(one["conf"]), "bbox": list(map(float, one["bbox"]))}
        row = rows.get(number)
        if row is not None and row is not surest and row.families:
            entry |= {"classifications": _classes(row, labels), **told(row)}
        made.append(entry)
    return sorted(made, key=lambda one: -float(one["conf"]))
