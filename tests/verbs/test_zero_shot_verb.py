"""Families named by a network that reads: from a list alone, on labelled images, and with a few photographs."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import raravis
from raravis.errors import DataError, RecipeError, UsageError
from raravis.run import Run

pytest.importorskip("keras_hub", reason="the extra 'hub' is not installed")
pytestmark = pytest.mark.engine

FIXTURE = Path(__file__).parents[1] / "backbones" / "fixtures" / "open_clip"
SMALL = {"data.size": 32, "model.backbone": "bioclip"}


@pytest.fixture
def changes(tmp_path):
    return {**SMALL, "model.weights": str(shutil.copytree(FIXTURE, tmp_path / "bioclip"))}


@pytest.fixture
def named(tmp_path):
    file = tmp_path / "labels.csv"
    file.write_text("family,class\nfelidae,mammalia\nursidae,mammalia\ncanidae,mammalia\n")
    return file


def test_a_list_of_names_is_a_run_that_identifies(named, changes, photos36, tmp_path):
    out = tmp_path / "run"
    outcome = raravis.zero_shot(named, set=changes, out=out, quiet=True)
    assert outcome.figures["families"] == 3
    assert Run.open(out).families == ("canidae", "felidae", "ursidae")
    raravis.predict(out, [str(photos36)], out=tmp_path / "rows.csv", quiet=True)
    rows = pd.read_csv(tmp_path / "rows.csv")
    assert len(rows) == 36
    assert set(rows["family"]) <= {"canidae", "felidae", "ursidae"}
    judged = raravis.evaluate(out, data=str(photos36), quiet=True)
    assert judged.figures["n"] == 36
    with pytest.raises(UsageError, match="--data"):
        raravis.evaluate(out, quiet=True)


def test_its_answers_are_similarities_of_image_and_name(named, changes, photos36, tmp_path):
    from raravis import backbones
    from raravis.prompts import prompts

    out = tmp_path / "run"
    raravis.zero_shot(named, set=changes, out=out, quiet=True)
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype(np.uint8)
    logits = Run.open(out).load_model().predict(images, verbose=0)
    seen = backbones.extractor("bioclip", size=32, weights=changes["model.weights"]).predict(images, verbose=0)
    seen /= np.linalg.norm(seen, axis=1, keepdims=True)
    wider = {"kingdom": "animalia", "phylum": "chordata", "class": "mammalia", "order": "carnivora"}
    lineages = [{**wider, "family": family} for family in ("canidae", "felidae", "ursidae")]
    names, scale = backbones.text_features("bioclip", changes["model.weights"], [prompts(one) for one in lineages])
    np.testing.assert_allclose(logits, scale * seen @ names.T, atol=1e-3)


def test_names_that_no_table_knows_are_told(changes, tmp_path):
    file = tmp_path / "labels.txt"
    file.write_text("felidae\nfelidea\nxyzzy\n")
    outcome = raravis.zero_shot(file, set=changes, out=tmp_path / "run", quiet=True)
    told = " ".join(outcome.notes)
    assert "did you mean felidae?" in told
    assert "xyzzy" in told


def test_what_is_asked_of_species_that_were_not_shown(changes, photos36, tmp_path):
    """Names alone have seen none of them; with photographs shown, those of other species only."""
    files = sorted(photos36.glob("*/*.jpg"))
    rows = [(f.relative_to(photos36).as_posix(), f.parent.name, f"s{int(f.stem) % 3}") for f in files]
    table = tmp_path / "table.csv"
    pd.DataFrame(rows, columns=["file_path", "family", "species"]).to_csv(table, index=False)
    judged = {}
    for recipe, more in (("zero_shot", {}), ("few_shot", {"model.shots": 6})):
        out = tmp_path / recipe
        raravis.train(str(table), recipe=recipe, set={**changes, **more}, root=photos36, out=out, quiet=True)
        judged[recipe] = json.loads((out / "metrics.json").read_text())
    for metrics in judged.values():
        assert metrics["held_out_species"]["n"] == metrics["train"]["n"] + metrics["val"]["n"]
    names = judged["zero_shot"]
    together = sum(names[side]["n"] * names[side]["accuracy"] for side in ("train", "val"))
    assert names["held_out_species"]["accuracy"] == pytest.approx(together / names["held_out_species"]["n"])


def test_photographs_move_the_names(changes, photos36, tmp_path):
    without, shown = tmp_path / "without", tmp_path / "shown"
    raravis.train(str(photos36), recipe="zero_shot", set=changes, out=without, quiet=True)
    raravis.train(str(photos36), recipe="few_shot", set={**changes, "model.shots": 6}, out=shown, quiet=True)
    tried = pd.read_csv(shown / "heads.csv")
    assert {head.rpartition(" ")[2] for head in tried["head"]} == {"0", "0.25", "0.5", "0.75", "1"}
    assert tried["macro_f1"].is_monotonic_decreasing
    before, after = (json.loads((run / "metrics.json").read_text()) for run in (without, shown))
    alone = tried.loc[tried["head"].str.endswith("share 0"), "macro_f1"].item()
    assert alone == pytest.approx(before["val"]["macro_f1"])
    assert after["val"]["macro_f1"] == pytest.approx(tried["macro_f1"].iloc[0])
    assert after["val"]["macro_f1"] > alone
    assert after["train"]["loss"] != before["train"]["loss"]
    assert not (without / "heads.csv").exists()


def test_lists_and_recipes_that_do_not_fit_are_told(named, changes, tmp_path):
    with pytest.raises(UsageError, match="reads no names"):
        raravis.zero_shot(named, set={"model.backbone": "MobileNetV2"}, out=tmp_path / "a", quiet=True)
    with pytest.raises(UsageError, match="asks by names alone"):
        raravis.zero_shot(named, recipe="few_shot", out=tmp_path / "b", quiet=True)
    with pytest.raises(RecipeError, match="names no family"):
        raravis.zero_shot(named, set={"model.templates": ["a photo"]}, out=tmp_path / "c", quiet=True)
    named.write_text("family\nfelidae\nfelidae\n")
    with pytest.raises(DataError, match="twice"):
        raravis.zero_shot(named, set=changes, out=tmp_path / "d", quiet=True)
    assert not any((tmp_path / name / "recipe.toml").exists() for name in "abcd")
