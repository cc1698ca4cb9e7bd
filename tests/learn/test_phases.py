"""Two phases: a head on a frozen backbone, then the backbone's last layers; and what a kill between them changes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from raravis import backbones, engine, recipe
from raravis.learn import callbacks, fit
from raravis.learn.batches import Resident
from raravis.run import CHECKPOINT, Run

pytestmark = pytest.mark.engine

SIZE, N = 32, 24
CHANGES = {
    "data.size": SIZE,
    "model.weights": "none",
    "train.batch_size": 8,
    "train.epochs": 2,
    "train.patience": 0,
    "finetune.layers": 10,
    "finetune.epochs": 2,
    "finetune.learning_rate": 1e-3,
}


@pytest.fixture(scope="module", autouse=True)
def short():
    """Of the backbone the first three blocks alone: 27 layers, 9 batch norms among them."""
    real = backbones.build

    def build(name, *, size, weights):
        whole = real(name, size=size, weights=weights)
        return engine.keras().Model(whole.input, whole.get_layer("block_2_add").output, name=whole.name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backbones, "build", build)
        yield


def images() -> tuple[np.ndarray, np.ndarray]:
    random, classes = np.random.default_rng(1), np.arange(N) % 3
    made = random.integers(0, 120, (N, SIZE, SIZE, 3))
    made[np.arange(N), :, :, classes] += 120
    return made.astype(np.uint8), classes.astype(np.int64)


def begun(path: Path, pipeline: str) -> Run:
    if Run.is_run(path):
        return Run.open(path)
    sides = ["val" if i % 4 == 0 else "train" for i in range(N)]
    rows = [f"{i:064x},{i}.jpg,{'abc'[c]},{side}" for i, (c, side) in enumerate(zip(images()[1], sides, strict=True))]
    wanted = recipe.load("frozen", {**CHANGES, "augment.pipeline": pipeline})
    return Run.create(path, wanted, ("image_id,file_path,family,split\n" + "\n".join(rows) + "\n").encode(), {})


def train(run: Run) -> fit.Fitted:
    pixels, classes = images()
    val = np.arange(N) % 4 == 0
    parts = {side: fit.Part(np.flatnonzero(mask), classes[mask]) for side, mask in (("train", ~val), ("val", val))}
    with run.exclusive():
        return fit.fit(run, Resident(pixels), parts, quiet=True)


@pytest.fixture(scope="module")
def whole(short, tmp_path_factory) -> tuple[Run, fit.Fitted]:
    """An unbroken training, its images varied; do not change it."""
    run = begun(tmp_path_factory.mktemp("whole") / "run", "one")
    return run, train(run)


def trunk(fitted: fit.Fitted) -> dict[str, np.ndarray]:
    return {v.path: np.array(v) for v in fitted.model.get_layer("trunk").variables}


@pytest.mark.parametrize("pipeline", ["none", "one"])
def test_the_second_phase_goes_on_where_the_first_ended(tmp_path, whole, pipeline):
    run, _ = whole
    if pipeline == "none":
        run = begun(tmp_path / "run", pipeline)
        train(run)
    assert run.recipe.augment.pipeline == pipeline
    history = run.history
    assert history["epoch"].tolist() == [0, 1, 2, 3]
    rates = history["learning_rate"].tolist()
    assert rates == pytest.approx([1e-3 * 0.97, 1e-3 * 0.97**2, 1e-3 * 0.97, 1e-3 * 0.97**2], rel=1e-4)
    assert run.status["epochs"] == 4


def test_without_it_the_backbone_stays_and_with_it_only_the_last_layers_move(tmp_path):
    fitted = train(begun(tmp_path / "run", "none"))
    wanted = recipe.load("frozen", {**CHANGES, "augment.pipeline": "none"})
    fresh = fit.build(wanted, 3).model.get_layer("trunk")
    before = {v.path: np.array(v) for v in fresh.variables}
    moved = [path for path, value in trunk(fitted).items() if np.abs(value - before[path]).max() > 0]
    late = {v.path for layer in fresh.layers[-10:] for v in layer.variables}
    assert set(moved) <= late
    assert not [path for path in moved if "_bn" in path.lower()]


def test_a_second_phase_that_does_not_help_is_not_kept(tmp_path, monkeypatch):
    """The first phase's network is the best so far when the second begins."""
    run = begun(tmp_path / "run", "none")
    better = iter([0.5, 0.6, 0.4, 0.3])

    class Told(callbacks.Patience):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_accuracy"] = next(better)
            super().on_epoch_end(epoch, logs)

    monkeypatch.setattr(fit, "Patience", Told)
    wanted = recipe.load("frozen", {**CHANGES, "augment.pipeline": "none"})
    fresh = {v.path: np.array(v) for v in fit.build(wanted, 3).model.get_layer("trunk").variables}
    for path, value in trunk(train(run)).items():
        np.testing.assert_array_equal(value, fresh[path])


@pytest.mark.parametrize("fatal", [2, 3])
def test_killed_in_either_phase_and_resumed_it_ends_the_same(tmp_path, monkeypatch, whole, fatal):
    unbroken, fitted = whole
    cut = begun(tmp_path / "cut", "one")

    class Dies(callbacks.Keeper):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            if epoch + 1 == fatal:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fit, "Keeper", Dies)
        with pytest.raises(KeyboardInterrupt):
            train(cut)
    assert (cut.path / CHECKPOINT).is_dir()
    resumed = train(cut)
    pd.testing.assert_frame_equal(
        unbroken.history.drop(columns="seconds"), cut.history.drop(columns="seconds"), rtol=1e-3, atol=1e-4
    )
    for path, value in trunk(fitted).items():
        np.testing.assert_allclose(trunk(resumed)[path], value, rtol=1e-3, atol=1e-4)


def test_a_model_without_a_backbone_has_nothing_to_fine_tune():
    with pytest.raises(recipe.RecipeError, match="basic_cnn has no pretrained backbone"):
        recipe.load("basic_cnn", {"finetune.layers": 3})
