"""The whole study on a small folder: every part is there, a kill loses nothing, the table tells what it stands on."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import raravis
from raravis import backbones, engine, files
from raravis.cli import app
from raravis.data.sources import bestiary
from raravis.errors import OfflineError, RecipeError, RunError
from raravis.run import Run

pytestmark = pytest.mark.engine

SMALL = [
    "data.size=32",
    "train.batch_size=8",
    "length=0.1",
    "compare.pipelines=none",
    "basic_cnn.model.filters=[4,4]",
    "basic_cnn_patient.model.filters=[4,4]",
    "basic_cnn_patient.train.epochs=2",
    "resnet50_as_published.model.hidden=8",
    "resnet50.model.hidden=8",
]
RUNS = "basic_cnn,basic_cnn_patient,resnet50_as_published,resnet50"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder with random weights of MobileNetV2, under the name that Keras gives its ImageNet file."""
    folder = tmp_path_factory.mktemp("weights")
    model = engine.keras().applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3))
    model.save_weights(folder / "mobilenet_v2_notop.weights.h5")
    return folder


def offline(patch, weights) -> None:
    """Only MobileNetV2 has weights, and nothing is fetched; of every backbone the beginning alone is there."""
    patch.setenv("RARAVIS_WEIGHTS", str(weights))
    real = backbones.build

    def build(name, *, size, weights):
        if weights == "imagenet" and name != "MobileNetV2":
            raise OfflineError(f"no weights of {name}")
        whole = real(name, size=size, weights=weights)
        return engine.keras().Model(whole.input, whole.layers[18].output, name=whole.name)  # the end of a first block

    patch.setattr(backbones, "build", build)


@pytest.fixture(autouse=True)
def always_offline(monkeypatch, weights):
    offline(monkeypatch, weights)


@pytest.fixture(scope="module")
def study(photos36, weights, tmp_path_factory):
    """One study, done; do not change it."""
    out = tmp_path_factory.mktemp("study") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RARAVIS_CACHE", str(tmp_path_factory.mktemp("cache")))
        offline(patch, weights)
        outcome = raravis.reproduce(str(photos36), out=out, set=[*SMALL, f"runs={RUNS}"], quiet=True)
    return out, outcome


NAMES = [
    "basic_cnn",
    "basic_cnn_patient",
    "resnet50_as_published_on_mobilenetv2",
    "resnet50_on_mobilenetv2",
    "resnet50_random",
]


def test_every_part_is_there(study):
    out, outcome = study
    for name in ("table.csv", "table.md", "table.html", "report.html", "curves.png", "accuracy.png", "costs.csv"):
        assert (out / name).stat().st_size > 100, name
    assert (out / "explore" / "summary.json").is_file()
    assert [row["run"] for row in outcome.figures["table"]] == NAMES
    for name in NAMES:
        assert Run.open(out / "runs" / name).status["state"] == "finished"
    json.dumps(outcome.as_json(), allow_nan=False)


def test_published_stands_beside_measured_and_measured_is_what_the_run_says(study):
    out, _ = study
    table = pd.read_csv(out / "table.csv").set_index("run")
    assert table.loc["basic_cnn", "train_accuracy_published"] == 0.01
    assert table.loc["basic_cnn", "val_loss_published"] == 7.8
    assert table.loc["resnet50_as_published_on_mobilenetv2", "test_accuracy_published"] == 0.10
    assert pd.isna(table.loc["resnet50_random", "test_accuracy_published"])
    for name in NAMES:
        judged = json.loads((out / "runs" / name / "metrics.json").read_text())
        for side in ("train", "val", "test"):
            assert table.loc[name, f"{side}_accuracy"] == pytest.approx(judged[side]["accuracy"])
            assert table.loc[name, f"{side}_accuracy_low"] == pytest.approx(judged[side]["ci95"]["accuracy"][0])
    assert table.loc["basic_cnn", "parameters"] > 100


def test_all_runs_share_one_split_and_what_stands_in_is_named(study):
    out, outcome = study
    splits = {(out / "runs" / name / "split.csv").read_bytes() for name in NAMES}
    assert splits == {(out / "split.csv").read_bytes()}
    assert any("MobileNetV2 in the place of ResNet50" in note for note in outcome.notes)
    text = (out / "table.md").read_text(encoding="utf-8")
    assert "a check that it trains, not a result" in text
    assert any(re.search(r"resnet50_random: .*training loss \d", note) for note in outcome.notes)
    assert "~0.01" in text


