"""How far a run may be believed, as users meet it: in its folder, its report, its card, and the rows of `predict`."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.special import softmax

import raravis
from raravis import engine
from raravis.errors import RunError, UsageError
from raravis.run import Run

pytestmark = pytest.mark.engine

FAMILIES = {
    "canidae": (200, 40, 40),
    "felidae": (40, 200, 40),
    "ursidae": (40, 40, 200),
    "anatidae": (200, 200, 40),
    "strigidae": (200, 40, 200),
    "corvidae": (40, 200, 200),
    "apidae": (230, 230, 230),
    "papilionidae": (20, 20, 20),
    "ranidae": (230, 130, 30),
}
EACH = 24


@pytest.fixture(scope="module")
def animals(tmp_path_factory, photo):
    """Nine families of three phyla or orders, each of its own colour."""
    folder = tmp_path_factory.mktemp("photos") / "animals"
    for number, (family, tint) in enumerate(FAMILIES.items()):
        (folder / family).mkdir(parents=True)
        for i in range(EACH):
            photo(1000 * number + i, tint).save(folder / family / f"{i:02}.png")
    return folder


@pytest.fixture(scope="module")
def run(animals, tmp_path_factory):
    """A run that was judged on test; copy it before changing it."""
    out = tmp_path_factory.mktemp("runs") / "run"
    settings = {"data.size": 16, "train.epochs": 8, "augment.pipeline": "none", "train.batch_size": 16}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RARAVIS_CACHE", str(tmp_path_factory.mktemp("cache")))
        raravis.train(str(animals), recipe="quick", set=settings, out=out, quiet=True)
        raravis.evaluate(out, quiet=True)
    return out


def rows(run, paths, out, **options):
    raravis.predict(run, paths, out=out, quiet=True, **options)
    return pd.read_csv(out, keep_default_na=False)


def test_a_run_keeps_what_says_how_far_it_may_be_believed(run):
    trust = Run.open(run).load_trust()
    assert trust.families == tuple(sorted(FAMILIES))
    assert trust.taxonomy.lineage("felidae")["order"] == "carnivora"
    assert {row["scorer"] for row in trust.table} >= {"combined", "max_probability", "relative_mahalanobis"}
    assert {"near", "no animal"} <= set(trust.rehearsed)
    judged = json.loads((run / "metrics.json").read_text())["test"]["trust"]
    assert sum(judged["verdicts"].values()) == pytest.approx(1)
    assert 0 <= judged["sets"]["coverage"] <= 1
    assert judged["calibration"]["n"] == judged["sets"]["n"]


def test_the_network_in_the_folder_is_the_calibrated_one(run, animals):
    opened = Run.open(run)
    trust, model = opened.load_trust(), opened.load_model()
    table = opened.split.query("split == 'val'").head(4)
    pixels = np.stack([np.asarray(Image.open(animals / p).resize((16, 16))) for p in table["file_path"]])
    raw = engine.keras().Model(model.input, model.get_layer("logits").output)
    before, after = (np.asarray(m.predict(pixels.astype(np.float32), verbose=0)) for m in (raw, model))
    np.testing.assert_allclose(softmax(after, axis=1), trust.calibration(before), atol=1e-5)
    kept = pd.read_parquet(run / "predictions.parquet").set_index("image_id").loc[table["image_id"]]
    assert kept["predicted"].tolist() == [trust.families[k] for k in after.argmax(axis=1)]


def test_rows_tell_a_verdict_a_set_a_novelty_and_a_taxon(run, animals, photo, tmp_path):
    strange = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    strange[::2] = 255 - strange[::2]
    Image.fromarray(strange).save(tmp_path / "noise.png")
    photo(99, FAMILIES["felidae"]).save(tmp_path / "cat.png")
    table = rows(run, [tmp_path / "cat.png", tmp_path / "noise.png"], tmp_path / "rows.csv")
    assert set(table["verdict"]) <= {"identified", "uncertain", "unfamiliar"}
    assert table["novelty"].astype(float).between(0, 1).all()
    assert table["taxon_rank"].isin(["family", "order", "class", "phylum", "kingdom"]).all()
    assert (table["reason"] != "").all()
    known = rows(run, [animals], tmp_path / "known.csv")
    assert float(table["novelty"][1]) > known["novelty"].astype(float).median()
    inside = [f in s.split("|") for f, s in zip(known["family"], known["prediction_set"], strict=True) if s]
    assert np.mean(inside) > 0.95


def test_what_is_asked_changes_what_is_told(run, animals, tmp_path):
    plain = rows(run, [animals], tmp_path / "plain.csv")
    wide = rows(run, [animals], tmp_path / "wide.csv", coverage=0.99)
    sizes = [t["prediction_set"].str.split("|").map(len).sum() for t in (plain, wide)]
    assert sizes[1] >= sizes[0]
    strict = rows(run, [animals], tmp_path / "strict.csv", accept=0.999, familiar=0.5)
    assert (strict["verdict"] == "identified").sum() < (plain["verdict"] == "identified").sum()
    assert (strict["verdict"] == "unfamiliar").sum() > (plain["verdict"] == "unfamiliar").sum()
    with pytest.raises(UsageError, match="between 0 and 1"):
        rows(run, [animals], tmp_path / "x.csv", accept=90.0)


def test_going_on_with_other_promises_is_refused(run, animals, tmp_path):
    from raravis.errors import StorageError

    rows(run, [animals], tmp_path / "rows.csv")
    with pytest.raises(StorageError, match="other options"):
        rows(run, [animals], tmp_path / "rows.csv", familiar=0.01, resume=True)


def test_a_run_without_it_says_no_more_than_it_knows(run, animals, tmp_path):
    bare = tmp_path / "bare"
    shutil.copytree(run, bare)
    (bare / "trust.npz").unlink()
    table = rows(bare, [animals], tmp_path / "rows.csv")
    assert (table[["verdict", "prediction_set", "novelty", "taxon", "reason"]] == "").all(axis=None)
    with pytest.raises(UsageError, match="nothing to base --coverage on"):
        rows(bare, [animals], tmp_path / "more.csv", coverage=0.8)


def test_a_damaged_one_is_told(run, animals, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(run, broken)
    whole = (broken / "trust.npz").read_bytes()
    (broken / "trust.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RunError, match=r"trust\.npz cannot be read"):
        rows(broken, [animals], tmp_path / "rows.csv")


def test_the_report_and_the_card_tell_it(run):
    page = (run / "report.html").read_text()
    for title in ("Its promises, and how it kept them", "Prediction sets", "What it has never seen"):
        assert title in page
    card = (run / "card.md").read_text()
    assert "Assume that it is wrong until you have checked it" in card
    assert "strigidae" in card
    assert "held it" in card


def test_too_few_validation_images_make_wide_sets_and_no_promise(tmp_path, draw):
    few = draw(tmp_path / "few", 8)
    settings = {"data.size": 16, "train.epochs": 1, "augment.pipeline": "none"}
    outcome = raravis.train(str(few), recipe="quick", set=settings, out=tmp_path / "run", quiet=True)
    assert any("images" in note and "needed" in note for note in outcome.notes)
    table = rows(tmp_path / "run", [few], tmp_path / "rows.csv")
    assert (table["prediction_set"].str.split("|").map(len) == 3).all()
    assert (table["verdict"] != "identified").all()
    assert (table["taxon_rank"] == "kingdom").all()
