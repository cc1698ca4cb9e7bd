"""MegaDetector's batch output, format 1.6: JSON that Timelapse, AddaxAI and MegaDetector's own tools read.

`info`, `detection_categories`, `classification_categories`, `classification_category_descriptions` and `images`, each
with `file` and `detections` (`category`, `conf`, `bbox`, `classifications`), or with `failure`. Where boxes were given,
all that the detector said is kept, people and vehicles too, and its animals gain `classifications`. Without boxes the
whole photograph stands for one animal: `bbox` is `[0, 0, 1, 1]`, `conf` is 1.

https://lila.science/megadetector-output-format
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import IO, Any, Final

from raravis.serve.formats import About, by_picture, detected
from raravis.serve.formats._json import encoded, told
from raravis.serve.formats._labels import label
from raravis.serve.row import Row

BEGINS: Final = b'{"info": {"format_version": "1.6", "classifier": "raravis '

CATEGORIES: Final = {"1": "animal", "2": "person", "3": "vehicle"}
"""MegaDetector's own, where no boxes were given."""

_CLASSIFIER: Final = ("classification_completion_time", "classifier_metadata")
"""What the detector's file may say of another classifier, whose answers ours replace."""


def write(rows: Iterable[Row], about: About, stream: IO[bytes]) -> None:
    """Write all rows, those of one photograph as one image."""
    numbers = {family: str(number) for number, family in enumerate(about.lineages)}
    lineages = [{**lineage, "family": family} for family, lineage in about.lineages.items()]
    info: dict[str, Any] = {"format_version": "1.6", "classifier": f"raravis {about.model}"}
    if about.detections is None:
        info["detector"] = "none: each photograph was taken whole"
    else:
        info |= {name: value for name, value in about.detections.info.items() if name not in (*info, *_CLASSIFIER)}
    first = {
        "info": info,
        "detection_categories": CATEGORIES if about.detections is None else dict(about.detections.categories),
        "classification_categories": {numbers[family]: family for family in numbers},
        "classification_category_descriptions": {
            str(number): label(lineage, "family") for number, lineage in enumerate(lineages)
        },
    }
    stream.write(encoded(first)[:-1] + b', "images": [\n')
    for number, group in enumerate(by_picture(rows)):
        stream.write((b",\n" if number else b"") + encoded(_image(group, about, numbers)))
    stream.write(b"\n]}\n")


def _image(group: list[Row], about: About, numbers: Mapping[str, str]) -> dict[str, Any]:
    """What is said of one photograph."""
    image = {"file": group[0].file_path}
    if group[0].error:
        return {**image, "failure": group[0].error, "detections": None}
    if about.detections is None:
        (row,) = group
        whole = {"category": "1", "conf": 1.0, "bbox": [0.0, 0.0, 1.0, 1.0]}
        return {**image, "detections": [{**whole, **_classified(row, numbers)}]}
    seen = {row.box.number: row for row in group if row.box}
    made = []
    for number, one in detected(group, about).items():
        kept = {name: value for name, value in one.items() if name != "classifications"}
        kept |= {"conf": float(one["conf"]), "bbox": list(map(float, one["bbox"]))}
        made.append({**kept, **(_classified(seen[number], numbers) if number in seen else {})})
    return {**image, "detections": made}


def _classified(row: Row, numbers: Mapping[str, str]) -> dict[str, Any]:
    listed = [[numbers[f], score] for f, score in zip(row.families, row.confidences, strict=True)]
    return {"classifications": listed, **told(row)}
