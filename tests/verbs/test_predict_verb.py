"""The verb: options, outcome, exit codes."""

import csv
import json
import os
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import raravis
from raravis import cli
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


@pytest.mark.parametrize("resume", [False, True])
def test_what_is_not_there_leaves_the_file_as_it_is(photos, resume):
    before = predict(Two(), "in", out="rows.csv", quiet=True).out.read_bytes()
    for paths in ("nosuch", "nosuch/", ["a.jpg", "nosuch/"]):
        with pytest.raises(UsageError, match="nosuch"):
            predict(Two(), paths, out="rows.csv", resume=resume, quiet=True)
    assert (photos / "rows.csv").read_bytes() == before


FILM = b"\0\0\0\x18ftypisom\0\0\2\0isommp41" + bytes(99)
HEIC = b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(99)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (HEIC, "is HEIC, which raravis does not read: convert it to JPEG"),
        (HEIC.replace(b"mif1\0", b"heic\0"), "is HEIC, which raravis does not read: convert it to JPEG"),
        (FILM, "is a film, which raravis does not read: give single frames as JPEG"),
        (b"RIFF\x99\0\0\0AVI LIST" + bytes(99), "is a film, "),
        (b"\x1aE\xdf\xa3" + bytes(99), "is a film, "),
        (FILM.replace(b"isom", b"crx "), "is a camera's raw file, which raravis does not read: convert it to JPEG"),
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(99), "is a camera's raw file, "),
        (b"FUJIFILMCCD-RAW 0201" + bytes(99), "is a camera's raw file, "),
        (b"RIFF\x99\0\0\0WAVELIST" + bytes(99), "is no image of a known format"),
        (HEIC.replace(b"heic", b"avif"), ""),
    ],
)
def test_the_row_of_what_people_take_for_a_picture_says_what_it_is(photos, data, reason):
    (photos / "odd").write_bytes(data)
    (told,) = predict(Two(), "odd", out="rows.csv", quiet=True).unreadable
    assert told.startswith(f"odd: {reason}")
    assert ("raravis does not read" in told) == ("raravis does not read" in reason or reason.endswith(", "))


def test_what_a_folder_leaves_out_is_told(photos):
    (photos / "in" / "c.mp4").write_bytes(FILM)
    outcome = predict(Two(), "in", out="rows.csv", quiet=True)
    assert outcome.figures["files"] == 1
    assert outcome.notes == ("1 file of in is no image that raravis reads and was left out: .mp4 1.",)


@pytest.mark.parametrize(
    ("out", "format", "begins", "note"),
    [
        ("o.csv", None, b"file_path", None),
        ("o", None, b"file_path", None),
        ("o.parquet", None, b"PAR1", None),
        ("o.PARQUET", None, b"PAR1", None),
        ("o.csv", "pybioclip", b"file_name", None),
        ("o.txt", "megadetector", b"{", None),
        (
            "o.json",
            None,
            b"file_path",
            "o.json is of the format raravis, though .json belongs to speciesnet and megadet",
        ),
        ("o.csv", "parquet", b"PAR1", "o.csv is of the format parquet, though .csv belongs to raravis and pybioclip."),
        (
            "o.parquet",
            "raravis",
            b"file_path",
            "o.parquet is of the format raravis, though .parquet belongs to parquet.",
        ),
        ("o.xlsx", None, b"file_path", "o.xlsx is of the format raravis, though .xlsx belongs to Excel."),
    ],
)
def test_the_suffix_chooses_parquet_and_a_clash_is_told(photos, out, format, begins, note):
    options = {} if format is None else {"format": format}
    outcome = predict(Two(), "a.jpg", out=out, quiet=True, **options)
    assert outcome.out.read_bytes().startswith(begins)
    told = [one for one in outcome.notes if "belongs to" in one]
    assert len(told) == (note is not None)
    assert all(one.startswith(note) for one in told)


def test_the_command_line_leaves_the_format_to_the_suffix(photos, monkeypatch):
    monkeypatch.setattr(raravis, "predict", lambda _, *rest, **named: predict(Two(), *rest, **named))
    assert CliRunner().invoke(cli.app, ["predict", "run", "a.jpg", "--out", "o.parquet"]).exit_code == 0
    assert (photos / "o.parquet").read_bytes().startswith(b"PAR1")


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
