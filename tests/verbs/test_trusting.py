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
EACH = 48
"""So that there are 63 validation images: with fewer than 49 no taxon can be promised."""


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
    assert {row["scorer"] for row in trust.table} == {"entropy", "max_probability"}, "it learned these families"
    assert not trust.frozen
    assert any("in earnest it does worse" in note for note in trust.notes)
    assert {row["method"] for row in trust.set_methods} == {"lac", "aps", "raps", "prior"}
    assert {"near", "no animal"} <= set(trust.rehearsed)
    judged = json.loads((run / "metrics.json").read_text())["test"]["trust"]
    assert sum(judged["verdicts"].values()) == pytest.approx(1)
    assert 0 <= judged["sets"]["coverage"] <= 1
    assert judged["calibration"]["after"]["n"] == judged["sets"]["n"]
    assert not judged["fitted_here"]
    per_family = json.loads((run / "metrics.json").read_text())["test"]["per_family"]
    assert all(0 <= row["coverage"] <= 1 for row in per_family.values() if row["support"])


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


def test_why_says_the_verdict_that_predict_says(run, animals, photo, tmp_path):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (40, 40, 3)).astype(np.uint8)).save(tmp_path / "noise.png")
    photo(99, FAMILIES["felidae"]).save(tmp_path / "cat.png")
    given = [tmp_path / "cat.png", tmp_path / "noise.png"]
    table = rows(run, given, tmp_path / "rows.csv")
    found = raravis.explain(run, given, out=tmp_path / "why", nearest=0, images=9, quiet=True).figures["photographs"]
    for row, one in zip(table.to_dict("records"), found, strict=True):
        told = one["why"]["trust"]
        names = ("verdict", "reason", "taxon_rank", "taxon")
        assert [told[name] for name in names] == [row[name] for name in names]
        assert "|".join(told["prediction_set"]) == row["prediction_set"]
        assert told["novelty"] == pytest.approx(float(row["novelty"]), abs=1e-3)
    page = (tmp_path / "why" / "report.html").read_text()
    assert all(f"{row['verdict'].capitalize()}: " in page for row in table.to_dict("records"))


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


def test_what_is_identified_fits_its_set_and_is_more_than_an_animal(run, animals, tmp_path):
    table = rows(run, [animals], tmp_path / "rows.csv", coverage=0.6)
    identified, empty = table[table["verdict"] == "identified"], table["prediction_set"] == ""
    assert len(identified) > 20
    assert empty.sum() > 20, "a network that is nearly always right covers too much but by saying nothing"
    assert (table["reason"][empty & (table["verdict"] == "uncertain")] == "no family fits as well as it should").all()
    assert all(f in s.split("|") for f, s in zip(identified["family"], identified["prediction_set"], strict=True))
    assert "kingdom" not in set(identified["taxon_rank"])


def test_evaluate_judges_other_promises_and_says_which_cannot_be_made(run, animals, tmp_path):
    own = shutil.copytree(run, tmp_path / "own")
    outcome = raravis.evaluate(own, coverage=0.75, familiar=0.9999, quiet=True)
    told = json.loads((own / "metrics.json").read_text())["test"]["trust"]
    assert told["sets"]["asked"] == 0.75
    assert told["unfamiliar"]["share"] == 0
    assert any("9,999 are needed" in note for note in outcome.notes)
    assert "9,999 are needed" in (own / "report.html").read_text()
    with pytest.raises(UsageError, match="between 0 and 1"):
        raravis.evaluate(own, right=98, quiet=True)
    (own / "trust.npz").unlink()
    with pytest.raises(UsageError, match="nothing to base --accept on"):
        raravis.evaluate(own, accept=0.8, quiet=True)


def test_val_is_not_said_to_be_unseen(run, tmp_path):
    own = shutil.copytree(run, tmp_path / "own")
    raravis.evaluate(own, split="val", quiet=True)
    assert json.loads((own / "metrics.json").read_text())["val"]["trust"]["fitted_here"]
    page = (own / "report.html").read_text()
    assert "These are the images that the thresholds were set on" in page
    assert "before these were looked at" not in page


def test_new_families_in_data_are_judged_as_new(run, animals, photo, tmp_path):
    others = tmp_path / "others"
    for family, tint in (
        ("felidae", FAMILIES["felidae"]),
        ("mustelidae", (120, 60, 10)),
        ("octopodidae", (9, 99, 160)),
    ):
        (others / family).mkdir(parents=True)
        for i in range(6):
            photo(7000 + len(family) * 100 + i, tint).save(others / family / f"{i}.png")
    outcome = raravis.evaluate(run, data=str(others), quiet=True)
    found = json.loads((outcome.out / "metrics.json").read_text())["test"]
    assert found["n"] == 6
    new = found["trust"]["novel"]
    assert (new["n"], new["families"], new["near"]["n"], new["far"]["n"]) == (12, 2, 6, 6)
    assert set(new["per_family"]) == {"mustelidae", "octopodidae"}
    assert outcome.figures["novel_auroc"] == new["auroc"]
    assert "12 images are of families that the run does not know" in outcome.notes[-1]
    page = (outcome.out / "report.html").read_text()
    assert "12 photographs of 2 families that it does not know" in page


