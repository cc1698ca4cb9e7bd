"""Fine-tuning with all that helps: it improves, it resumes, and what is kept is the average."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from raravis import engine, models, recipe
from raravis.judge import metrics
from raravis.learn import callbacks, fit, rates
from raravis.learn.batches import Resident
from raravis.run import CHECKPOINT, Run

pytestmark = pytest.mark.engine

SIZE, N = 32, 48
SCRATCH = {
    "model.name": "modern_cnn",
    "model.stem": [4, 4],
    "model.filters": [6],
    "model.blocks": [1],
    "data.size": SIZE,
    "augment.pipeline": "flip",
    "augment.mix": "mixup",
    "train.batch_size": 8,
    "train.epochs": 3,
    "train.optimizer": "adamw",
    "train.schedule": "cosine",
    "train.warmup": 0.5,
    "train.weight_decay": 0.05,
    "train.weight_decay_on": "kernels",
    "train.ema": 0.8,
    "train.accumulate": 2,
    "train.loss": "balanced_softmax",
    "train.auxiliary": 0.5,
    "train.sizes": [16, 32],
    "train.monitor": "val_macro_f1",
    "train.patience": 0,
}


@pytest.fixture(scope="module")
def backbone(tmp_path_factory) -> str:
    """A network of three layers and a batch norm, saved, that scales its images itself."""
    keras = engine.keras()
    keras.utils.set_random_seed(3)
    layers = keras.layers
    image = x = keras.Input((SIZE, SIZE, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(x)
    x = layers.Conv2D(6, 3, strides=2, name="first")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU()(x)
    x = layers.Conv2D(8, 3, strides=2, activation="relu", name="second")(x)
    x = layers.Conv2D(12, 3, activation="relu", name="third")(x)
    file = tmp_path_factory.mktemp("backbone") / "tiny.keras"
    keras.Model(image, x).save(file)
    return str(file)


def tuned(backbone: str) -> dict:
    keep = ("data.size", "train.batch_size", "train.optimizer", "train.schedule", "train.ema", "train.loss")
    return {
        **{key: SCRATCH[key] for key in keep},
        "model.name": "frozen",
        "model.backbone": backbone,
        "augment.pipeline": "none",
        "train.epochs": 2,
        "train.accumulate": 2,
        "train.monitor": "val_macro_f1",
        "train.auxiliary": 0.5,
        "train.patience": 0,
        "finetune.layers": "all",
        "finetune.epochs": 2,
        "finetune.learning_rate": 1e-2,
        "finetune.layer_decay": 0.9,
        "finetune.pipeline": "flip",
        "finetune.mix": "cutmix",
        "finetune.warmup": 0.5,
    }


def images() -> tuple[np.ndarray, np.ndarray]:
    random, classes = np.random.default_rng(1), np.arange(N) % 3
    made = random.integers(0, 120, (N, SIZE, SIZE, 3))
    made[np.arange(N), :, :, classes] += 120
    return made.astype(np.uint8), classes.astype(np.int64)


def begun(path: Path, changes: dict) -> Run:
    if Run.is_run(path):
        return Run.open(path)
    sides = ["val" if i % 4 == 0 else "train" for i in range(N)]
    rows = [f"{i:064x},{i}.jpg,{'abc'[c]},{side}" for i, (c, side) in enumerate(zip(images()[1], sides, strict=True))]
    text = "image_id,file_path,family,split\n" + "\n".join(rows) + "\n"
    plain = {"model": {"name": changes["model.name"]}}
    wanted = recipe.validate(plain, "test")
    file = path.parent / f"{path.name}.toml"
    file.write_text(wanted.toml())
    return Run.create(path, recipe.load(file, changes), text.encode(), {})


def train(run: Run, *, ranks: bool = True) -> fit.Fitted:
    pixels, classes = images()
    val = np.arange(N) % 4 == 0
    taxa = {"order": np.array([0, 0, 1])[classes], "class": np.array([0, 1, -1])[classes]} if ranks else {}
    parts = {
        side: fit.Part(np.flatnonzero(mask), classes[mask], {rank: found[mask] for rank, found in taxa.items()})
        for side, mask in (("train", ~val), ("val", val))
    }
    with run.exclusive():
        return fit.fit(run, Resident(pixels), parts, quiet=True)


class Dies(callbacks.Keeper):
    fatal = 0

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if epoch + 1 == self.fatal:
            raise KeyboardInterrupt


@pytest.fixture(scope="module", params=["scratch", "tuned"])
def whole(request, tmp_path_factory, backbone) -> tuple[str, dict, Run, fit.Fitted]:
    """An unbroken training of each kind."""
    changes = SCRATCH if request.param == "scratch" else tuned(backbone)
    run = begun(tmp_path_factory.mktemp("whole") / "run", changes)
    return request.param, changes, run, train(run)


def test_killed_and_resumed_it_ends_the_same(tmp_path, monkeypatch, whole):
    kind, changes, unbroken, expected = whole
    run = begun(tmp_path / "run", changes)
    fatal = {"scratch": 1, "tuned": 3}[kind]
    with monkeypatch.context() as patch:
        patch.setattr(fit, "Keeper", type("Now", (Dies,), {"fatal": fatal}))
        with pytest.raises(KeyboardInterrupt):
            train(run)
    assert len(run.history) == fatal
    resumed = train(run)
    pd.testing.assert_frame_equal(
        unbroken.history.drop(columns="seconds"), run.history.drop(columns="seconds"), rtol=1e-3, atol=1e-4
    )
    for mine, theirs in zip(resumed.model.get_weights(), expected.model.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-4)


def test_the_kept_network_is_the_average_that_was_best(whole):
    kind, _, run, fitted = whole
    history = run.history
    assert "macro_f1" not in history
    assert history["learning_rate"].iloc[-1] == pytest.approx(0, abs=1e-8)
    logits = fitted.logits["val"].astype(np.float64)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    judged = metrics.judge(odds / odds.sum(axis=1, keepdims=True), images()[1][::4], ("a", "b", "c"), resamples=2)
    assert judged["macro_f1"] == pytest.approx(history["val_macro_f1"].max(), abs=1e-5)
    assert judged["loss"] == pytest.approx(history["val_loss"][history["val_macro_f1"].idxmax()], rel=1e-3)
    folder = run.path / CHECKPOINT / ("finetune" if kind == "tuned" else "")
    with np.load(next(folder.glob("epoch-*.npz"))) as last, np.load(next(folder.glob("best-*.npz"))) as best:
        assert any(np.abs(last[name] - best[name]).max() > 1e-6 for name in best.files if last[name].dtype.kind == "f")


def test_what_is_kept_has_no_heads_for_ranks_and_sees_the_full_size(whole):
    _, _, run, fitted = whole
    plain = models.build(run.recipe.model, classes=3, size=SIZE)
    assert [w.shape for w in fitted.model.get_weights()] == [w.shape for w in plain.get_weights()]
    assert fitted.model.input.shape == (None, SIZE, SIZE, 3)
    assert fitted.notes == ()


def test_unknown_ranks_are_told(tmp_path):
    plain = {"train.auxiliary": 0.5, "train.epochs": 1, "data.size": SIZE, "augment.pipeline": "none"}
    changes = {**plain, "model.name": "compact_cnn", "model.filters": [4]}
    assert "no phylum, class or order" in train(begun(tmp_path / "run", changes), ranks=False).notes[0]


def test_all_layers_learn_but_batch_norms_and_the_deep_ones_less(tmp_path, backbone):
    fresh = fit.build(recipe.load("frozen", {"model.backbone": backbone, "data.size": SIZE}), 3).model
    before = {v.path: np.array(v) for v in fresh.weights}
    changes = {**tuned(backbone), "finetune.layer_decay": 0.5, "finetune.pipeline": "none", "finetune.mix": "none"}
    changes |= {"train.ema": 0.0, "train.accumulate": 1, "train.monitor": "val_loss"}
    model = train(begun(tmp_path / "run", changes)).model
    moved = {v.path: float(np.abs(np.array(v) - before[v.path]).max()) for v in model.weights}
    assert {path for path, by in moved.items() if by == 0} == {path for path in moved if "norm" in path}
    first, second, third = (
        max(by for path, by in moved.items() if f"{name}/kernel" in path) for name in ("first", "second", "third")
    )
    assert first < second < third


def test_rates_fall_by_the_factor_from_the_end_of_the_backbone_to_its_start(backbone):
    model = fit.build(recipe.load("frozen", {"model.backbone": backbone, "data.size": SIZE}), 3).model
    models.unfreeze(model, "all")
    found = dict(
        zip(
            [v.path.rpartition("/")[0].rpartition("/")[2] for v in model.trainable_variables],
            rates.by_depth(model, model.trainable_variables, 0.5),
            strict=True,
        )
    )
    assert found == {"first": 0.5**12, "second": 0.5**6, "third": 0.5**3, "logits": 1.0}  # the norm is at 0.5**9
