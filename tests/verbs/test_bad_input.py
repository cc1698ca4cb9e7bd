"""Bad input: one clear error or a named row, and nothing lost."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import raravis
from raravis.cli import app
from raravis.errors import DataError, UsageError
from raravis.run import Run

pytestmark = pytest.mark.engine


@pytest.fixture
def data(photos36, tmp_path):
    return shutil.copytree(photos36, tmp_path / "data")


@pytest.fixture
def learn(small_recipe):
    """Train quickly: `learn(data, out, **options)`."""
    return lambda data, out, **options: raravis.train(str(data), **small_recipe, out=out, quiet=True, **options)


def call(*arguments):
    """The exit code and the lines of standard error of one call."""
    found = CliRunner().invoke(app, [*map(str, arguments), "--quiet"])
    assert "Traceback" not in found.stderr
    return found.exit_code, found.stderr.splitlines()


def verb(name, data, out, run=None) -> list:
    """Arguments of a small call of each verb that writes."""
    small = ["data.size=16", "model.filters=[4,8]", "train.epochs=1", "augment.pipeline=none"]
    return {
        "explore": ["explore", data, "--out", out],
        "audit": ["audit", data, "--out", out],
        "split": ["split", data, "--out", out],
        "train": ["train", data, "--recipe", "basic_cnn", "--out", out, *(x for s in small for x in ("--set", s))],
        "predict": ["predict", run, data, "--out", out],
    }[name]


@pytest.mark.parametrize("name", ["explore", "audit", "split", "train", "predict"])
def test_a_file_in_the_way_of_the_output(name, photos36, small_run, tmp_path):
    (tmp_path / "file").write_text("mine")
    code, said = call(*verb(name, photos36, tmp_path / "file" / "out", small_run))
    assert code == 1
    assert len(said) <= 2
    assert "is a file" in said[0] or "a file has that name" in said[0]
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("name", ["explore", "audit", "split", "train", "predict"])
def test_a_read_only_output_folder(name, photos36, small_run, tmp_path, monkeypatch):
    (tmp_path / "shut").mkdir(mode=0o555)
    if os.geteuid() == 0:  # who may write everywhere
        allowed = os.access
        monkeypatch.setattr(os, "access", lambda p, m: not (m & os.W_OK and "shut" in str(p)) and allowed(p, m))
    target = tmp_path / "shut" / "out.csv" if name in ("split", "predict") else tmp_path / "shut"
    code, said = call(*verb(name, photos36, target, small_run))
    assert code == 1
    assert len(said) <= 2
    assert "you may not write there" in said[0]
    assert not list((tmp_path / "shut").iterdir())


def test_a_disk_that_fills_up(photos36, tmp_path):
    limited = (
        "import resource; from raravis.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (24 << 10, 24 << 10)); main()"  # enough for all but the model
    )
    out = tmp_path / "run"
    command = [str(part) for part in verb("train", photos36, out)]
    raravis.split(str(photos36), out=tmp_path / "split.csv", quiet=True)  # fills the cache, which is elsewhere
    small = {"capture_output": True, "text": True, "timeout": 120, "check": False}
    found = subprocess.run([sys.executable, "-c", limited, *command, "--quiet"], **small)
    assert found.returncode == 1
    assert found.stderr.startswith(f"raravis: Cannot write {out / 'model.keras'}: ")
    assert len(found.stderr.splitlines()) <= 2
    assert not (out / "model.keras").exists()
    assert not list(out.rglob(".*part*")), "no half-written file stays behind"
    assert Run.open(out).status["state"] == "failed"
    code, said = call(*command, "--resume")
    assert (code, said) == (0, [])
    assert (out / "report.html").is_file()
    assert Run.open(out).status["state"] == "finished"


def test_two_runs_into_one_folder(photos36, small_run):
    before = (small_run / "split.csv").read_bytes()
    code, said = call(*verb("train", photos36, small_run))
    assert code == 1
    assert "already holds a run" in said[0]
    assert "--resume" in said[1]
    assert (small_run / "split.csv").read_bytes() == before


EITHER = "a folder that `raravis train` or `raravis export` made was expected."


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["predict", "model.zip", "photo.jpg", "--out", "rows.csv"], EITHER),
        (["evaluate", "model.zip"], "a folder that `raravis train --out` made was expected."),
    ],
)
def test_a_file_in_the_place_of_a_model_is_told_as_one(arguments, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.jpg").write_bytes(b"")
    (tmp_path / "model.zip").write_bytes(b"PK")
    code, said = call(*arguments)
    assert code == 1
    assert said == [
        f"raravis: {tmp_path / 'model.zip'} is a file; {expected}",
        "Give the folder that it lies in or unpacks to.",
    ]


@pytest.mark.parametrize("name", ["explore", "audit", "split", "train"])
def test_missing_data_is_wrong_usage(name, tmp_path):
    code, said = call(*verb(name, tmp_path / "nowhere", tmp_path / "out"))
    assert code == 2
    assert "nowhere" in said[0]


@pytest.mark.parametrize("name", ["explore", "audit", "split", "train"])
def test_an_empty_folder(name, tmp_path):
    (tmp_path / "data").mkdir()
    code, said = call(*verb(name, tmp_path / "data", tmp_path / "out"))
    assert code == 1
    assert 1 <= len(said) <= 2
    assert str(tmp_path / "data") in said[0]


def test_one_family_only(data, learn, tmp_path):
    shutil.rmtree(data / "canidae")
    shutil.rmtree(data / "ursidae")
    with pytest.raises(DataError, match="1 family; two or more"):
        learn(data, tmp_path / "run")
    assert not Run.is_run(tmp_path / "run")


def test_a_family_with_one_image_is_learned_and_told(data, learn, photo, tmp_path):
    (data / "hyaenidae").mkdir()
    photo(4242).save(data / "hyaenidae" / "a.jpg")
    outcome = raravis.split(str(data), out=tmp_path / "split.csv", quiet=True)
    assert "hyaenidae" in outcome.notes[-1]
    table = pd.read_csv(outcome.out)
    assert table.loc[table["family"] == "hyaenidae", "split"].tolist() == ["train"]
    assert learn(data, tmp_path / "run").figures["families"] == 4


def test_families_that_differ_by_case_are_one(data, learn, tmp_path):
    (data / "Canidae").mkdir()
    for i in range(6):
        (data / "canidae" / f"{i:02}.jpg").rename(data / "Canidae" / f"{i:02}.jpg")
    outcome = learn(data, tmp_path / "run")
    assert outcome.figures["families"] == 3
    assert any("'Canidae', 'canidae'" in note for note in outcome.notes)


@pytest.mark.parametrize("name", ["explore", "audit", "split", "train"])
def test_a_corrupt_file_is_named_and_the_rest_is_done(name, data, tmp_path):
    bad = data / "felidae" / "bad, name.jpg"
    bad.write_bytes((data / "felidae" / "00.jpg").read_bytes()[:300])
    code, said = call(*verb(name, data, tmp_path / "out"))
    assert code == 3
    assert said[0].startswith("could not read felidae/bad, name.jpg: ")
    assert len(said) == 1
    assert (tmp_path / "out").exists()
    if name == "split":
        assert len(pd.read_csv(tmp_path / "out")) == 36
    if name == "train":
        assert Run.open(tmp_path / "out").status["state"] == "finished"


@pytest.mark.parametrize("name", ["explore", "audit", "split", "train"])
def test_corrupt_files_alone(name, tmp_path):
    for family in ("canidae", "felidae"):
        (tmp_path / "data" / family).mkdir(parents=True)
        (tmp_path / "data" / family / "a.jpg").write_text("no image")
    code, said = call(*verb(name, tmp_path / "data", tmp_path / "out"))
    assert code == 1
    assert "None of the 2 files" in said[0]
    assert len(said) <= 2


def test_a_label_conflict_is_found_told_and_left_out(data, learn, tmp_path):
    shutil.copy(data / "canidae" / "00.jpg", data / "felidae" / "same.jpg")
    raravis.audit(str(data), out=tmp_path / "audit", quiet=True)
    findings = pd.read_csv(tmp_path / "audit" / "findings.csv")
    disputed = findings.loc[findings["kind"] == "label_conflict", "file_path"]
    assert sorted(disputed) == ["canidae/00.jpg", "felidae/same.jpg"]
    table = pd.read_csv(raravis.split(str(data), out=tmp_path / "split.csv", quiet=True).out)
    ids = table.loc[table["file_path"] == "canidae/00.jpg", "image_id"]
    table.loc[table["image_id"].isin(ids), "split"] = "train"
    table.to_csv(tmp_path / "split.csv", index=False)
    outcome = learn(data, tmp_path / "run", split=tmp_path / "split.csv")
    assert any(note.startswith("1 images bear more than one family") for note in outcome.notes)
    assert not pd.read_parquet(outcome.out / "predictions.parquet")["image_id"].isin(ids).any()


def test_a_split_of_other_data_makes_no_run(photos36, draw, learn, tmp_path):
    others = draw(tmp_path / "others", each=4, first=300)
    raravis.split(str(others), out=tmp_path / "split.csv", quiet=True)
    with pytest.raises(DataError, match=r"None of the .* images that the split has"):
        learn(photos36, tmp_path / "run", split=tmp_path / "split.csv")
    assert not Run.is_run(tmp_path / "run")
    learn(photos36, tmp_path / "run")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda text: text.replace(",val\n", ",valid\n"), DataError, "sides"),
        (lambda text: text.replace("image_id,", "id,", 1), DataError, "lacks the columns image_id"),
        (lambda text: "", DataError, "no CSV"),
        (lambda text: None, UsageError, "is not there"),
    ],
)
def test_a_split_file_that_is_none(photos36, learn, tmp_path, change, error, message):
    split = raravis.split(str(photos36), out=tmp_path / "split.csv", quiet=True).out
    text = change(split.read_text())
    split.unlink() if text is None else split.write_text(text)
    with pytest.raises(error, match=message):
        learn(photos36, tmp_path / "run", split=split)
    assert not Run.is_run(tmp_path / "run")


@pytest.mark.parametrize(
    ("family", "changes", "told"),
    [
        ("felidae", {"order": "felidae"}, "A taxon is its own ancestor"),
        ("felidae", {"class": "aves", "order": "carnivora"}, "The order carnivora stands in two taxa"),
        ("one of them", {"order": "strigiformes"}, "The family felidae stands in two taxa: order carnivora"),
    ],
    ids=["a loop", "an order of two classes", "a family of two orders"],
)
def test_families_that_form_no_tree_make_no_run(data, learn, tmp_path, family, changes, told):
    """Told before anything is learned, and of every recipe."""
    found = sorted(p.relative_to(data).as_posix() for p in data.rglob("*.jpg"))
    table = pd.DataFrame({"file_path": found, "family": [Path(path).parent.name for path in found]})
    table["order"], table["class"] = "carnivora", "mammalia"
    chosen = table["family"] == "felidae" if family == "felidae" else table.index == 15
    assert table["family"][15] == "felidae"
    for rank, name in changes.items():
        table.loc[chosen, rank] = name
    table.to_csv(data / "metadata.csv", index=False)
    (tmp_path / "names.csv").write_text(table.drop_duplicates("family").drop(columns="file_path").to_csv(index=False))
    with pytest.raises(DataError, match=told):
        learn(data, tmp_path / "run")
    assert not Run.is_run(tmp_path / "run")
    with pytest.raises(DataError, match=told):
        raravis.train(str(data), recipe="best", out=tmp_path / "best", quiet=True)
    assert not Run.is_run(tmp_path / "best")
    assert not (tmp_path / "best" / "members").exists()
    if family == "felidae":
        with pytest.raises(DataError, match=told):
            raravis.zero_shot(tmp_path / "names.csv", out=tmp_path / "names", quiet=True)
        assert not Run.is_run(tmp_path / "names")
