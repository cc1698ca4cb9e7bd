"""What is written for the readers of other tools, field by field as those tools publish it."""

import csv
import io
import json
import tracemalloc
import uuid
from dataclasses import replace

import pandas as pd
import pyarrow.parquet as pq
import pytest

from raravis import registry
from raravis.serve import detections, formats
from raravis.serve.formats import About
from raravis.serve.row import Box, Row, unreadable

NAMES = registry.names("raravis.serve.formats")
LINEAGES = {
    "Canidae": {
        "kingdom": "Animalia", "phylum": "Chordata", "class": "Mammalia", "order": "Carnivora", "family": "Canidae",
    },
    "Felidae": {
        "kingdom": "Animalia", "phylum": "Chordata", "class": "Mammalia", "order": "Carnivora", "family": "Felidae",
    },
    "Strigidae": {
        "kingdom": "Animalia", "phylum": "Chordata", "class": "Aves", "order": "Strigiformes", "family": "Strigidae",
    },
    "odd;name": {"family": "odd;name"},
}  # fmt: skip
SURE = Row(
    "a/füchslein-狐.jpg",
    families=("Canidae", "Felidae", "odd;name"),
    confidences=(0.75, 0.2, 0.05),
    verdict="identified",
    prediction_set=("Canidae",),
    novelty=0.25,
    taxon_rank="family",
    taxon="Canidae",
    reason='confidence 0.75: "90%" of answers this sure are right',
)
ROLLED = replace(SURE, file_path="b.jpg", verdict="uncertain", taxon_rank="order", taxon="Carnivora")
PHYLUM = replace(SURE, file_path="c.jpg", verdict="unfamiliar", taxon_rank="phylum", taxon="Chordata")
NOTHING = replace(SURE, file_path="d.jpg", verdict="unfamiliar", taxon_rank="kingdom", taxon="")
PLAIN = Row("e.jpg", families=("Strigidae", "Canidae"), confidences=(0.9, 0.1))
BAD = unreadable('f "bad",\n.jpg', "is damaged: cut off")
WHOLE = [SURE, ROLLED, PHYLUM, NOTHING, PLAIN, PLAIN, BAD]

SEEN = {
    "info": {
        "format_version": "1.4",
        "detector": "md_v5a.0.0.pt",
        "detection_completion_time": "2026-05-26 19:11:27",
        "classifier": "another",
        "classifier_metadata": {"typical_classification_threshold": 0.5},
    },
    "detection_categories": {"1": "animal", "2": "person", "3": "vehicle", "9": "drone"},
    "classification_categories": {"0": "fox"},
    "images": [
        {
            "file": "two.jpg",
            "detections": [
                {"category": "1", "conf": 0.5, "bbox": [0.1, 0.1, 0.2, 0.2], "classifications": [["0", 0.9]]},
                {"category": "2", "conf": 0.6, "bbox": [0.4, 0.1, 0.2, 0.2]},
                {"category": "1", "conf": 0.95, "bbox": [0, 0.1, 0.2, 1], "extra": 1},
                {"category": "1", "conf": 0.05, "bbox": [0.8, 0.1, 0.1, 0.1]},
                {"category": "9", "conf": 0.5, "bbox": [0.8, 0.1, 0.1, 0.1]},
            ],
        },
        {"file": "person.jpg", "detections": [{"category": "2", "conf": 0.8, "bbox": [0, 0, 1, 1]}]},
        {
            "file": "low.jpg",
            "detections": [
                {"category": "1", "conf": 0.125, "bbox": [0, 0, 1, 1]},
                {"category": "1", "conf": -0.9, "bbox": [0, 0, 0.1, 0.1]},  # marked as no animal
            ],
        },
        {"file": "none.jpg", "detections": []},
        {"file": "gone.jpg", "failure": "Failure image access", "detections": None},
    ],
}
BOXED = [
    replace(SURE, file_path="two.jpg", box=Box(0, 0.1, 0.1, 0.2, 0.2, 0.5)),
    replace(PLAIN, file_path="two.jpg", box=Box(2, 0, 0.1, 0.2, 1, 0.95)),
    Row("person.jpg", reason="no animal above 0.2; person 0.80"),
    Row("low.jpg", reason="no animal above 0.2: the surest has 0.12"),
    Row("none.jpg", reason="no animal above 0.2"),
    unreadable("gone.jpg", "the detector failed: Failure image access"),
    unreadable("other.jpg", "is not in boxes.json"),
]


