import json

import numpy as np
import pandas as pd
import pytest

from raravis import files, recipe
from raravis.errors import DataError, RunError, UsageError
from raravis.judge import metrics, predictions
from raravis.run import METRICS, PREDICTIONS, Run
from raravis.verbs.compare import compare

FAMILIES = ["ant", "bee", "cat"]
TRUTH = np.random.default_rng(0).integers(0, 3, 90)


def judged(path, share, seed=0, split="test", count=90):
    random = np.random.default_rng(seed)
    truth = TRUTH[:count]
    said = np.where(random.random(count) < share, truth, (truth + 1) % 3)
    table = predictions.build(
        image_id=[f"i{i}" for i in range(count)],
        file_path=[f"{i}.jpg" for i in range(count)],
        split=[split] * count,
        family=[FAMILIES[k] for k in truth],
        families=FAMILIES,
        probabilities=(0.7 * np.eye(3, dtype=np.float32) + 0.1)[said],
    )
    run = Run.create(path, recipe.load("basic_cnn"), b"image_id,file_path,family,split\n", {})
    predictions.save(table, run.path / PREDICTIONS)
    files.write_json(run.path / METRICS, metrics.by_split(table, resamples=20))
    return run.path


def test_runs_stand_side_by_side_with_differences_to_the_first(tmp_path, capsys):
    runs = [judged(tmp_path / "poor", 0.5, 1), judged(tmp_path / "good", 0.95, 2), judged(tmp_path / "mid", 0.7, 3)]
    outcome = compare(runs, out=tmp_path / "out", quiet=True)
    table = pd.read_csv(tmp_path / "out" / "comparison.csv")
    assert table["run"].tolist() == ["poor", "good", "mid"]
    assert table["model"].tolist() == ["basic_cnn"] * 3
    assert table["accuracy_difference"].isna().tolist() == [True, False, False]
    good = table.set_index("run").loc["good"]
    poor = table.set_index("run").loc["poor"]
    assert good["accuracy_difference"] == pytest.approx(good["accuracy"] - poor["accuracy"])
    assert good["wins"] - good["losses"] == pytest.approx(90 * good["accuracy_difference"])
    assert 0 < good["accuracy_difference_low"] < good["accuracy_difference"] < good["accuracy_difference_high"]
    own = json.loads((runs[1] / METRICS).read_text())["test"]
    assert good["own_loss"] == pytest.approx(own["loss"])
    written = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert (written["split"], written["images"], written["reference"]) == ("test", 90, "poor")
    assert [(p["run"], p["reference"]) for p in written["pairs"]] == [
        ("good", "poor"),
        ("mid", "poor"),
        ("mid", "good"),
    ]
    assert written["runs"][0]["accuracy_difference"] is None
    json.dumps(outcome.as_json(), allow_nan=False)
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "3 runs on the 90 test images that all were judged on. Most accurate: good." in report
    assert outcome.read_next == tmp_path / "out" / "report.html"
    assert capsys.readouterr().out == ""


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    runs = [judged(tmp_path / "a", 0.5, 1), judged(tmp_path / "b", 0.6, 2)]
    for out in ("one", "two"):
        compare(runs, out=tmp_path / out, quiet=True)
    compare(runs, out=tmp_path / "other", seed=1, quiet=True)
    one, two, other = ((tmp_path / n / "comparison.json").read_bytes() for n in ("one", "two", "other"))
    assert one == two != other


def test_runs_of_the_same_name_are_told_apart(tmp_path):
    runs = [judged(tmp_path / "x" / "run", 0.5, 1), judged(tmp_path / "y" / "run", 0.6, 2)]
    outcome = compare(runs, out=tmp_path / "out", quiet=True)
    assert [row["run"] for row in outcome.figures["runs"]] == ["x/run", "y/run"]


def test_different_images_and_a_lack_of_test_are_told(tmp_path):
    whole, part = judged(tmp_path / "whole", 0.9), judged(tmp_path / "part", 0.9, count=40)
    outcome = compare([whole, part], out=tmp_path / "out", quiet=True)
    assert outcome.figures["images"] == 40
    assert "different images" in outcome.notes[0]
    vals = [judged(tmp_path / "v1", 0.9, split="val"), judged(tmp_path / "v2", 0.8, 1, split="val")]
    outcome = compare(vals, out=tmp_path / "out2", quiet=True)
    assert outcome.figures["split"] == "val"
    assert "Not judged on test: v1, v2" in outcome.notes[0]
    assert "Not judged on test: v1, v2" in (tmp_path / "out2" / "report.html").read_text(encoding="utf-8")


def test_faults_are_one_error_each_and_leave_nothing(tmp_path):
    good, other = judged(tmp_path / "good", 0.9), judged(tmp_path / "val", 0.9, split="val")
    (tmp_path / "empty").mkdir()
    unjudged = Run.create(tmp_path / "unjudged", recipe.load("basic_cnn"), b"", {}).path
    out = tmp_path / "out"
    for runs, error, words in (
        ([good], UsageError, "two runs or more; received 1"),
        ([good, tmp_path / "." / "good"], UsageError, "given twice"),
        ([good, tmp_path / "none"], RunError, "is not there"),
        ([good, tmp_path / "empty"], RunError, "holds no run"),
        ([good, unjudged], RunError, "raravis evaluate"),
        ([good, other], DataError, "no side of the split"),
    ):
        with pytest.raises(error, match=words):
            compare(runs, out=out, quiet=True)
    (good / METRICS).write_text("{")
    with pytest.raises(RunError, match="no metrics of test"):
        compare([good, judged(tmp_path / "third", 0.5)], out=out, quiet=True)
    assert not list(out.glob("*"))
