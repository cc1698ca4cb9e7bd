"""Train: what a run folder holds, and what happens to it when it is asked for twice, held or killed."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

import raravis
from raravis.errors import DataError, RunError, StorageError
from raravis.run import Run
from raravis.verbs import _training

pytestmark = pytest.mark.engine

KEYS = {
    "n",
    "loss",
    "accuracy",
    "top5_accuracy",
    "macro_f1",
    "weighted_f1",
    "balanced_accuracy",
    "ece",
    "brier",
    "ci95",
    "per_family",
}


@pytest.fixture
def run(small_run, tmp_path):
    return shutil.copytree(small_run, tmp_path / "run")


def again(photos36, small_recipe, out, **options):
    return raravis.train(str(photos36), **{**small_recipe, **options}, out=out, quiet=True)


def state(run) -> dict:
    return json.loads((run / "status.json").read_text())


def test_the_folder_holds_every_file_of_the_interface(small_run):
    assert {p.name for p in small_run.iterdir()} - {"run.lock"} == {
        "recipe.toml",
        "split.csv",
        "history.csv",
        "curves.png",
        "model.keras",
        "predictions.parquet",
        "metrics.json",
        "environment.json",
        "status.json",
        "report.html",
        "trust.npz",
        "card.md",
    }
    assert {**state(small_run), "updated": ""} == {
        "state": "finished", "epoch": 2, "epochs": 2, "message": "", "updated": "",
    }  # fmt: skip
    assert pd.read_csv(small_run / "history.csv")["epoch"].tolist() == [0, 1]


def test_predictions_are_one_row_an_image_and_sum_to_one(small_run):
    found = pd.read_parquet(small_run / "predictions.parquet")
    split = pd.read_csv(small_run / "split.csv")
    wanted = split[split["split"] != "test"]
    assert sorted(found["image_id"]) == sorted(wanted["image_id"])
    assert list(found.columns[:6]) == ["image_id", "file_path", "split", "family", "predicted", "confidence"]
    families = sorted(split["family"].unique())
    given = found[[c for c in found.columns if c in families or c.removeprefix("p_") in families]].to_numpy()
    assert given.shape == (len(wanted), 3)
    np.testing.assert_allclose(given.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(given.max(axis=1), found["confidence"], atol=1e-6)


def test_metrics_have_the_keys_of_the_interface(small_run):
    found = json.loads((small_run / "metrics.json").read_text())
    assert set(found) == {"train", "val"}
    for judged in found.values():
        assert set(judged) >= KEYS
        assert set(judged["ci95"]) == {"accuracy", "macro_f1"}
        assert set(judged["per_family"]) == {"canidae", "felidae", "ursidae"}
        assert all(set(f) == {"precision", "recall", "f1", "support"} for f in judged["per_family"].values())


def test_resuming_a_finished_run_changes_nothing_and_says_so(run, photos36, small_recipe):
    before = {p.name: p.read_bytes() for p in run.iterdir() if p.name != "run.lock"}
    (run / "checkpoint").mkdir()  # left behind by a kill just before the end
    outcome = again(photos36, small_recipe, run, resume=True)
    assert "was finished already" in outcome.notes[-1]
    assert {p.name: p.read_bytes() for p in run.iterdir() if p.name != "run.lock"} == before


def test_another_recipe_is_no_continuation(run, photos36, small_recipe):
    other = {**small_recipe["set"], "train.epochs": 3, "model.dropout": 0.25}
    with pytest.raises(RunError, match=r"another recipe \(model\.dropout, train\.epochs\)"):
        again(photos36, small_recipe, run, set=other, resume=True)


def test_another_split_is_no_continuation(run, photos36, small_recipe, tmp_path):
    raravis.split(str(photos36), out=tmp_path / "other.csv", seed=5, quiet=True)
    with pytest.raises(RunError, match="another split"):
        again(photos36, small_recipe, run, split=tmp_path / "other.csv", resume=True)


def test_a_folder_that_holds_a_run_is_not_written_over(run, photos36, small_recipe):
    with pytest.raises(RunError, match="already holds a run"):
        again(photos36, small_recipe, run)


def test_a_run_that_another_process_holds_is_left_alone(run, photos36, small_recipe):
    hold = (
        "import sys, pathlib; from raravis.run import Run\n"
        "with Run.open(pathlib.Path(sys.argv[1])).exclusive():\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(run)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(RunError, match="Another process is writing"):
            again(photos36, small_recipe, run, resume=True)
        other.communicate("")


def test_a_training_that_fails_says_so_in_its_status(photos36, small_recipe, tmp_path, monkeypatch):
    def full(model, path):
        raise StorageError(f"Cannot write {path}: the disk is full.")

    monkeypatch.setattr(_training, "save_model", full)
    with pytest.raises(StorageError):
        again(photos36, small_recipe, tmp_path / "run")
    found = state(tmp_path / "run")
    assert (found["state"], found["epoch"]) == ("failed", 2)
    assert "the disk is full" in found["message"]
    with pytest.raises(RunError, match=r"no model yet \(it is failed\)"):
        Run.open(tmp_path / "run").load_model()
    monkeypatch.undo()
    again(photos36, small_recipe, tmp_path / "run", resume=True)
    assert state(tmp_path / "run")["state"] == "finished"


def test_a_loss_that_is_no_number_is_one_clear_error(photos36, small_recipe, tmp_path):
    changes = {**small_recipe["set"], "train.learning_rate": 1e38}
    with pytest.raises(DataError, match="learning_rate"):
        again(photos36, small_recipe, tmp_path / "run", set=changes)


def test_a_side_that_cannot_be_taught_leaves_no_run(photos36, small_recipe, tmp_path):
    split = raravis.split(str(photos36), out=tmp_path / "split.csv", quiet=True).out
    table = pd.read_csv(split)
    table.loc[table["family"] == "ursidae", "split"] = "val"
    table.to_csv(split, index=False)
    with pytest.raises(DataError, match="lacks: ursidae"):
        again(photos36, small_recipe, tmp_path / "run", split=split)
    assert not Run.is_run(tmp_path / "run")


@contextlib.contextmanager
def training(photos36, out, epochs):
    """`raravis train` in a process of its own, from its first kept epoch on."""
    command = [
        *(sys.executable, "-m", "raravis", "train", str(photos36), "--recipe", "basic_cnn", "--quiet"),
        *("--out", str(out), "--set", "data.size=16", "--set", "model.filters=[4,8]", "--set", "train.batch_size=8"),
        *("--set", "augment.pipeline=none", "--set", f"train.epochs={epochs}", "--set", "train.patience=0"),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ}) as process:
        try:
            end = time.monotonic() + 90
            while not (out / "history.csv").is_file():
                assert process.poll() is None, process.stderr.read()
                assert time.monotonic() < end
                time.sleep(0.02)
            yield process
        finally:
            process.kill()


def resumed(photos36, small_recipe, out, epochs):
    changes = {**small_recipe["set"], "train.epochs": epochs, "train.patience": 0}
    return again(photos36, small_recipe, out, set=changes, resume=True)


def test_a_killed_run_goes_on_as_if_unbroken(photos36, small_recipe, tmp_path):
    epochs = 6
    out = tmp_path / "killed"
    with training(photos36, out, epochs) as process:
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert Run.open(out).status["state"] == "interrupted"
    done = len(pd.read_csv(out / "history.csv"))
    assert 1 <= done < epochs, "the kill came too late to prove anything"
    resumed(photos36, small_recipe, out, epochs)
    assert state(out)["state"] == "finished"
    assert not (out / "checkpoint").exists()
    resumed(photos36, small_recipe, tmp_path / "unbroken", epochs)
    both = [pd.read_csv(folder / "history.csv").drop(columns="seconds") for folder in (out, tmp_path / "unbroken")]
    assert both[0]["epoch"].tolist() == list(range(epochs))
    np.testing.assert_allclose(both[0].to_numpy(), both[1].to_numpy(), rtol=1e-3, atol=1e-4)


def test_a_run_that_is_asked_to_end_is_interrupted(photos36, tmp_path):
    out = tmp_path / "run"
    with training(photos36, out, 2000) as process:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "--resume" in said
    assert "Traceback" not in said
    assert state(out)["state"] == "interrupted"
    assert state(out)["epoch"] == len(pd.read_csv(out / "history.csv")) >= 1
