"""A run becomes a bundle that says the same, whole or not at all; without its images; small; for phones."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import raravis
from raravis.data import decode
from raravis.errors import DataError, RunError, StorageError, UsageError
from raravis.run import Run
from raravis.runtimes import onnxruntime
from raravis.serve import folder
from raravis.serve.bundle import open_bundle
from raravis.serve.predictor import open_predictor

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def made(small_run, tmp_path_factory):
    """A bundle with all that there is; do not change it."""
    out = tmp_path_factory.mktemp("bundles") / "small"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RARAVIS_CACHE", str(tmp_path_factory.mktemp("cache")))
        found = raravis.export(small_run, out=out, thumbnails=True, int8=True, litert=True, quiet=True)
    return out, found


@pytest.fixture
def pixels(photos36):
    files = sorted(photos36.glob("*/*.jpg"))
    return np.stack([decode.pixels(file.read_bytes(), 16, "squash") for file in files])


def test_it_says_what_the_run_says(made, small_run, pixels):
    ours, theirs = open_bundle(made[0]).answer(pixels), open_predictor(small_run).answer(pixels)
    np.testing.assert_allclose(ours.probabilities, theirs.probabilities, atol=1e-5)
    np.testing.assert_allclose(ours.features, theirs.features, atol=1e-4)
    assert (ours.verdicts.verdict == theirs.verdicts.verdict).all()
    assert (ours.verdicts.members == theirs.verdicts.members).all()


def test_what_it_holds_is_what_it_says(made, small_run):
    out, found = made
    about = json.loads((out / folder.ABOUT).read_text())
    names = {file.name for file in out.iterdir()}
    assert {"families", "taxonomy", "preprocessing", "calibration", "thresholds", "versions", "digests"} <= set(about)
    assert names == {*about["digests"], folder.ABOUT} == set(found.figures["files"])
    assert names == set(folder.LARGEST)
    for name, told in about["digests"].items():
        assert folder.entry(out / name) == told
    run = Run.open(small_run)
    assert about["run"]["split_digest"] == run.environment["split_digest"]
    assert about["run"]["seed"] == run.recipe.seed
    assert (
        about["measured"]["val"]["accuracy"] == json.loads((small_run / "metrics.json").read_text())["val"]["accuracy"]
    )
    assert about["parity"]["probability"] < 1e-4
    assert about["parity"]["of"] == "images of val"
    assert found.figures["largest_difference"] == about["parity"]["probability"]


def test_nothing_in_it_tells_of_the_makers_machine(made, small_run, photos36):
    for file in made[0].iterdir():
        content = file.read_bytes()
        for place in (photos36.parent, small_run.parent, made[0].parent):
            assert str(place).encode() not in content, file.name


def test_it_remembers_the_training_photographs(made, small_run, photos36):
    split = pd.read_csv(small_run / "split.csv")
    train = split[split["split"] == "train"]
    row = train.iloc[0]
    picture = decode.pixels((photos36 / row["file_path"]).read_bytes(), 16, "squash")
    opened = open_bundle(made[0])
    ((first, *others),) = opened.nearest(opened.answer(picture[None]).features, len(train))
    assert (first.image_id, first.family) == (row["image_id"], row["family"])
    assert first.similarity == pytest.approx(1, abs=1e-3)
    assert {first.image_id, *(one.image_id for one in others)} == set(train["image_id"])
    import io

    with Image.open(io.BytesIO(first.thumbnail)) as thumbnail:
        assert thumbnail.size == (40, 40)
        assert not thumbnail.getexif()
        seen = np.asarray(thumbnail, float)
    with Image.open(photos36 / row["file_path"]) as own:
        assert np.abs(seen - np.asarray(own, float)).mean() < 12


def test_heat_lies_somewhere(made, pixels):
    heat = open_bundle(made[0]).heat(pixels[:4], np.array([0, 1, 2, 0]))
    assert heat.shape[0] == 4
    assert heat.dtype == np.float32
    assert ((heat >= 0) & (heat <= 1)).all()
    assert heat.max() == 1


def test_the_card_tells_what_was_measured(made):
    out, found = made
    card = (out / folder.CARD).read_text()
    loss = found.figures["int8"]["loss"]
    assert "Intended use" in card
    assert f"accuracy of {loss['accuracy']:.3f}, {100 * loss['lost']:.1f} points less than `model.onnx`" in card
    assert "model.tflite" in card
    assert "with thumbnails" in card
    assert loss["ci95"][0] <= loss["lost"] <= loss["ci95"][1]


def test_the_card_counts_the_licences_of_the_training_photographs(made, licensed_run, tmp_path):
    raravis.export(licensed_run, out=tmp_path / "bundle", neighbours=0, quiet=True)
    train = pd.read_csv(licensed_run / "split.csv").query("split == 'train'")
    unknown = int((train["family"] == "ursidae").sum())
    told = f"by licence: CC BY 4.0 ({len(train) - unknown}), licence unknown ({unknown})."
    assert told in (tmp_path / "bundle" / folder.CARD).read_text()
    assert "licences of their own, which are not known here" in (made[0] / folder.CARD).read_text()


def test_int8_is_smaller_asked_for_and_close(made, pixels):
    out, _ = made
    small = open_bundle(out, int8=True)
    exact = open_bundle(out).answer(pixels).probabilities
    assert np.abs(small.answer(pixels).probabilities - exact).max() < 0.2
    assert small.heat(pixels[:1], np.array([0])) is not None
    with pytest.raises(UsageError, match="no bundle"):
        open_predictor(out / "nowhere", int8=True)


def test_predict_takes_a_bundle(made, photos36, tmp_path):
    found = raravis.predict(made[0], photos36, out=tmp_path / "rows.csv", quiet=True)
    assert found.figures["read"] == 36
    assert raravis.predict(made[0], photos36, out=tmp_path / "small.csv", int8=True, quiet=True).figures["read"] == 36


def test_without_its_images_it_is_made_all_the_same(small_run, photos36, tmp_path):
    run = shutil.copytree(small_run, tmp_path / "run")
    environment = json.loads((run / "environment.json").read_text())
    environment["data"]["data"] = str(tmp_path / "gone")
    (run / "environment.json").write_text(json.dumps(environment))
    found = raravis.export(run, out=tmp_path / "bundle", quiet=True)
    assert found.figures["neighbours"] == 0
    assert "not at hand" in found.notes[0]
    assert found.figures["parity"]["of"] == "drawn pictures"
    with pytest.raises(DataError, match="--data"):
        raravis.export(run, out=tmp_path / "other", int8=True, quiet=True)
    again = raravis.export(run, out=tmp_path / "bundle", data=str(photos36), neighbours=5, quiet=True)
    assert again.figures["neighbours"] == 5
    near = open_bundle(tmp_path / "bundle").nearest(np.ones((1, 64), np.float32)[:, : _width(tmp_path)], 9)[0]
    assert len({one.family for one in near}) == 3, "a few of every family"


def _width(tmp_path):
    return json.loads((tmp_path / "bundle" / folder.ABOUT).read_text())["outputs"]["embedding"][0]


def test_a_bundle_that_disagrees_is_refused_and_leaves_nothing(small_run, tmp_path, monkeypatch):
    def wrong(model, file, *, outputs):
        kernel = model.layers[-1].network.get_layer("logits").kernel
        kernel.assign(kernel * 1.5)
        write(model, file, outputs=outputs)
        kernel.assign(kernel / 1.5)

    write = onnxruntime.write
    monkeypatch.setattr(onnxruntime, "write", wrong)
    with pytest.raises(RunError, match="disagrees"):
        raravis.export(small_run, out=tmp_path / "bundle", quiet=True)
    assert list(tmp_path.iterdir()) == []


def test_what_lies_there_is_left_alone(small_run, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("x")
    with pytest.raises(StorageError, match="something else"):
        raravis.export(small_run, out=tmp_path / "mine", quiet=True)
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    with pytest.raises(StorageError, match="is a file"):
        raravis.export(small_run, out=tmp_path / "mine" / "notes.txt", quiet=True)
    with pytest.raises(UsageError, match="neighbours is -1"):
        raravis.export(small_run, out=tmp_path / "b", neighbours=-1, quiet=True)
