"""The verb: its files, what it says, what it makes of bad input."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from raravis.errors import DataError, RunError, UsageError
from raravis.explaining import attribution
from raravis.run import MODEL, TRUST, Run, save_model
from raravis.verbs.explain import explain

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def red_run(small_run, tmp_path_factory):
    """The small run, but channel 0 of its first convolution answers to red alone, channel 1 to nothing."""
    folder = tmp_path_factory.mktemp("red") / "run"
    shutil.copytree(small_run, folder)
    model = Run.open(folder).load_model()
    first = next(layer for layer in model.layers if hasattr(layer, "kernel_size"))
    kernel, bias = (np.zeros_like(values) for values in first.get_weights())
    kernel[1, 1, :, 0] = (1, -0.5, -0.5)
    kernel[0, 0, 1, 2], kernel[0, 0, 2, 3] = 1, 1
    first.set_weights([kernel, bias])
    save_model(model, folder / MODEL)
    (folder / TRUST).unlink()  # it is of the network as it was
    return folder


@pytest.fixture
def first(red_run):
    """Name of the first convolution."""
    return next(layer.name for layer in Run.open(red_run).load_model().layers if hasattr(layer, "kernel_size"))


def test_the_whole_of_it(red_run, photos36, first, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    shutil.copy(photos36 / "canidae" / "00.jpg", mine / "a b.jpg")
    shutil.copy(photos36 / "felidae" / "00.jpg", mine / "a_b.jpg")
    (mine / "bad.jpg").write_text("no image")
    out = tmp_path / "out"
    outcome = explain(red_run, [mine, "none*"], out=out, channels=f"{first}:0, {first}:1", quiet=True)
    assert outcome.exit_code == 3
    (named,) = outcome.unreadable
    assert named == f"{mine / 'bad.jpg'}: is no image of a known format"
    assert outcome.notes[0] == "Nothing matches none*."
    assert any("1 of 4 channels" in note for note in outcome.notes)
    assert {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()} == {
        "filters.png", "a_b-maps.png", "a_b-2-maps.png", f"channels/{first}-0.png", "report.html",
        "a_b-why.png", "a_b-2-why.png",
    }  # fmt: skip
    told = json.loads(json.dumps(outcome.as_json(), allow_nan=False))
    assert [p["figure"] for p in told["photographs"]] == ["a_b-maps.png", "a_b-2-maps.png"]
    assert [p["why"]["figure"] for p in told["photographs"]] == ["a_b-why.png", "a_b-2-why.png"]
    assert [p["why"]["trust"] for p in told["photographs"]] == [None, None]
    (red,) = told["channels"]
    assert red["channel"] == f"{first}:0"
    assert red["answers"] == sorted(red["answers"], reverse=True)
    assert told["filters"] == {"layer": first, "count": 4}
    train = Run.open(red_run).split.query("split == 'train'")
    assert told["searched"] == len(train)
    reds = int((train["family"] == "canidae").sum())
    assert [family == "canidae" for family in red["families"]] == [i < reds for i in range(9)]
    assert set(red["file_paths"]) <= set(train["file_path"])
    page = (out / "report.html").read_text()
    assert "no proof of cause" in page
    assert page.index("Whose photographs are shown") < page.index("Licence unknown: the data do not say")
    assert page.index("Why it says so") < page.index("At a glance")
    assert "could not be read" in page.lower()
    for file in out.rglob("*.png"):
        with Image.open(file) as image:
            image.verify()


def test_whose_the_nearest_photographs_are_is_told(licensed_run, photos36, tmp_path):
    outcome = explain(licensed_run, photos36 / "felidae" / "01.jpg", out=tmp_path, nearest=40, quiet=True)
    near = outcome.figures["photographs"][0]["why"]["nearest"]
    told = {one["family"]: (one["license"], one["rights_holder"], one["references"]) for one in near}
    assert told == {
        "canidae": ("CC BY 4.0", "of canidae", "https://example.org/canidae"),
        "felidae": ("CC BY 4.0", "of felidae", "https://example.org/felidae"),
        "ursidae": ("", "", ""),
    }


def test_channels_are_chosen_by_the_photographs(small_run, photos36, tmp_path):
    photo = photos36 / "felidae" / "01.jpg"
    outcome = explain(small_run, photo, out=tmp_path, images=7, quiet=True)
    figures = outcome.figures
    assert outcome.exit_code == 0
    assert figures["searched"] <= 7
    assert 1 <= len(figures["channels"]) <= 6
    assert {c["chosen_by"] for c in figures["channels"]} == {str(photo)}
    last = figures["layers"][-1]
    assert {c["channel"].rpartition(":")[0] for c in figures["channels"]} == {last}
    again = explain(small_run, photo, out=tmp_path / "again", images=7, quiet=True)
    assert again.figures == figures
    other = explain(small_run, photo, out=tmp_path / "other", images=7, seed=1, quiet=True)
    assert [c["file_paths"] for c in other.figures["channels"]] != [c["file_paths"] for c in figures["channels"]]


def test_layers_and_other_images_can_be_named(small_run, photos36, draw, first, tmp_path):
    other = draw(tmp_path / "other", each=2, first=500)
    outcome = explain(
        small_run, photos36 / "ursidae" / "00.jpg", out=tmp_path / "out", data=str(other), layers=[first], quiet=True
    )
    assert outcome.figures["layers"] == [first]
    assert outcome.figures["searched"] == 6
    shown = {path for channel in outcome.figures["channels"] for path in channel["file_paths"]}
    assert shown <= {p.relative_to(other).as_posix() for p in other.rglob("*.jpg")}
    assert "images of other" in (tmp_path / "out" / "report.html").read_text()


def test_without_the_runs_images_the_rest_is_drawn(small_run, photos36, first, tmp_path):
    moved = tmp_path / "run"
    shutil.copytree(small_run, moved)
    about = json.loads((moved / "environment.json").read_text())
    about["data"]["data"] = str(tmp_path / "gone")
    (moved / "environment.json").write_text(json.dumps(about))
    photo = photos36 / "ursidae" / "00.jpg"
    outcome = explain(moved, photo, out=tmp_path / "out", quiet=True)
    assert outcome.figures["channels"] == []
    assert any("--data says where they are" in note for note in outcome.notes)
    assert (tmp_path / "out" / "00-maps.png").is_file()
    with pytest.raises(UsageError, match="gone"):
        explain(moved, photo, out=tmp_path / "out", channels=f"{first}:0", quiet=True)


def test_photographs_that_cannot_be_read_leave_the_filters(small_run, tmp_path):
    outcome = explain(small_run, tmp_path / "gone.jpg", out=tmp_path / "out", quiet=True)
    assert outcome.exit_code == 3
    assert "gone.jpg: " in outcome.unreadable[0]
    assert any("No photograph could be read" in note for note in outcome.notes)
    assert (tmp_path / "out" / "filters.png").is_file()


def test_why(small_run, photos36, photo, tmp_path):
    split = Run.open(small_run).split
    learned, new = (split[split["split"] == side].iloc[0] for side in ("train", "test"))
    photo(7, (150, 150, 40)).save(tmp_path / "strange.png")
    Image.new("RGB", (40, 40), (90, 120, 60)).save(tmp_path / "plain.png")
    given = [photos36 / learned["file_path"], photos36 / new["file_path"], tmp_path / "strange.png"]
    outcome = explain(
        small_run, [*given, tmp_path / "plain.png"], out=tmp_path / "out", nearest=3, check=True, images=4, quiet=True
    )
    told = json.loads(json.dumps(outcome.as_json(), allow_nan=False))
    assert told["method"] == attribution.ANYWHERE
    assert any("last maps of basic_cnn have no more than" in note for note in outcome.notes)
    known, unknown, strange, plain = (p["why"] for p in told["photographs"])
    assert [p["learned_from"] for p in (known, unknown, strange, plain)] == [True, False, False, False]
    train = set(split.loc[split["split"] == "train", "file_path"])
    assert learned["file_path"] not in {n["file_path"] for n in known["nearest"]}
    for why in (known, unknown, strange):
        assert len(why["nearest"]) == 3
        assert {n["file_path"] for n in why["nearest"]} <= train
        assert all(0 <= n["distance"] <= 2 for n in why["nearest"])
        assert why["evidence"]
        assert set(why["check"]) == {
            "deletion", "insertion", "random_deletion", "random_insertion", "head", "network",
        }  # fmt: skip
    assert not plain["evidence"]
    assert plain["check"] is None
    page = (tmp_path / "out" / "report.html").read_text()
    assert "no place matters more than another" in page
    assert "learned from this very photograph" in page
    assert "hidden at random" in page


def test_embeddings_of_training_photographs_are_computed_once(small_run, photos36, tmp_path, monkeypatch):
    photograph = photos36 / "ursidae" / "03.jpg"
    first = explain(small_run, photograph, out=tmp_path / "a", images=4, quiet=True)
    monkeypatch.setattr("raravis.learn.embed._keep", None)
    again = explain(small_run, photograph, out=tmp_path / "b", images=4, quiet=True)
    assert first.figures == again.figures


@pytest.mark.parametrize("method", attribution.names())
def test_every_method_and_a_family_that_was_asked_for(small_run, photos36, method, tmp_path):
    outcome = explain(
        small_run, photos36 / "felidae" / "00.jpg", out=tmp_path, method=method, family="ursidae", nearest=0, images=4,
        quiet=True,
    )  # fmt: skip
    (found,) = outcome.figures["photographs"]
    assert outcome.figures["method"] == method
    assert set(found["why"]["families"]) == {found["family"], "ursidae"}
    assert found["why"]["nearest"] == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"layers": "con2d"}, r"Did you mean '"),
        ({"channels": "logits:0"}, "no layer with feature maps named 'logits'"),
        ({"channels": " ,"}, "No channels were named"),
        ({"images": 0}, "images is 0"),
        ({"nearest": -1}, "nearest is -1"),
        ({"method": "gradcam"}, "Did you mean 'grad_cam'"),
        ({"family": "felide"}, "no family named 'felide'. Did you mean 'felidae'"),
        ({"root": "x"}, "--data"),
        ({"data": "nowhere.d"}, "nowhere.d"),
    ],
)
def test_senseless_calls_write_nothing(small_run, photos36, tmp_path, options, told):
    with pytest.raises(UsageError, match=told):
        explain(small_run, photos36, out=tmp_path / "out", quiet=True, **options)
    assert not list(tmp_path.rglob("*.png"))


def test_a_folder_that_is_no_run(tmp_path, photos36):
    with pytest.raises(RunError, match="holds no run and no bundle"):
        explain(tmp_path, photos36, out=tmp_path / "out", quiet=True)
    (tmp_path / "model.onnx").touch()
    with pytest.raises(RunError, match=r"an incomplete bundle: it holds model\.onnx"):
        explain(tmp_path, photos36, out=tmp_path / "out", quiet=True)


def test_data_without_one_readable_image(small_run, photos36, tmp_path):
    (tmp_path / "data" / "a").mkdir(parents=True)
    (tmp_path / "data" / "a" / "x.jpg").write_text("no image")
    with pytest.raises(DataError):
        explain(small_run, photos36, out=tmp_path / "out", data=str(tmp_path / "data"), quiet=True)