def test_what_a_mistake_costs_is_mended_less_published(study):
    out, _ = study
    costs = pd.read_csv(out / "costs.csv")
    bad, good = [NAMES[0], NAMES[2]], [NAMES[1], NAMES[3]]
    assert [name.casefold().replace(" ", "_") for name in costs["as published"]] == bad
    test = {n: json.loads((out / "runs" / n / "metrics.json").read_text())["test"]["accuracy"] for n in NAMES}
    for gained_text, before, after in zip(costs["accuracy, gained"], bad, good, strict=True):
        gained = test[after] - test[before]
        assert float(gained_text.split()[0]) == pytest.approx(gained, abs=6e-4)


def test_how_long_it_takes_was_measured_for_every_part(study):
    out, _ = study
    times = json.loads((out / "estimate.json").read_text())
    assert set(times["parts"]) == set(NAMES)
    assert all(seconds > 0 for seconds in times["parts"].values())
    assert times["total"] == pytest.approx(sum(times["parts"].values()), abs=0.5)


def test_finished_parts_are_never_run_again(study, photos36, tmp_path):
    out = tmp_path / "again"
    shutil.copytree(study[0], out)
    shutil.rmtree(out / "runs" / "basic_cnn_patient")
    (out / "table.csv").unlink()
    before = {name: (out / "runs" / name / "history.csv").stat().st_mtime_ns for name in NAMES if "patient" not in name}
    with pytest.raises(RunError, match="--resume"):
        raravis.reproduce(str(photos36), out=out, set=[*SMALL, f"runs={RUNS}"], quiet=True)
    with pytest.raises(RunError, match=r"begun with other settings\.length"):
        raravis.reproduce(str(photos36), out=out, set=[*SMALL, f"runs={RUNS}", "length=0.2"], resume=True, quiet=True)
    raravis.reproduce(str(photos36), out=out, set=[*SMALL, f"runs={RUNS}"], resume=True, quiet=True)
    assert {name: (out / "runs" / name / "history.csv").stat().st_mtime_ns for name in before} == before
    table = pd.read_csv(out / "table.csv").drop(columns="train_seconds")
    first = pd.read_csv(study[0] / "table.csv").drop(columns="train_seconds")
    pd.testing.assert_frame_equal(table, first, rtol=1e-3)


def test_an_estimate_alone_trains_nothing(photos36, tmp_path):
    outcome = raravis.reproduce(
        str(photos36), out=tmp_path / "out", set=[*SMALL, "runs=basic_cnn"], estimate=True, quiet=True
    )
    assert list(outcome.figures["parts"]) == ["basic_cnn"]
    assert outcome.figures["seconds"] > 0
    assert not (tmp_path / "out" / "runs").exists()


def test_a_fault_is_told_before_anything_is_done(photos36, tmp_path):
    with pytest.raises(RecipeError, match="basic_cnn"):
        raravis.reproduce(str(photos36), out=tmp_path / "out", set=["basik_cnn.train.epochs=1"], quiet=True)
    assert not (tmp_path / "out").exists()


def test_the_small_study_of_the_docs_runs_as_written(tmp_path, monkeypatch):
    """On a share of the bestiary, two of its networks; the whole takes minutes."""
    monkeypatch.setenv("RARAVIS_CACHE", str(tmp_path / "cache"))
    sample = files.cache("bestiary") / f"{bestiary.version()}-0"
    bestiary.draw(sample, share=0.05, families=["felidae", "strigidae", "asteriidae", "papilionidae"], quiet=True)
    text = (Path(__file__).parents[2] / "docs" / "study.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^raravis (reproduce bestiary .*)$", text, flags=re.MULTILINE)
    words = ["out" if word == "study" else word for word in line.split()]
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, [*words, "--set", "runs=basic_cnn,parallel_cnn", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert [row["run"] for row in told["table"]] == ["basic_cnn", "parallel_cnn"]
    assert all(row["epochs"] <= most for row, most in zip(told["table"], (6, 3), strict=True))  # a fifth of 30 and 15
    compared = pd.read_csv(tmp_path / "out" / "augment" / "comparison.csv")
    assert set(compared["pipeline"]) == {"none", "one", "two", "three"}
    assert Run.open(tmp_path / "out" / "augment" / "runs" / "two-1").recipe.train.epochs == 2
    assert "Augmentations compared" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
