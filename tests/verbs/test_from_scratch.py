"""The recipe `best` without any weights: what was asked for holds, and what was trained is measured on val."""

import json
import shutil

import pandas as pd
import pytest

import raravis
from raravis import recipe
from raravis.errors import DataError, RunError
from raravis.run import Run
from raravis.verbs import _best, _scratch

pytestmark = pytest.mark.engine

SMALL = {
    "patches": {"model.filters": 4, "model.depth": 8, "model.words": 4, "model.width": 8},
    "modern_cnn": {"model.stem": [4, 4], "model.filters": [8, 8], "model.blocks": [1, 1], "train.epochs": 4},
}


@pytest.fixture
def without_weights(tmp_path, monkeypatch):
    """No backbone at hand, and networks of seconds."""
    load = recipe.load

    def small(name, changes=(), *, seed=None):
        return load(name, {**SMALL.get(str(name), {}), **dict(recipe.pairs(changes))}, seed=seed)

    monkeypatch.setenv("RARAVIS_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(recipe, "load", small)


@pytest.fixture
def alone(monkeypatch):
    """There is time for `patches`, and no more."""
    monkeypatch.setattr(_scratch, "further", lambda *_, **__: [])


@pytest.fixture
def with_species(photos36, tmp_path):
    """A table of the photographs that tells four species in each family."""
    rows = [
        (f.relative_to(photos36).as_posix(), f.parent.name, f"{f.parent.name} s{int(f.stem) % 4}")
        for f in sorted(photos36.glob("*/*.jpg"))
    ]
    pd.DataFrame(rows, columns=["file_path", "family", "species"]).to_csv(tmp_path / "table.csv", index=False)
    return tmp_path / "table.csv"


def test_what_was_asked_for_holds_and_is_measured(without_weights, alone, with_species, photos36, tmp_path):
    given = {
        "data.size": 96,
        "data.fit": "pad",
        "split.policy": "held-out-species",
        "split.fractions": [0.5, 0.25, 0.25],
    }
    model = {"model.objective": "accuracy", "model.heads": ["knn"], "model.folds": 2, "model.learn_from": "train"}
    out, described = tmp_path / "run", {"description": "mine", "published.source": "a paper", "seed": 5}
    where = {"root": photos36, "out": out, "quiet": True}
    outcome = raravis.train(str(with_species), recipe="best", set={**given, **model, **described}, minutes=5, **where)
    run = Run.open(out)
    table = run.recipe.model_dump(mode="json")
    assert table["model"]["name"] == "patches"
    for key, value in {**given, **model}.items():
        section, field = key.split(".")
        assert table[section][field] == value, key
    assert (run.recipe.seed, run.recipe.description, run.recipe.published.source) == (5, "mine", "a paper")
    species = run.split.merge(pd.read_csv(with_species), on="file_path").groupby("species")["split"]
    assert (species.nunique() == 1).all()
    assert set(pd.read_csv(out / "heads.csv")["head"].str.partition(",")[0]) == {"knn"}
    (row,) = pd.read_csv(out / "tried.csv").to_dict("records")
    val = json.loads((out / "metrics.json").read_text())["val"]
    assert (row["trial"], row["verdict"]) == ("patches", "kept")
    assert (row["accuracy"], row["macro_f1"]) == pytest.approx((val["accuracy"], val["macro_f1"]))
    assert row["seconds"] == pytest.approx(run.history["seconds"].sum(), abs=0.1)
    assert f"{val['macro_f1']:.3f}" in (out / "report.html").read_text()
    assert "no backbone's weights are at hand" in outcome.notes[0]
    assert "Nothing else was tried: 5 minutes have no room for a network by the epoch" in outcome.notes[0]


def test_what_was_not_asked_for_is_as_the_recipe_of_the_network_has_it(without_weights, alone, photos36, tmp_path):
    out = tmp_path / "run"
    raravis.train(str(photos36), recipe="best", out=out, quiet=True)
    assert Run.open(out).recipe == recipe.load("patches")


def test_in_the_time_left_a_network_by_the_epoch_is_measured_too_and_a_kill_loses_nothing(
    without_weights, photos36, tmp_path, monkeypatch
):
    from raravis.learn import fit, fused

    given = {"data.size": 32, "data.fit": "crop", "model.objective": "accuracy", "split.fractions": [0.6, 0.2, 0.2]}
    cut, begun = tmp_path / "cut", {"recipe": "best", "set": given, "minutes": 5, "quiet": True}

    def killed(*_, **__):
        raise KeyboardInterrupt

    def kept(out):
        return {file.parent.name: file.stat().st_mtime_ns for file in out.glob("members/*/model.keras")}

    with monkeypatch.context() as patch:
        patch.setattr(fit, "fit", killed)
        with pytest.raises(KeyboardInterrupt):
            raravis.train(str(photos36), out=cut, **begun)
    first = kept(cut)
    assert set(first) == {"patches"}
    with pytest.raises(RunError, match="--resume"):
        raravis.train(str(photos36), out=cut, **begun)
    with monkeypatch.context() as patch:
        patch.setattr(fused, "compared", killed)
        with pytest.raises(KeyboardInterrupt):
            raravis.train(str(photos36), out=cut, **begun, resume=True)
    both = kept(cut)
    assert both == {**both, **first}
    for gain in (0.01, 0.0):
        out = shutil.copytree(cut, tmp_path / f"gain of {gain}")
        monkeypatch.setattr(fused, "compared", lambda *_, gain=gain, **__: (0.5, 0.5 + gain))
        outcome = raravis.train(str(photos36), out=out, **begun, resume=True)
        assert kept(out) == both
        members = [Run.open(out / "members" / name) for name in ("patches", "modern_cnn")]
        whole = Run.open(out).recipe
        for one in (whole, *(member.recipe for member in members)):
            assert (one.data, one.split) == (members[0].recipe.data, members[0].recipe.split)
        assert (whole.data.size, whole.data.fit, whole.split.fractions) == (32, "crop", (0.6, 0.2, 0.2))
        assert whole.model.objective == "accuracy"
        assert members[1].recipe.train.monitor == "val_accuracy"
        assert whole.model.name == ("fused" if gain else "patches")
        tried = pd.read_csv(out / "tried.csv")
        assert tried["trial"].tolist() == ["patches", "modern_cnn"]
        assert tried["verdict"].tolist() == ["kept", "kept" if gain else "left out: val gains nothing by it"]
        for row, member in zip(tried.itertuples(), members, strict=True):
            val = json.loads((member.path / "metrics.json").read_text())["val"]
            assert (row.accuracy, row.macro_f1) == pytest.approx((val["accuracy"], val["macro_f1"]))
            assert row.seconds > 0
        assert "modern_cnn was trained for 4 epochs too and " in outcome.notes[0]
        assert ("all are joined" if gain else "left out: joined") in outcome.notes[0]


def test_a_network_by_the_epoch_takes_the_epochs_that_fit_beside_patches(monkeypatch):
    from raravis.learn import patches
    from raravis.study import estimate

    monkeypatch.setattr(_scratch, "accelerated", lambda: True)
    monkeypatch.setattr(estimate, "measure", lambda recipe, classes: estimate.Steps(1, 10, 1, 0, False, 9))
    monkeypatch.setattr(patches, "seconds", lambda options, **_: 50.0)
    first = recipe.load("patches", {"data.size": 96, "data.fit": "pad", "model.objective": "accuracy"}, seed=7)
    counts = {"train": 640, "val": 64, "families": 3}
    (made,) = _scratch.further(first, **counts, minutes=20)
    assert made.epochs == 10  # of 101 s, 12 s around them, and patches twice
    assert (made.model.name, made.augment.mix, made.seed) == ("modern_cnn", "cutmix", 7)
    assert (made.data, made.train.sizes, made.train.monitor) == (first.data, (48, 64, 80), "val_accuracy")
    assert _scratch.further(first, **counts, minutes=11) == []
    assert _scratch.further(first, **counts, minutes=999)[0].epochs == 200
    monkeypatch.setattr(_scratch, "accelerated", lambda: False)
    (made,) = _scratch.further(first, **counts, minutes=999)
    assert (made.epochs, made.augment.mix, made.train.sizes) == (42, "none", (48, 64, 80))


def test_images_are_of_the_size_of_the_networks_unless_another_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("RARAVIS_WEIGHTS", str(tmp_path))
    for accelerated, side in ((False, 160), (True, 224)):
        monkeypatch.setattr(_scratch, "accelerated", lambda found=accelerated: found)
        assert _best.sized(tmp_path, recipe.load("best", {"data.fit": "pad"})).data.size == side
        for asked in (96, 224):
            assert _best.sized(tmp_path, recipe.load("best", {"data.size": asked})).data.size == asked


def test_too_few_minutes_are_one_clear_error(without_weights, photos36, tmp_path, monkeypatch):
    from raravis.learn import patches

    monkeypatch.setattr(patches, "seconds", lambda options, **_: 600.0)
    with pytest.raises(DataError, match=r"filters from scratch take about 10.0 minutes"):
        raravis.train(str(photos36), recipe="best", minutes=5, out=tmp_path / "no", quiet=True)
    assert not (tmp_path / "no" / "recipe.toml").exists()