@pytest.fixture
def seen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "boxes.json").write_text(json.dumps(SEEN))
    return detections.read(tmp_path / "boxes.json")


def written(name, rows, seen=None) -> bytes:
    stream = io.BytesIO()
    formats.load(name).write(iter(rows), About("quick 0123abcd", LINEAGES, seen), stream)
    return stream.getvalue()


@pytest.mark.parametrize("name", NAMES)
def test_every_format_begins_as_it_says_and_holds_no_row_or_many(name, seen):
    for rows, boxes in (([], None), (WHOLE, None), ([], seen), (BOXED, seen)):
        data = written(name, rows, boxes)
        assert data.startswith(formats.load(name).BEGINS)
        assert data == written(name, rows, boxes), "the same rows are the same bytes"
    others = [formats.load(other).BEGINS for other in NAMES if other != name]
    assert not any(data.startswith(other) for other in others)


@pytest.mark.parametrize("name", NAMES)
def test_memory_does_not_grow_with_the_rows_that_are_written(name, tmp_path):
    about = About("quick", LINEAGES)

    def peak(count: int) -> int:
        tracemalloc.start()
        with (tmp_path / "out").open("wb") as stream:
            formats.load(name).write((replace(PLAIN, file_path=f"{n}.jpg") for n in range(count)), about, stream)
        high = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return high

    fewer = 1_000 if name != "parquet" else 2 * formats.load(name).GROUP
    assert peak(2 * fewer) < 1.2 * peak(fewer) + 100_000


# pybioclip: `file_name`, the ranks down to the one asked for, `score`; k rows a photograph, the best first


def test_pybioclip_is_the_table_that_its_own_program_writes():
    data = written("pybioclip", WHOLE)
    table = pd.read_csv(io.BytesIO(data))
    assert table.columns.tolist() == ["file_name", "kingdom", "phylum", "class", "order", "family", "score"]
    assert table["score"].dtype == float
    ranks = ["kingdom", "phylum", "class", "order", "family"]
    first = table[table["file_name"] == SURE.file_path]
    assert first[ranks].iloc[0].tolist() == ["Animalia", "Chordata", "Mammalia", "Carnivora", "Canidae"]
    assert first["score"].tolist() == [0.75, 0.2, 0.05], "full precision, falling"
    assert first["family"].tolist()[2] == "odd;name"
    bad = table[table["file_name"] == BAD.file_path]
    assert len(bad) == 1
    assert bad[[*ranks, "score"]].isna().all(axis=None)
    assert table["file_name"].drop_duplicates().tolist() == [r.file_path for r in (*WHOLE[:5], BAD)]
    assert len(table) == 3 * 4 + 2 * 2 + 1


def test_pybioclip_tells_boxes_in_columns_of_their_own(seen):
    rows = list(csv.DictReader(io.StringIO(written("pybioclip", BOXED, seen).decode(), newline="")))
    assert list(rows[0])[7:] == ["detection", "bbox", "detection_confidence"]
    assert [r["detection"] for r in rows] == ["0"] * 3 + ["2"] * 2 + [""] * 5
    assert rows[0]["bbox"] == "0.1|0.1|0.2|0.2"


# SpeciesNet: README of google/cameratrapai, "Full ensemble output format"


def check_label(label):
    fields = label.split(";")
    assert len(fields) == 7
    assert label == label.lower()
    assert str(uuid.UUID(fields[0])) == fields[0]
    assert any(fields[1:])
    return fields


def check_box(box):
    assert len(box) == 4
    assert all(type(side) is float and 0 <= side <= 1 for side in box)


