"""Augmentations previewed and compared: figures that show something, equal conditions, nothing trained twice."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import stats

import raravis
from raravis.errors import RunError, UsageError
from raravis.judge import repeats
from raravis.run import Run

pytestmark = pytest.mark.engine

SMALL = {"data.size": 16, "model.filters": [4, 4], "train.epochs": 2, "train.batch_size": 8}
GIVEN = {"pipelines": ["none", "flip"], "repeats": 2, "set": SMALL, "seed": 5, "quiet": True}


@pytest.fixture(scope="module")
def compared(photos36, tmp_path_factory):
    out = tmp_path_factory.mktemp("compare") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RARAVIS_CACHE", str(tmp_path_factory.mktemp("cache")))
        return raravis.augment.compare(str(photos36), out=out, **GIVEN)


def test_preview_has_a_row_for_every_layer_and_pipeline(photos36, tmp_path):
    done = raravis.augment.preview(str(photos36), out=tmp_path / "out", pipelines="one,none", images=3, quiet=True)
    assert done.figures == {"layers": 4, "pipelines": 2, "images": 3}
    drawn = np.asarray(Image.open(tmp_path / "out" / "preview.png").convert("RGB"))
    side, gap, top, left = 160, 8, 40, 190
    assert drawn.shape[0] == top + (1 + 4 + 2) * (side + gap) + gap

    def cell(row: int, column: int) -> np.ndarray:
        first = top + row * (side + gap)
        return drawn[first : first + side, left + column * (side + gap) :][:, :side].astype(int)

    assert np.abs(cell(0, 0) - cell(1, 0)).max() > 5  # brightness
    np.testing.assert_array_equal(cell(0, 1), cell(6, 1))  # the pipeline `none`


def test_conditions_are_equal_but_for_the_pipeline_and_the_repeat_s_seed(compared):
    runs = {path.name: Run.open(path) for path in sorted((compared.out / "runs").iterdir())}
    assert sorted(runs) == ["flip-1", "flip-2", "none-1", "none-2"]
    assert len({(run.path / "split.csv").read_bytes() for run in runs.values()}) == 1
    for name, run in runs.items():
        pipeline, repeat = name.split("-")
        assert run.recipe.augment.pipeline == pipeline
        assert run.recipe.seed == 4 + int(repeat)
    same = [run.recipe.model_dump(exclude={"augment", "seed"}) for run in runs.values()]
    assert all(recipe == same[0] for recipe in same)
    assert same[0]["train"]["patience"] == 0


def test_the_table_is_of_the_trainings_and_test_is_not_touched(compared):
    table = pd.read_csv(compared.out / "comparison.csv").set_index("pipeline")
    for pipeline in ("none", "flip"):
        folders = [compared.out / "runs" / f"{pipeline}-{repeat}" for repeat in (1, 2)]
        judged = [json.loads((folder / "metrics.json").read_text()) for folder in folders]
        assert all("test" not in found for found in judged)
        scores = [found["val"]["accuracy"] for found in judged]
        assert table.loc[pipeline, "val_accuracy"] == pytest.approx(np.mean(scores))
    assert table["val_accuracy"].is_monotonic_decreasing
    assert compared.figures["best"] == table.index[0]
    assert (compared.out / "comparison.png").stat().st_size > 1000


def test_it_goes_on_with_more_pipelines_and_trains_none_twice(compared, photos36, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(compared.out, out)
    before = {path: path.stat().st_mtime_ns for path in out.glob("runs/*/history.csv")}
    with pytest.raises(RunError, match="--resume"):
        raravis.augment.compare(str(photos36), out=out, **GIVEN)
    more = {**GIVEN, "pipelines": "none,flip,one"}
    done = raravis.augment.compare(str(photos36), out=out, **more, resume=True)
    assert {row["pipeline"] for row in done.figures["pipelines"]} == {"none", "flip", "one"}
    assert {path: path.stat().st_mtime_ns for path in before} == before
    other = {**GIVEN, "set": {**SMALL, "train.epochs": 3}}
    with pytest.raises(RunError, match=r"recipe\.train\.epochs"):
        raravis.augment.compare(str(photos36), out=out, **other, resume=True)


def test_it_does_not_go_on_with_other_images(compared, draw, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(compared.out, out)
    other = draw(tmp_path / "other", 12, first=500_000)
    with pytest.raises(RunError, match="split_digest"):
        raravis.augment.compare(str(other), out=out, **GIVEN, resume=True)


def test_data_that_cannot_be_used_leaves_no_beginning(photos36, tmp_path):
    with pytest.raises(UsageError):
        raravis.augment.compare(str(tmp_path / "gone"), out=tmp_path / "out", **GIVEN)
    raravis.augment.compare(str(photos36), out=tmp_path / "out", **{**GIVEN, "pipelines": "none", "repeats": 1})
    table = pd.read_csv(tmp_path / "out" / "comparison.csv")
    assert table["interval"].tolist() == ["95% Wilson over images"]


def test_unknown_pipelines_are_told_before_anything_is_written(photos36, tmp_path):
    for verb in (raravis.augment.preview, raravis.augment.compare):
        with pytest.raises(UsageError, match="Did you mean 'flip'"):
            verb(str(photos36), out=tmp_path / "out", pipelines="flup", quiet=True)
    assert not (tmp_path / "out").exists()


def test_intervals_are_students_over_repeats_and_wilsons_of_one():
    one = pd.DataFrame({"pipeline": ["a", "b"], "val_accuracy": [0.5, 0.9], "val_n": [100, 100]})
    table = repeats.summary(one, by="pipeline", sides=("val",)).set_index("pipeline")
    low, high = stats.binomtest(50, 100).proportion_ci(method="wilson")
    assert table.loc["a", ["val_accuracy_low", "val_accuracy_high"]].tolist() == pytest.approx([low, high])
    three = pd.DataFrame({"pipeline": ["a"] * 3, "val_accuracy": [0.4, 0.5, 0.6], "val_n": [100] * 3})
    row = repeats.summary(three, by="pipeline", sides=("val",)).iloc[0]
    half = 4.302653 * 0.1 / np.sqrt(3)
    assert (row["val_accuracy_low"], row["val_accuracy_high"]) == pytest.approx((0.5 - half, 0.5 + half))
    assert row["repeats"] == 3