def test_another_network_or_other_families_in_the_folder_are_told(run, animals, tmp_path):
    from raravis.run import save_model

    swapped = shutil.copytree(run, tmp_path / "swapped")
    model = Run.open(swapped).load_model()
    for weight in model.weights:
        weight.assign(weight * 1.01)
    save_model(model, swapped / "model.keras")
    with pytest.raises(RunError, match=r"trust\.npz is of another network than model\.keras\.\nPut back"):
        rows(swapped, [animals], tmp_path / "rows.csv")
    with pytest.raises(RunError, match="another network"):
        raravis.evaluate(swapped, quiet=True)
    renamed = shutil.copytree(run, tmp_path / "renamed")
    split = (renamed / "split.csv").read_text()
    (renamed / "split.csv").write_text(split.replace(",felidae,", ",mustelidae,"))
    with pytest.raises(RunError, match=r"other families than split\.csv \(felidae, mustelidae\)"):
        rows(renamed, [animals], tmp_path / "rows.csv")


def test_families_without_validation_images_are_named_and_new_ones_of_the_split_are_judged(animals, tmp_path):
    raravis.split(str(animals), out=tmp_path / "split.csv", quiet=True)
    table = pd.read_csv(tmp_path / "split.csv")
    lacking = table["family"].isin(["apidae", "ranidae"]) & (table["split"] == "val")
    table.loc[lacking, "split"] = "train"
    table.loc[table["family"] == "papilionidae", "split"] = "novel"
    table.to_csv(tmp_path / "split.csv", index=False)
    settings = {"data.size": 16, "train.epochs": 1, "augment.pipeline": "none"}
    outcome = raravis.train(
        str(animals), recipe="quick", set=settings, split=tmp_path / "split.csv", out=tmp_path / "run", quiet=True
    )
    told = [note for note in outcome.notes if note.startswith("No validation images of apidae, ranidae:")]
    assert len(told) == 1
    assert told[0] in (tmp_path / "run" / "card.md").read_text()
    outcome = raravis.evaluate(tmp_path / "run", quiet=True)
    found = json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]
    new = found["trust"]["novel"]
    assert (new["n"], new["families"], new["between"]["n"]) == (EACH, 1, EACH), "of insects the bees alone are known"
    assert 0 <= new["auroc"] <= 1
    assert outcome.figures["per_family"]["felidae"]["support"] == found["per_family"]["felidae"]["support"] > 0
    assert outcome.figures["brier"] == pytest.approx(found["trust"]["calibration"]["after"]["brier"], rel=1e-5)
    assert f"{EACH} images are of families that the run does not know" in outcome.notes[-1]
    kept = pd.read_parquet(tmp_path / "run" / "predictions.parquet")
    assert set(kept["split"]) == {"train", "val", "test"}


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
    assert "assume it is wrong until you have checked on your own site" in card
    assert f"raravis {raravis.__version__}" in card
    assert Run.open(run).status["updated"] in card
    judged = json.loads((run / "metrics.json").read_text())["test"]["trust"]
    assert "| so it is |" in card
    assert f"{judged['verdicts']['unfamiliar']:.1%} are called unfamiliar" in card
    assert f"risk-coverage curve {judged['selective']['aurc']:.4f}" in card
    for told in (judged["calibration"], *judged["calibration"]["per_phylum"].values()):
        assert f"{told['after']['brier']:.3f}" in card
    assert "| arthropoda | " in card
    assert "so in earnest it does worse" in card  # its layers have learned the families that were kept back
    assert "strigidae" in card


def test_too_few_validation_images_make_wide_sets_and_no_promise(tmp_path, draw):
    few = draw(tmp_path / "few", 8)
    settings = {"data.size": 16, "train.epochs": 1, "augment.pipeline": "none"}
    outcome = raravis.train(str(few), recipe="quick", set=settings, out=tmp_path / "run", quiet=True)
    assert any("images" in note and "needed" in note for note in outcome.notes)
    table = rows(tmp_path / "run", [few], tmp_path / "rows.csv")
    assert (table["prediction_set"].str.split("|").map(len) == 3).all()
    assert (table["verdict"] != "identified").all()
    assert (table["taxon_rank"] == "kingdom").all()
