"""Finished runs joined into one, and refused where they cannot be."""

import shutil

import numpy as np
import pandas as pd
import pytest
from scipy.special import log_softmax, softmax

import raravis
from raravis.errors import RecipeError, RunError
from raravis.judge import predictions
from raravis.learn.fused import weighed
from raravis.run import Run

pytestmark = pytest.mark.engine

SMALL = {"data.size": 16, "train.epochs": 2, "train.patience": 0}


@pytest.fixture(scope="module")
def members(photos36, small_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    shutil.copytree(small_run, folder / "0")
    split = folder / "0" / "split.csv"
    raravis.train(str(photos36), recipe="basic_cnn", set=SMALL, split=split, out=folder / "1", seed=1, quiet=True)
    return folder


def fuse(photos36, members, out, names=("0", "1"), **changes):
    given = {"data.size": 16, "model.members": [str(members / name) for name in names], **changes}  # or a whole path
    split = members / "0" / "split.csv"
    return raravis.train(str(photos36), recipe="fused", set=given, split=split, out=out, quiet=True)


def test_what_it_says_is_the_weighted_sum_of_its_members(photos36, members, tmp_path):
    out = tmp_path / "fused"
    fuse(photos36, members, out, **{"model.weights": [0.5, 2.0]})
    run = Run.open(out)
    image = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3)).astype(np.uint8)
    each = [log_softmax(Run.open(members / n).load_model().predict(image, verbose=0), axis=1) for n in "01"]
    network = run.load_model()
    made = network.predict(image, verbose=0)
    widths = [Run.open(members / n).load_model().get_layer("embedding").output.shape[-1] for n in "01"]
    assert network.get_layer("embedding").output.shape[-1] == sum(widths)
    wanted = run.load_trust().calibration(0.5 * each[0] + 2 * each[1])
    np.testing.assert_allclose(softmax(made, axis=1), wanted, atol=1e-4)
    raravis.evaluate(out, quiet=True)
    judged = predictions.load(out / "predictions.parquet").set_index("image_id")
    assert set(judged["split"]) == {"train", "val", "test"}
    raravis.predict(out, [str(photos36)], out=tmp_path / "named.csv", quiet=True)
    assert len(pd.read_csv(tmp_path / "named.csv")) == 36
    assert pd.read_csv(out / "heads.csv")["head"].iloc[0] == "all together"


def test_weights_are_those_of_the_least_loss_on_val():
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 5, 400)
    good = rng.normal(size=(400, 5)).astype(np.float32)
    good[np.arange(400), classes] += 2
    noise = 3 * rng.normal(size=(400, 5)).astype(np.float32)
    logs = np.stack([log_softmax(good, axis=1), log_softmax(noise, axis=1)])
    found = weighed(logs, classes, alike=False)
    assert found[0] > 0.5 > 0.1 > found[1]

    def loss(weights):
        return -log_softmax(np.tensordot(weights, logs, 1), axis=1)[np.arange(400), classes].mean()

    for change in ([0.05, 0], [-0.05, 0], [0, 0.05]):
        assert loss(found + change) > loss(found) - 1e-6
    few = np.r_[np.zeros(390, int), 1, 1, 1, 2, 2, 2, 3, 3, 4, 4]
    assert not np.allclose(weighed(logs, few, alike=True), weighed(logs, few, alike=False))


def test_a_fused_run_can_be_fused_and_one_of_no_use_is_left_out(photos36, members, tmp_path):
    fuse(photos36, members, tmp_path / "one", **{"model.weights": [1.0, 0.0]})
    assert [layer.name for layer in Run.open(tmp_path / "one").load_model().layers if "member" in layer.name] == [
        "member_1"
    ]
    fuse(photos36, members, tmp_path / "two", names=(str(tmp_path / "one"), "1"))
    assert Run.open(tmp_path / "two").status["state"] == "finished"


def test_members_of_another_split_size_or_state_are_refused(photos36, members, tmp_path):
    raravis.train(str(photos36), recipe="basic_cnn", set=SMALL, out=tmp_path / "other", seed=7, quiet=True)
    with pytest.raises(RunError, match="another split than"):
        fuse(photos36, members, tmp_path / "a", names=("0", str(tmp_path / "other")))
    with pytest.raises(RunError, match=r"another data.size than the fused run: 16 instead of 24"):
        fuse(photos36, members, tmp_path / "b", **{"data.size": 24})
    with pytest.raises(RunError, match="is not there"):
        fuse(photos36, members, tmp_path / "c", names=("0", "nowhere"))
    for wrong in ({"model.members": ["x"]}, {"model.members": ["x", "x"]}, {"model.weights": [1.0]}):
        with pytest.raises(RecipeError, match=r"members|weights"):
            fuse(photos36, members, tmp_path / "d", **wrong)