def check_speciesnet(told, boxes: bool):
    assert set(told) == {"predictions"}
    for one in told["predictions"]:
        assert type(one["filepath"]) is str
        assert type(one["model_version"]) is str
        known = {"filepath", "failures", "classifications", "detections", "prediction", "prediction_score",
                 "prediction_source", "model_version", "raravis"}  # fmt: skip
        assert set(one) <= known
        if "failures" in one:
            assert set(one["failures"]) <= {"CLASSIFIER", "DETECTOR", "GEOLOCATION"}
            assert "CLASSIFIER" in one["failures"]
            assert not set(one) & {"classifications", "prediction", "prediction_score", "prediction_source"}
            assert ("detections" in one) <= ("DETECTOR" not in one["failures"])
            continue
        check_label(one["prediction"])
        assert type(one["prediction_score"]) is float
        assert 0 <= one["prediction_score"] <= 1
        sources = {"classifier", "detector", *(f"classifier+rollup_to_{r}" for r in ("order", "class", "kingdom"))}
        assert one["prediction_source"] in sources
        if "classifications" in one:
            assert set(one["classifications"]) == {"classes", "scores"}
            classes, scores = one["classifications"]["classes"], one["classifications"]["scores"]
            assert len(classes) == len(scores) > 0
            assert scores == sorted(scores, reverse=True)
            assert all(type(score) is float for score in scores)
            assert len(set(map(check_label_text, classes))) == len(classes)
        if not boxes:
            assert one["detections"] == [{"category": "1", "label": "animal", "conf": 1.0, "bbox": [0, 0, 1, 1]}]
        for seen in one["detections"]:
            assert (seen["category"], seen["label"]) in (("1", "animal"), ("2", "human"), ("3", "vehicle"))
            assert type(seen["conf"]) is float
            check_box(seen["bbox"])
        confidences = [seen["conf"] for seen in one["detections"]]
        assert all(0 <= confidence <= 1 for confidence in confidences)
        assert confidences == sorted(confidences, reverse=True)


def check_label_text(label):
    check_label(label)
    return label


def test_speciesnet_whole_photographs():
    told = json.loads(written("speciesnet", WHOLE))
    check_speciesnet(told, boxes=False)
    found = told["predictions"]
    assert [one["filepath"] for one in found] == [row.file_path for row in WHOLE]
    assert check_label(found[0]["prediction"])[1:] == ["mammalia", "carnivora", "canidae", "", "", "canidae family"]
    assert (found[0]["prediction_score"], found[0]["prediction_source"]) == (0.75, "classifier")
    assert found[0]["classifications"]["classes"][0] == found[0]["prediction"]
    assert found[0]["classifications"]["scores"] == [0.75, 0.2, 0.05]
    assert found[0]["raravis"] == {
        "verdict": "identified", "prediction_set": ["Canidae"], "novelty": 0.25,
        "taxon_rank": "family", "taxon": "Canidae", "reason": SURE.reason,
    }  # fmt: skip
    assert check_label(found[1]["prediction"])[1:] == ["mammalia", "carnivora", "", "", "", "carnivora order"]
    assert found[1]["prediction_score"] == pytest.approx(0.95)
    assert found[1]["prediction_source"] == "classifier+rollup_to_order"
    assert found[2]["prediction"] == "1f689929-883d-4dae-958c-3d57ab5b6c16;;;;;;animal"
    assert found[2]["prediction_source"] == "classifier+rollup_to_kingdom"
    assert found[3]["prediction"].startswith("f2efdae9-efb8-48fb-8a91-eccf79ab4ffb;no cv result")
    assert "raravis" not in found[4], "nothing is known of how far it may be believed"
    assert found[6]["failures"] == ["CLASSIFIER"]
    assert found[6]["raravis"] == {"error": "is damaged: cut off"}


def test_speciesnet_with_boxes_tells_every_detection(seen):
    told = json.loads(written("speciesnet", BOXED, seen))
    check_speciesnet(told, boxes=True)
    two, person, low, none, gone, other = told["predictions"]
    assert [d["conf"] for d in two["detections"]] == [0.95, 0.6, 0.5, 0.05]
    assert check_label(two["prediction"])[3] == "strigidae", "of the surest animal"
    assert [("classifications" in d) for d in two["detections"]] == [False, False, True, False]
    assert check_label(two["detections"][2]["classifications"]["classes"][0])[3] == "canidae"
    assert two["detections"][2]["raravis"]["verdict"] == "identified"
    assert person["prediction"].endswith(";human")
    assert person["prediction_score"] == 0.8
    assert (low["prediction"].split(";")[-1], low["prediction_score"]) == ("blank", 0.875)
    assert (none["prediction"], none["prediction_score"]) == ("f1856211-cfb7-4a5b-9158-c0f72fd09ee6;;;;;;blank", 1.0)
    assert gone["failures"] == other["failures"] == ["DETECTOR", "CLASSIFIER"]


# MegaDetector: https://lila.science/megadetector-output-format, and what its validator asks


