"""Loggers write where they say, and a missing extra is told with the command that installs it."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from raravis import recipe
from raravis.errors import UsageError
from raravis.run import Run

pytestmark = pytest.mark.engine

FAMILIES = ("canidae", "felidae")
FAST = {"data.size": 16, "model.filters": [2, 2], "train.batch_size": 8, "train.epochs": 1}


def trained(path: Path, *loggers: str) -> Run:
    from raravis.learn.batches import Resident
    from raravis.learn.fit import Part, fit

    classes = np.arange(16) % 2
    sides = ["train"] * 12 + ["val"] * 4
    lines = [f"{i:064x},{i}.jpg,{FAMILIES[c]},{side}" for i, (c, side) in enumerate(zip(classes, sides, strict=True))]
    text = "image_id,file_path,family,split\n" + "\n".join(lines) + "\n"
    run = Run.create(path, recipe.load("basic_cnn", {**FAST, "train.loggers": list(loggers)}), text.encode(), {})
    images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3)).astype(np.uint8)
    rows = np.arange(16)
    parts = {"train": Part(rows[:12], classes[:12]), "val": Part(rows[12:], classes[12:])}
    with run.exclusive():
        fit(run, Resident(images), parts, quiet=True)
    return run


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="the extra tensorboard is not installed")
def test_tensorboard_holds_the_epochs_figures(tmp_path):
    run = trained(tmp_path / "run", "tensorboard")
    events = list((run.path / "tensorboard").rglob("events.out.tfevents.*"))
    assert {path.parent.name for path in events} == {"train", "validation"}
    written = b"".join(path.read_bytes() for path in events)
    assert b"epoch_accuracy" in written


@pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="the extra mlflow is not installed")
def test_mlflow_holds_the_recipe_and_the_epochs_figures(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run = trained(tmp_path / "run", "mlflow")

    def one(pattern: str) -> str:
        (found,) = (run.path / "mlflow").rglob(pattern)
        return found.read_text()

    assert one("params/model.name") == "basic_cnn"
    assert one("params/train.epochs") == "1"
    _, value, step = one("metrics/val_accuracy").split()[:3]
    assert float(value) == pytest.approx(run.history["val_accuracy"][0], abs=1e-6)
    assert step == "0"


@pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="the extra mlflow is not installed")
def test_mlflow_writes_where_its_variable_says(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "elsewhere").as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    run = trained(tmp_path / "run", "mlflow")
    assert list((tmp_path / "elsewhere").rglob("metrics/loss"))
    assert not (run.path / "mlflow").exists()


@pytest.mark.parametrize("name", ["tensorboard", "mlflow"])
def test_a_missing_extra_is_told_before_anything_is_trained(tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match=rf"pip install 'raravis\[{name}\]'"):
        trained(tmp_path / "run", name)
    assert not (tmp_path / "run" / "history.csv").exists()


def test_no_logger_leaves_only_the_history(tmp_path):
    run = trained(tmp_path / "run")
    assert len(run.history) == 1
    assert not {"tensorboard", "mlflow"} & {path.name for path in run.path.iterdir()}
