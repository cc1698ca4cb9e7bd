"""Evaluate: a run is judged on its own test side, where the data have moved, and on other photographs."""

import json
import shutil

import pandas as pd
import pytest

import raravis
from raravis.errors import DataError, RunError, UsageError

pytestmark = pytest.mark.engine


@pytest.fixture
def run(small_run, tmp_path):
    return shutil.copytree(small_run, tmp_path / "run")


def metrics(folder) -> dict:
    return json.loads((folder / "metrics.json").read_text())


def contents(folder) -> dict:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file() and p.name != "run.lock"}


def test_adds_test_and_keeps_the_others_and_twice_is_the_same(run):
    before = metrics(run)
    outcome = raravis.evaluate(run, quiet=True)
    first = metrics(run)
    assert set(first) == {"train", "val", "test"}
    assert {side: first[side] for side in before} == before
    assert outcome.figures["n"] == first["test"]["n"] == 6
    assert outcome.figures["accuracy"] == first["test"]["accuracy"]
    kept = pd.read_parquet(run / "predictions.parquet")
    assert kept["split"].value_counts().to_dict() == {"train": 24, "val": 6, "test": 6}
    raravis.evaluate(run, quiet=True)
    assert metrics(run) == first
    pd.testing.assert_frame_equal(pd.read_parquet(run / "predictions.parquet"), kept)


def test_val_again_is_what_training_said(run):
    before = metrics(run)
    raravis.evaluate(run, split="val", quiet=True)
    assert metrics(run)["val"]["loss"] == pytest.approx(before["val"]["loss"], rel=1e-4)
    assert metrics(run)["val"]["accuracy"] == before["val"]["accuracy"]


def test_data_that_have_moved_give_the_same(run, small_run, photos36, photo, tmp_path):
    moved = shutil.copytree(photos36, tmp_path / "moved")
    photo(77).save(moved / "canidae" / "new.jpg")
    raravis.evaluate(run, data=str(moved), quiet=True)
    other = shutil.copytree(small_run, tmp_path / "other")
    raravis.evaluate(other, quiet=True)
    assert metrics(run) == metrics(other)


def test_images_beside_the_runs_own_are_told(run, photos36, photo, tmp_path):
    moved = shutil.copytree(photos36, tmp_path / "moved")
    photo(77).save(moved / "canidae" / "new.jpg")
    assert "1 images are none of the run's own" in raravis.evaluate(run, data=str(moved), quiet=True).notes[-1]


def test_other_photographs_leave_the_run_as_it_was(run, draw, photo, tmp_path):
    others = draw(tmp_path / "others", each=3, first=50)
    (others / "hyaenidae").mkdir()
    photo(9).save(others / "hyaenidae" / "a.jpg")
    before = contents(run)
    outcome = raravis.evaluate(run, data=str(others), quiet=True)
    assert contents(run) == before
    assert outcome.out.parent == run / "evaluations"
    assert outcome.out.name.startswith("others-")
    assert set(metrics(outcome.out)) == {"test"}
    assert outcome.figures["n"] == 9
    assert "1 images are of families that the run does not know" in outcome.notes[-1]
    assert len(pd.read_parquet(outcome.out / "predictions.parquet")) == 9
    assert (outcome.out / "report.html").is_file()


def test_strangers_alone_cannot_be_judged(run, photo, tmp_path):
    for family in ("hyaenidae", "mustelidae"):
        (tmp_path / "strange" / family).mkdir(parents=True)
        photo(len(family)).save(tmp_path / "strange" / family / "a.jpg")
    with pytest.raises(DataError, match="None of the 2 families"):
        raravis.evaluate(run, data=str(tmp_path / "strange"), quiet=True)


def test_what_is_no_finished_run_is_refused(run, tmp_path):
    with pytest.raises(UsageError, match="val or test"):
        raravis.evaluate(run, split="train", quiet=True)
    with pytest.raises(RunError, match="is not there"):
        raravis.evaluate(tmp_path / "nowhere", quiet=True)
    (run / "model.keras").write_bytes(b"PK no model")
    with pytest.raises(RunError, match="is damaged"):
        raravis.evaluate(run, quiet=True)
    (run / "model.keras").unlink()
    with pytest.raises(RunError, match="no model yet"):
        raravis.evaluate(run, quiet=True)
    assert set(metrics(run)) == {"train", "val"}