def check_megadetector(told):
    assert set(told) == {
        "info", "detection_categories", "classification_categories", "classification_category_descriptions", "images",
    }  # fmt: skip
    assert told["info"]["format_version"] == "1.6"
    assert all(type(told["info"][name]) is str for name in ("detector", "classifier"))
    for categories in (told["detection_categories"], told["classification_categories"]):
        assert all(key.isdecimal() and type(name) is str and name for key, name in categories.items())
    assert "0" not in told["detection_categories"], "it is reserved for empty"
    assert set(told["classification_category_descriptions"]) == set(told["classification_categories"])
    for description in told["classification_category_descriptions"].values():
        check_label(description)
    for image in told["images"]:
        assert type(image["file"]) is str
        if image.get("failure") is not None:
            assert type(image["failure"]) is str
            assert image["detections"] is None
            continue
        assert type(image["detections"]) is list
        for one in image["detections"]:
            assert one["category"] in told["detection_categories"]
            assert type(one["conf"]) is float
            assert -1 <= one["conf"] <= 1, "its own tools mark what is no animal by a minus"
            check_box(one["bbox"])
            listed = one.get("classifications", [])
            assert all(type(key) is str and key in told["classification_categories"] for key, _ in listed)
            assert all(type(score) is float for _, score in listed)
            scores = [score for _, score in listed]
            assert scores == sorted(scores, reverse=True)


def test_megadetector_whole_photographs():
    told = json.loads(written("megadetector", WHOLE))
    check_megadetector(told)
    assert told["classification_categories"] == {"0": "Canidae", "1": "Felidae", "2": "Strigidae", "3": "odd;name"}
    assert [image["file"] for image in told["images"]] == [row.file_path for row in WHOLE]
    (one,) = told["images"][0]["detections"]
    assert (one["category"], one["conf"], one["bbox"]) == ("1", 1.0, [0.0, 0.0, 1.0, 1.0])
    assert one["classifications"] == [["0", 0.75], ["1", 0.2], ["3", 0.05]]
    assert one["raravis"]["prediction_set"] == ["Canidae"]
    assert told["images"][6] == {"file": BAD.file_path, "failure": BAD.error, "detections": None}


def test_megadetector_with_boxes_keeps_all_that_the_detector_said(seen):
    told = json.loads(written("megadetector", BOXED, seen))
    check_megadetector(told)
    assert told["info"] == {
        "format_version": "1.6", "classifier": "raravis quick 0123abcd", "detector": "md_v5a.0.0.pt",
        "detection_completion_time": "2026-05-26 19:11:27",
    }  # fmt: skip
    assert told["detection_categories"] == SEEN["detection_categories"]
    two, person, low, none, gone, other = told["images"]
    assert [one["conf"] for one in two["detections"]] == [0.5, 0.6, 0.95, 0.05, 0.5]
    assert [one.get("classifications") for one in two["detections"]] == [
        [["0", 0.75], ["1", 0.2], ["3", 0.05]], None, [["2", 0.9], ["0", 0.1]], None, None,
    ]  # fmt: skip
    assert two["detections"][2]["extra"] == 1
    assert [len(image["detections"]) for image in (person, low, none)] == [1, 2, 0]
    assert gone["failure"] == "the detector failed: Failure image access"
    assert other["failure"] == "is not in boxes.json"


def test_what_is_written_for_megadetector_is_read_as_detections(tmp_path, seen):
    (tmp_path / "again.json").write_bytes(written("megadetector", BOXED, seen))
    again = detections.read(tmp_path / "again.json")
    assert again.boxes(0) == seen.boxes(0)
    assert again.boxes(3) == seen.boxes(3)


# Parquet: the columns of `raravis`, typed


def test_parquet_holds_the_columns_of_the_table_typed(tmp_path):
    (tmp_path / "out.parquet").write_bytes(written("parquet", WHOLE))
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column_names == formats.load("raravis").BEGINS.decode().split(",")
    assert table.schema.metadata[b"raravis.model"] == b"quick 0123abcd"
    first, bad = table.slice(0, 1).to_pylist()[0], table.slice(6, 1).to_pylist()[0]
    assert first["top_families"] == ["Canidae", "Felidae", "odd;name"]
    assert first["top_confidences"] == [0.75, 0.2, 0.05]
    assert (first["status"], first["error"], first["novelty"]) == ("ok", None, 0.25)
    assert bad["status"] == "unreadable"
    assert {bad[name] for name in ("family", "confidence", "verdict", "novelty", "prediction_set")} == {None}


def test_parquet_with_boxes(tmp_path, seen):
    (tmp_path / "out.parquet").write_bytes(written("parquet", BOXED, seen))
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["detection"] for row in rows] == [0, 2, None, None, None, None, None]
    assert rows[1]["bbox"] == [0.0, 0.1, 0.2, 1.0]
    assert [row["status"] for row in rows[2:5]] == ["empty"] * 3
