"""`tune` on a small folder: real trials in processes of their own, alone and shared; what fails, fails alone."""

import json
import os
import socket
import subprocess
import sys
import tomllib

import pandas as pd
import pytest

import raravis
from raravis import recipe
from raravis.errors import DataError, RecipeError, RunError, UsageError
from raravis.tuning.search import TrialError
from raravis.verbs import tune as module

pytestmark = pytest.mark.engine

SMALL = ["data.size=16", "model.filters=[4,4]", "train.epochs=1", "train.batch_size=8", "augment.pipeline=none"]
SPACE = """
[train.learning_rate]
min = 1e-4
max = 1e-1
scale = "log"

[model.kernel_size]
choices = [3, 5]
"""


@pytest.fixture
def space(tmp_path):
    file = tmp_path / "space.toml"
    file.write_text(SPACE)
    return file


@pytest.fixture
def quick(monkeypatch):
    """Trials that take no time: a folder with metrics, the score that of the learning rate."""

    def attempt(out, name, base, values, request):
        folder = out / "trials" / name
        folder.mkdir(parents=True)
        if name == "1":
            raise TrialError("ended by signal 9, as the system does when memory runs out")
        (folder / "recipe.toml").write_text(module.spaces.changed(base, values).toml())
        score = {"macro_f1": values["train.learning_rate"], "accuracy": 0.5, "loss": 1.0}
        (folder / "metrics.json").write_text(json.dumps({"val": score, "train": score, "seconds": 1.5}))
        return {"val_macro_f1": score["macro_f1"], "val_accuracy": 0.5, "val_loss": 1.0}

    monkeypatch.setattr(module, "_attempt", attempt)


def tune(photos, out, space, **changes):
    given = {"recipe": "basic_cnn", "space": space, "trials": 3, "set": SMALL, "seed": 1, "quiet": True, **changes}
    return raravis.tune(str(photos), out=out, **given)


def test_what_a_search_leaves(photos36, tmp_path, space, quick):
    done = tune(photos36, tmp_path / "out", space, trials=4)
    table = pd.read_csv(tmp_path / "out" / "trials.csv", dtype={"trial": str})
    assert table["rank"].tolist() == [1, 2, 3, 4]
    assert table["status"].tolist() == ["completed"] * 3 + ["failed"]
    assert table["val_macro_f1"].dropna().is_monotonic_decreasing
    assert "signal 9" in table["cause"].iloc[3]
    best = recipe.load(tmp_path / "out" / "best.toml")
    assert best.train.learning_rate == pytest.approx(table["train.learning_rate"].iloc[0])
    assert best.model.filters == (4, 4)
    assert done.figures["failed"] == 1
    assert "1 of 4 trials failed" in done.notes[0]
    for name in ("parallel.png", "report.html", "search.json", "split.csv"):
        assert (tmp_path / "out" / name).stat().st_size > 50


def test_a_search_is_resumed_only_as_it_was_begun(photos36, tmp_path, space, quick):
    out = tmp_path / "out"
    tune(photos36, out, space)
    with pytest.raises(RunError, match="--resume"):
        tune(photos36, out, space)
    with pytest.raises(RunError, match="begun with other method"):
        tune(photos36, out, space, resume=True, method="grid")
    other = tmp_path / "other.toml"
    other.write_text(SPACE.replace("1e-4", "1e-3"))
    with pytest.raises(RunError, match=r"begun with other space\.train\.learning_rate\.min"):
        tune(photos36, out, other, resume=True)
    assert tune(photos36, out, space, resume=True, trials=5).figures["trials"] == 5


def test_usage_is_told_before_anything_is_written(photos36, tmp_path, space):
    for changes, error, told in (
        ({"method": "baysian"}, UsageError, "bayesian"),
        ({"objective": "accuracy"}, UsageError, "val_accuracy"),
        ({"trials": 0}, UsageError, "from 1"),
        ({"space": tmp_path / "gone.toml"}, RecipeError, "gone.toml"),
    ):
        with pytest.raises(error, match=told):
            tune(photos36, tmp_path / "out", **{"space": space, **changes})
    assert not (tmp_path / "out").exists()


