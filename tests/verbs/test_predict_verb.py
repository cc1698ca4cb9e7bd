"""The verb: options, outcome, exit codes."""

import csv
import json
import os
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from raravis.errors import DataError, RunError, UsageError
from raravis.serve.predictor import Answer
from raravis.verbs import predict as module
from raravis.verbs.predict import predict


@dataclass(frozen=True)
class Two:
    """Knows two families and is always sure of the second."""

    families: tuple[str, ...] = ("canidae", "felidae")
    size: int = 8
    fit: str = "crop"

    def answer(self, batch):
        return Answer(np.tile(np.array([[0.1, 0.9]], np.float32), (len(batch), 1)))


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "in/b.png"):
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)  # noqa: PTH103, PTH120
        Image.new("RGB", (10, 10)).save(name)
    return tmp_path


def test_writes_rows_and_says_what_it_did(photos):
    outcome = predict(Two(), ["in", "a.jpg", "in/*.png", "none*"], out="new/folder/rows.csv", quiet=True)
    assert outcome.exit_code == 0
    assert outcome.out == photos / "new" / "folder" / "rows.csv"
    assert {**outcome.figures, "seconds": 0} == {
        "files": 3, "read": 3, "unreadable": 0, "kept": 0, "families": 2, "seconds": 0,
    }  # fmt: skip
    assert outcome.notes == ("Nothing matches none*.",)
    with outcome.out.open(newline="") as stream:
        found = list(csv.DictReader(stream))
    assert [r["file_path"] for r in found] == ["in/b.png", "a.jpg", "in/b.png"]
    assert {r["top_families"] for r in found} == {"felidae|canidae"}
    assert {r["verdict"] + r["prediction_set"] + r["novelty"] + r["taxon_rank"] + r["taxon"] for r in found} == {""}


def test_what_cannot_be_promised_is_told(photos):
    class Careful(Two):
        lineage = staticmethod(lambda family: {"family": family})
        trust = SimpleNamespace(shortfalls=lambda: ("19 validation images are needed.",))

    outcome = predict(Careful(), "a.jpg", out="rows.csv", quiet=True)
    assert outcome.notes == ("19 validation images are needed.",)


def test_unreadable_files_are_named_and_make_exit_code_3_also_after_resuming(photos):
    (photos / "in" / "bad.jpg").write_text("no image")
    for resume in (False, True):
        outcome = predict(Two(), "in", out="rows.csv", resume=resume, quiet=True)
        assert outcome.exit_code == 3
        (named,) = outcome.unreadable
        assert named.startswith("in/bad.jpg: ")
    assert outcome.figures["kept"] == 2


def test_a_name_that_is_no_utf8_is_written_readably_and_told(photos):
    name = os.fsdecode(b"caf\xe9.jpg")
    os.link("a.jpg", name)
    outcome = predict(Two(), name, out="rows.csv", quiet=True)
    assert r"caf\udce9.jpg,ok," in outcome.out.read_text(encoding="utf-8")
    assert "1 file names are no UTF-8" in outcome.notes[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top_k": 0}, "top_k is 0"),
        ({"batch_size": -1}, "batch_size is -1"),
        ({"jobs": -1}, "jobs is -1; 0 or more"),
        ({"detection_threshold": 0.5}, "no detections to hold against it"),
        ({"detection_threshold": 1.5, "detections": "boxes.json"}, r"detection_threshold is 1\.5"),
        ({"format": "xml"}, "Known: .*raravis"),
    ],
)
def test_senseless_options_touch_nothing(photos, options, message):
    with pytest.raises(UsageError, match=message):
        predict(Two(), "a.jpg", out="rows.csv", quiet=True, **options)
    with pytest.raises(UsageError, match="none\\.d"):
        predict(Two(), "none.d/*", out="rows.csv", quiet=True)
    assert not (photos / "rows.csv").exists()


BOXES = {
    "info": {"format_version": "1.6", "detector": "md"},
    "detection_categories": {"1": "animal"},
    "images": [
        {"file": "a.jpg", "detections": [{"category": "1", "conf": c, "bbox": [0, 0, 0.5, 0.5]} for c in (0.9, 0.4)]},
        {"file": "in/b.png", "detections": []},
    ],
}


def test_with_detections_animals_are_counted_and_the_threshold_counts(photos):
    (photos / "boxes.json").write_text(json.dumps(BOXES))
    for threshold, rows in ((None, 3), (0.5, 2), (0.95, 2)):
        outcome = predict(
            Two(), ["a.jpg", "in"], out="o.csv", detections="boxes.json", detection_threshold=threshold, quiet=True
        )
        figures = {name: outcome.figures[name] for name in ("files", "read", "rows", "empty")}
        assert figures == {"files": 2, "read": 2, "rows": rows, "empty": 2 if threshold == 0.95 else 1}
        assert outcome.exit_code == 0, "a photograph without an animal was read"


def test_the_detections_are_never_replaced(photos):
    file = photos / "boxes.json"
    file.write_text(json.dumps(BOXES))
    (photos / "link.json").symlink_to(file)
    for out in ("boxes.json", file, "in/../boxes.json", "link.json"):
        with pytest.raises(UsageError, match="would be replaced"):
            predict(Two(), "a.jpg", out=out, detections="boxes.json", format="megadetector", quiet=True)
    with pytest.raises(DataError, match="Cannot read the detections"):
        predict(Two(), "a.jpg", out="o.csv", detections="none.json", quiet=True)
    assert json.loads(file.read_text()) == BOXES


def test_other_formats_know_the_model_and_the_lineage_and_say_what_lies_beside(photos):
    outcome = predict(Two(), "a.jpg", out="o.json", format="megadetector", quiet=True)
    told = json.loads(outcome.out.read_text())
    assert told["info"]["classifier"] == "raravis Two"
    assert told["classification_category_descriptions"]["1"].endswith(";mammalia;carnivora;felidae;;;felidae family")
    assert outcome.notes == (f"{photos / 'o.json.rows'} holds the rows for --resume; it may be deleted.",)
    with (photos / "o.json.rows").open() as stream:
        assert [row["family"] for row in csv.DictReader(stream)] == ["felidae"]


def test_a_predictor_s_own_lineage_and_digest_are_told(photos):
    @dataclass(frozen=True)
    class Bundle(Two):
        digest: str = "0123456789abcdef"

        def lineage(self, family):
            return {"kingdom": "Animalia", "order": f"Order of {family}", "family": family}

    outcome = predict(Bundle(), "a.jpg", out="o.json", format="speciesnet", top_k=1, quiet=True)
    (one,) = json.loads(outcome.out.read_text())["predictions"]
    assert one["model_version"] == "Bundle 0123456789ab"
    assert one["classifications"]["classes"][0].split(";")[1:4] == ["", "order of felidae", "felidae"]


def test_what_is_no_run_is_one_error_and_leaves_no_file(photos):
    with pytest.raises(RunError, match="holds no run"):
        predict("in", "a.jpg", out="rows.csv", quiet=True)
    assert not (photos / "rows.csv").exists()


def test_the_seed_reaches_the_engine(photos, monkeypatch):
    asked = []
    monkeypatch.setattr(module, "open_predictor", lambda path, *, seed, **_: asked.append((path, seed)) or Two())
    predict("run", "a.jpg", out="rows.csv", seed=7, quiet=True)
    assert asked == [("run", 7)]
