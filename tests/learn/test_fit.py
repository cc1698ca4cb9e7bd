"""Training: it learns, it stops, and a kill at any moment changes nothing."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from raravis import recipe
from raravis.errors import DataError, RunError
from raravis.run import CHECKPOINT, HISTORY, Run

pytestmark = pytest.mark.engine

FAMILIES = ("canidae", "felidae", "ursidae")
FAST = {
    "data.size": 16,
    "model.filters": [4, 8],
    "train.batch_size": 8,
    "train.epochs": 4,
    "train.patience": 0,
}


def coloured(n: int = 72) -> tuple[np.ndarray, np.ndarray]:
    """Images whose family is their strongest colour, under noise."""
    random = np.random.default_rng(5)
    classes = np.arange(n) % 3
    images = random.integers(0, 160, (n, 16, 16, 3))
    images[np.arange(n), :, :, classes] += 60
    return images.astype(np.uint8), classes


def split_csv(classes: np.ndarray) -> bytes:
    rows = [f"{i:064x},{i}.jpg,{FAMILIES[c]},{'val' if i % 4 == 0 else 'train'}" for i, c in enumerate(classes)]
    return ("image_id,file_path,family,split\n" + "\n".join(rows) + "\n").encode()


def start(path: Path, changes: dict | None = None, name: str = "basic_cnn") -> Run:
    if Run.is_run(path):
        return Run.open(path)
    wanted = recipe.load(name, {**FAST, **(changes or {})} if name == "basic_cnn" else changes or {})
    return Run.create(path, wanted, split_csv(coloured()[1]), {})


def train(run: Run):
    from raravis.learn.batches import Resident
    from raravis.learn.fit import Part, fit

    images, classes = coloured()
    val = np.arange(len(classes)) % 4 == 0
    parts = {
        name: Part(np.flatnonzero(mask), classes[mask].astype(np.int64))
        for name, mask in {"train": ~val, "val": val}.items()
    }
    with run.exclusive():
        return fit(run, Resident(images), parts, quiet=True)


def same_histories(one: Run, other: Run) -> None:
    drop = ["seconds"]
    pd.testing.assert_frame_equal(
        one.history.drop(columns=drop), other.history.drop(columns=drop), rtol=1e-3, atol=1e-4
    )


def same_weights(one, other) -> None:
    for mine, theirs in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-4)


def test_it_learns_what_can_be_learned(tmp_path):
    fitted = train(
        start(tmp_path / "run", {"train.epochs": 40, "train.learning_rate": 0.01, "augment.pipeline": "none"})
    )
    truth = coloured()[1][::4]
    assert (fitted.logits["val"].argmax(1) == truth).mean() > 0.8


def test_history_has_one_row_an_epoch_and_the_rate_decays(tmp_path):
    run = start(tmp_path / "run", {"train.decay": 0.5})
    train(run)
    history = run.history
    assert list(history["epoch"]) == [0, 1, 2, 3]
    assert set(history) >= {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"}
    np.testing.assert_allclose(history["learning_rate"].to_numpy(), 1e-3 * 0.5 ** np.arange(1, 5), rtol=1e-4)


def test_same_seed_same_result_and_another_seed_another(tmp_path):
    first, second = (train(start(tmp_path / name)) for name in ("a", "b"))
    same_weights(first, second)
    other = train(start(tmp_path / "c", {"seed": 1}))
    assert np.abs(other.logits["val"] - first.logits["val"]).max() > 1e-2


def test_early_stopping_keeps_the_best_epoch(tmp_path):
    run = start(tmp_path / "run", {"train.epochs": 40, "train.patience": 2, "train.learning_rate": 0.02})
    fitted = train(run)
    history = run.history
    assert len(history) < 40
    best = history["val_accuracy"].max()
    assert len(history) == history["val_accuracy"].idxmax() + 3
    truth = coloured()[1][::4]
    assert (fitted.logits["val"].argmax(1) == truth).mean() == pytest.approx(best, abs=1e-6)


def test_class_weights_change_what_is_learned(tmp_path):
    from raravis.learn.balance import class_weights

    np.testing.assert_allclose(class_weights(np.array([0, 0, 0, 2]), 3), [2 / 3, 0, 2])
    classes = coloured()[1]
    assert np.mean(class_weights(classes, 3)[classes]) == pytest.approx(1)


def test_frozen_trunk_sees_each_image_once_and_the_joined_model_agrees(tmp_path):
    changes = {"model.backbone": "MobileNetV2", "model.weights": "none", "data.size": 32, "train.epochs": 2}
    run = start(tmp_path / "run", changes, name="frozen")
    from raravis.learn.batches import Resident
    from raravis.learn.fit import Part, fit

    images = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
    seen: list[int] = []

    class Counted(Resident):
        def batch(self, rows):
            seen.extend(rows.tolist())
            return super().batch(rows)

    parts = {"train": Part(np.arange(9), np.arange(9) % 3), "val": Part(np.arange(9, 12), np.arange(3))}
    fitted = fit(run, Counted(images), parts, quiet=True)
    assert sorted(seen) == list(range(12))
    np.testing.assert_allclose(fitted.model.predict(images[9:], verbose=0), fitted.logits["val"], atol=1e-4)


def test_empty_val_is_told(tmp_path):
    from raravis.learn.batches import Resident
    from raravis.learn.fit import Part, fit

    nothing = Part(np.empty(0, np.int64), np.empty(0, np.int64))
    with pytest.raises(DataError, match="val"):
        fit(start(tmp_path / "run"), Resident(coloured()[0]), {"train": nothing, "val": nothing})


def test_two_processes_cannot_write_one_run(tmp_path):
    run = start(tmp_path / "run")
    with run.exclusive(), pytest.raises(RunError, match="Another process"), run.exclusive():
        pass


def _train_in_child(path: str) -> None:
    from raravis.learn.batches import Resident

    batch = Resident.batch
    Resident.batch = lambda self, rows: (time.sleep(0.1), batch(self, rows))[1]  # who kills it may be slow
    train(Run.open(path))


@pytest.mark.parametrize("kept_epochs", [1, 2])
def test_killed_and_resumed_equals_unbroken(tmp_path, monkeypatch, kept_epochs):
    monkeypatch.syspath_prepend(Path(__file__).parents[2])  # where the child finds this file
    changes = {"train.epochs": 5}
    unbroken = start(tmp_path / "unbroken", changes)
    expected = train(unbroken)
    run = start(tmp_path / "killed", changes)
    child = multiprocessing.get_context("spawn").Process(target=_train_in_child, args=(str(run.path),))
    child.start()
    history = run.path / HISTORY
    while child.is_alive() and (not history.is_file() or len(history.read_text().splitlines()) <= kept_epochs):
        time.sleep(0.002)
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert run.status["state"] == "interrupted"
    kept = len(run.history)
    assert kept_epochs <= kept < 5, "the child was killed too late to prove anything"
    resumed = train(run)
    assert len(run.history) == 5
    same_histories(unbroken, run)
    same_weights(expected, resumed)


def test_a_damaged_checkpoint_is_one_clear_error(tmp_path):
    run = start(tmp_path / "run", {"train.epochs": 2})
    train(run)
    for file in (run.path / CHECKPOINT).glob("epoch-*.npz"):
        file.write_bytes(file.read_bytes()[:100])
    for file in (run.path / CHECKPOINT).glob("best-*.npz"):
        file.write_bytes(b"")
    with pytest.raises(RunError, match="damaged"):
        train(run)