def test_real_trials_are_runs_judged_on_validation_alone(photos36, tmp_path, space):
    out = tmp_path / "out"
    done = tune(photos36, out, space, trials=1)
    (folder,) = (out / "trials").iterdir()
    assert (folder / "split.csv").read_bytes() == (out / "split.csv").read_bytes()
    assert set(json.loads((folder / "metrics.json").read_text())) == {"train", "val", "seconds"}
    assert json.loads((folder / "status.json").read_text())["state"] == "finished"
    assert not (folder / "checkpoint").exists()
    assert done.figures["score"] == json.loads((folder / "metrics.json").read_text())["val"]["macro_f1"]
    assert tomllib.loads((out / "best.toml").read_text())["data"]["size"] == 16


def test_when_every_trial_fails_the_first_cause_is_told(photos36, tmp_path, monkeypatch):
    real = module._attempt

    def attempt(out, name, *given):
        if name != "0":
            raise TrialError("what came later")
        return real(out, name, *given)

    monkeypatch.setattr(module, "_attempt", attempt)
    too_large = tmp_path / "space.toml"
    too_large.write_text("[model.kernel_size]\nchoices = [15, 16]\n")  # no room for a second convolution
    with pytest.raises(DataError, match=r"All 2 trials failed; the first: .*(dimension|size)"):
        tune(photos36, tmp_path / "out", too_large, trials=2, method="grid")
    table = pd.read_csv(tmp_path / "out" / "trials.csv")
    assert table["status"].tolist() == ["failed", "failed"]
    assert (table["cause"] == "what came later").sum() == 1


@pytest.mark.parametrize(("body", "cause"), [("os.kill(os.getpid(), 9)", "signal 9"), ("bytearray(10**18)", "memory")])
def test_a_trial_that_dies_or_runs_out_of_memory_says_so(photos36, tmp_path, monkeypatch, body, cause):
    """The child is the real one but for a sitecustomize that makes training fatal."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if any('_tune_child' in word for word in sys.orig_argv):\n"
        "    import raravis.data.catalogue as catalogue\n"
        f"    catalogue.read = lambda *a, **k: {body}\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    request = module.Request(str(photos36))
    with pytest.raises(TrialError, match=cause):
        module._attempt(tmp_path / "out", "0", recipe.load("basic_cnn", SMALL), {}, request)


def test_a_chief_and_two_workers_share_one_search(photos36, tmp_path, space):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    out = tmp_path / "out"
    command = [sys.executable, "-m", "raravis", "tune", str(photos36), "--recipe", "basic_cnn", "--space", str(space)]
    command += ["--out", str(out), "--trials", "3", "--seed", "1", "--json"]
    command += [word for change in SMALL for word in ("--set", change)]
    shared = {**os.environ, "KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": str(port)}
    shared.pop("PYTEST_CURRENT_TEST", None)
    said, processes = {}, {}
    try:
        for name in ("tuner0", "tuner1", "chief"):  # the chief last: whoever comes first opens the folder
            environment = {**shared, "KERASTUNER_TUNER_ID": name}
            processes[name] = subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        for name in ("chief", "tuner0", "tuner1"):
            said[name], troubles = processes[name].communicate(timeout=280)
            assert processes[name].returncode == 0, f"{name}: {troubles}"
    finally:
        for process in processes.values():
            process.kill()
            process.communicate()
    table = pd.read_csv(out / "trials.csv", dtype={"trial": str})
    assert sorted(table["trial"]) == ["0", "1", "2"]
    assert set(table["status"]) == {"completed"}
    assert table["train.learning_rate"].nunique() == 3
    assert json.loads(said["chief"])["trials"] == 3
    assert json.loads(said["tuner0"])["role"] == "worker"
