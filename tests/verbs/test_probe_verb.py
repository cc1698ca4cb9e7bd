"""Heads on frozen backbones, as users meet them: trained, chosen within minutes, refused with a reason."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.special import softmax

import raravis
from raravis import credits, engine, recipe
from raravis.errors import DataError, RecipeError, RunError, UsageError
from raravis.judge import crossed
from raravis.run import Run
from raravis.verbs import _best

pytestmark = pytest.mark.engine

SIZE = 16


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder with two saved networks: `plain`, and `flat`, which sees no colours and so tells less."""
    keras = engine.keras()
    folder = tmp_path_factory.mktemp("weights")
    for name in ("plain", "flat"):
        keras.utils.set_random_seed(1)
        x = image = keras.Input((SIZE, SIZE, 3))
        x = keras.layers.Conv2D(3, 1, name="mixed")(x)
        x = keras.layers.Conv2D(12, 3, activation="relu")(x)
        net = keras.Model(image, x)
        if name == "flat":
            net.get_layer("mixed").set_weights([np.ones((1, 1, 3, 3)) / 3, np.zeros(3)])
        net.save(folder / f"{name}.keras")
        (folder / f"{name}.toml").write_text("mean = 128\nscale = 0.01")
    return folder


@pytest.fixture
def at_hand(weights, monkeypatch):
    monkeypatch.setenv("RARAVIS_WEIGHTS", str(weights))
    return weights


SETTINGS = {"data.size": SIZE, "model.heads": ["lda"]}


def probed(photos36, out, **changes):
    given = {**SETTINGS, "model.backbones": ["plain"], **changes}
    return raravis.train(str(photos36), recipe="probe", set=given, out=out, quiet=True)


def test_a_probe_is_a_run_as_any_other(at_hand, photos36, tmp_path):
    out = tmp_path / "run"
    outcome = probed(photos36, out)
    assert (outcome.figures["families"], outcome.figures["epochs"]) == (3, 1)
    tested = raravis.evaluate(out, quiet=True)
    assert tested.figures["accuracy"] > 0.5
    metrics = json.loads((out / "metrics.json").read_text())
    assert {"train", "val", "test", "cross_validation"} == set(metrics)
    heads = pd.read_csv(out / "heads.csv")
    assert heads["macro_f1"].is_monotonic_decreasing
    assert "How it was chosen" in (out / "report.html").read_text()
    photos = sorted(map(str, photos36.glob("*/0*.jpg")))
    raravis.predict(out, photos, out=tmp_path / "named.csv", quiet=True)
    rows = pd.read_csv(tmp_path / "named.csv")
    assert len(rows) == len(photos)
    assert np.mean([row.family in row.file_path for row in rows.itertuples()]) > 0.8


def test_what_it_says_of_images_is_what_its_network_says(at_hand, photos36, tmp_path):
    """Features from the cache, and the joined network on the same images, agree."""
    out = tmp_path / "run"
    views = [{"name": "plain", "views": ["whole", "mirrored", "middle"]}, {"name": "flat", "size": 24}]
    probed(photos36, out, **{"model.backbones": views, "model.heads": ["logistic"]})
    kept = pd.read_parquet(out / "predictions.parquet")
    train = kept[kept["split"] == "train"].set_index("image_id")
    raravis.evaluate(out, split="test", quiet=True)
    network = engine.keras().saving.load_model(out / "model.keras", compile=False)
    from raravis.data.pixels import open_store

    table = train.reset_index()[["image_id", "file_path"]]
    pixels = open_store(table, photos36, size=SIZE, quiet=True).read(table["image_id"])
    logits = network.predict(pixels, verbose=0)
    columns = [c for c in train.columns if c.startswith("p_")]
    np.testing.assert_allclose(softmax(logits, axis=1), train[columns].to_numpy(), atol=1e-4)


def test_a_head_is_not_judged_by_copies_of_what_taught_it(at_hand, tmp_path):
    """Noise, every picture there twice: a neighbour knows the copy, and is right by chance where it may not."""
    rng = np.random.default_rng(0)
    for number in range(36):
        pixels = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize((64, 64))
        folder = tmp_path / "photos" / ("canidae", "felidae", "ursidae")[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        pixels.save(folder / f"{number}.png")
        pixels.save(folder / f"{number}.jpg", quality=95)
    given = {"model.backbones": ["plain"], "data.size": SIZE, "model.heads": [{"name": "knn", "neighbours": 1}]}
    raravis.train(str(tmp_path / "photos"), recipe="probe", set=given, out=tmp_path / "run", quiet=True)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["cross_validation"]["accuracy"] < 0.6
    assert metrics["val"]["accuracy"] < 0.7
    assert metrics["train"]["accuracy"] == 1


def test_one_setting_of_a_head_can_be_asked_for(at_hand, photos36, tmp_path):
    out = tmp_path / "run"
    wanted = 'model.heads=["prototype", {name = "logistic", strength = 30, balance = "logit_adjustment"}]'
    given = ['model.backbones=["plain"]', f"data.size={SIZE}", wanted]
    raravis.train(str(photos36), recipe="probe", set=given, out=out, quiet=True)
    tried = set(pd.read_csv(out / "heads.csv")["head"])
    assert len(tried) == 2
    assert any("strength 30" in head and "logit adjustment" in head for head in tried)
    assert {"name": "logistic", "strength": 30, "balance": "logit_adjustment"} in Run.open(out).recipe.model.heads


def test_figures_of_val_are_of_heads_that_had_not_seen_the_image(at_hand, photos36, tmp_path):
    """One neighbour knows every image that it has seen; val would be named perfectly."""
    both, alone = tmp_path / "both", tmp_path / "alone"
    knn = {"model.heads": ["knn"], "model.backbones": ["flat"]}
    probed(photos36, both, **knn)
    probed(photos36, alone, **knn, **{"model.learn_from": "train"})
    told = raravis.evaluate(both, split="val", quiet=True)
    assert told.figures["accuracy"] < 1
    assert any("learned from val" in note for note in told.notes)
    assert not any("learned from val" in note for note in raravis.evaluate(alone, split="val", quiet=True).notes)


@pytest.fixture
def with_species(photos36, tmp_path):
    """A table of the photographs that tells three species in each family."""
    files = sorted(photos36.glob("*/*.jpg"))
    rows = [(f.relative_to(photos36).as_posix(), f.parent.name, f"s{int(f.stem) % 3}") for f in files]
    table = tmp_path / "table.csv"
    pd.DataFrame(rows, columns=["file_path", "family", "species"]).to_csv(table, index=False)
    return table


def test_joined_runs_tell_of_held_out_species_what_their_members_said(at_hand, with_species, photos36, tmp_path):
    """All together where all kept it, those that did by name where not; and how to measure it where none did."""
    given, where = {**SETTINGS, "model.backbones": ["plain"]}, {"root": photos36, "quiet": True}
    raravis.train(str(with_species), recipe="probe", set=given, out=tmp_path / "one", **where)
    where["split"] = tmp_path / "one" / "split.csv"
    other = {**given, "model.backbones": ["flat"]}
    raravis.train(str(with_species), recipe="probe", set=other, out=tmp_path / "two", **where)
    small = {"data.size": SIZE, "model.filters": [4, 8], "train.epochs": 1}
    raravis.train(str(with_species), recipe="basic_cnn", set=small, out=tmp_path / "cnn", **where)
    assert "--policy held-out-species" in (tmp_path / "cnn" / "report.html").read_text()
    told = {}
    for names in (("one", "two"), ("one", "cnn")):
        out = tmp_path / "-".join(names)
        members = {"data.size": SIZE, "model.members": [str(tmp_path / name) for name in names]}
        members["model.weights"] = [1.0, 0.5]
        raravis.train(str(with_species), recipe="fused", set=members, out=out, **where)
        told[names[1]] = json.loads((out / "metrics.json").read_text()), (out / "report.html").read_text()
    one, two = (crossed.load(tmp_path / name / "crossed.npz")["held_out_species"] for name in ("one", "two"))
    both = crossed.load(tmp_path / "one-two" / "crossed.npz")["held_out_species"]
    assert one.image_ids == two.image_ids == both.image_ids
    pool = np.log(np.maximum(one.probabilities, 1e-7)) + 0.5 * np.log(np.maximum(two.probabilities, 1e-7))
    trust = Run.open(tmp_path / "one-two").load_trust()
    np.testing.assert_allclose(both.probabilities, trust.calibration(pool), atol=1e-4)
    assert told["two"][0]["held_out_species"]["n"] == 30
    alone = json.loads((tmp_path / "one" / "metrics.json").read_text())["held_out_species"]
    assert told["cnn"][0]["held_out_species of one"] == alone
    assert "held_out_species" not in told["cnn"][0]
    assert "whole species held out, by one alone" in told["cnn"][1]


def test_a_split_of_whole_species_is_said_to_be_one(at_hand, with_species, photos36, tmp_path):
    given = {"data.size": SIZE, "model.filters": [4, 8], "train.epochs": 1, "split.policy": "held-out-species"}
    out = tmp_path / "run"
    raravis.train(str(with_species), recipe="basic_cnn", set=given, root=photos36, out=out, quiet=True)
    report = (out / "report.html").read_text()
    assert "are of species that train lacks" in report
    assert "--policy held-out-species" not in report


def test_species_that_are_known_are_held_out_too(at_hand, with_species, photos36, tmp_path):
    table, out = with_species, tmp_path / "run"
    given = {**SETTINGS, "model.backbones": ["plain"]}
    raravis.train(str(table), recipe="probe", set=given, root=photos36, out=out, quiet=True)
    metrics = json.loads((out / "metrics.json").read_text())
    learned = metrics["train"]["n"] + metrics["val"]["n"]
    assert metrics["held_out_species"]["n"] == learned
    assert "whole species held out" in (out / "report.html").read_text()


def test_fine_tuning_starts_from_the_head_of_a_probe(at_hand, photos36, tmp_path):
    from raravis import models

    out = tmp_path / "probe"
    probed(photos36, out, **{"model.learn_from": "train"})
    options = models.options_of("frozen")(backbone="plain", start=str(out))
    begun = models.build(options, classes=3, size=SIZE)
    images = np.random.default_rng(0).integers(0, 256, (5, SIZE, SIZE, 3)).astype(np.uint8)
    probe = Run.open(out).load_model()
    heads = engine.keras().Model(probe.input, probe.get_layer("logits").output)
    np.testing.assert_allclose(begun.predict(images, verbose=0), heads.predict(images, verbose=0), atol=1e-4)
    tuned = {"data.size": SIZE, "model.backbone": "plain", "model.start": str(out)}
    tuned |= {"train.epochs": 1, "train.learning_rate": 1e-5, "finetune.epochs": 2, "finetune.warmup": 0}
    raravis.train(str(photos36), recipe="finetuned", set=tuned, out=tmp_path / "tuned", quiet=True)
    assert Run.open(tmp_path / "tuned").history["val_accuracy"].iloc[0] > 0.5
    with pytest.raises(UsageError, match="does not know 4 families"):
        models.build(options, classes=4, size=SIZE)
    other = models.options_of("frozen")(backbone="flat", start=str(out))
    with pytest.raises(UsageError, match="its backbone is not flat"):
        models.build(other, classes=3, size=SIZE)
    with pytest.raises(UsageError, match="no finished run"):
        models.build(models.options_of("frozen")(backbone="plain", start="nowhere"), classes=3, size=SIZE)


def test_fine_tuning_starts_from_a_head_that_saw_other_views_and_another_size(at_hand, photos36, tmp_path):
    from raravis import models

    views = [{"name": "plain", "views": ["whole", "mirrored"], "size": SIZE + 8}]
    probed(photos36, tmp_path / "probe", **{"model.learn_from": "train", "model.backbones": views})
    network = Run.open(tmp_path / "probe").load_model()
    begun = models.build(
        models.options_of("frozen")(backbone="plain", start=str(tmp_path / "probe")), classes=3, size=SIZE + 16
    )
    for mine, its in (("logits", "logits"), (models.TRUNK, "backbone_1")):
        for one, other in zip(begun.get_layer(mine).get_weights(), network.get_layer(its).get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_probe_that_saw_val_is_nothing_to_start_from(at_hand, photos36, tmp_path):
    from raravis import models

    for name, head, told in (("both", "lda", "learned from val"), ("knn", "knn", "is not linear")):
        probed(photos36, tmp_path / name, **{"model.heads": [head]})
        options = models.options_of("frozen")(backbone="plain", start=str(tmp_path / name))
        with pytest.raises(UsageError, match=told):
            models.build(options, classes=3, size=SIZE)


@pytest.fixture
def no_time_left(monkeypatch):
    """Trials take all of the minutes."""
    from raravis.verbs import _best

    monkeypatch.setattr(_best, "finetuning", lambda *_, **__: [])


@pytest.mark.parametrize(("names", "gains"), [(["plain"], [0.01, 0.0]), (["plain", "flat"], [0.01])])
def test_best_fine_tunes_in_the_time_that_is_left_and_survives_a_kill(
    at_hand, photos36, tmp_path, monkeypatch, names, gains
):
    from raravis.learn import fit as learning
    from raravis.learn import fused
    from raravis.models.probe import Source

    real, compared = _best.decided, fused.compared

    def decided(*given, **further):
        chosen, tried, why = real(*given, **further)
        sources = tuple(Source(name=name) for name in names)
        return chosen.model_copy(update={"model": chosen.model.model_copy(update={"backbones": sources})}), tried, why

    monkeypatch.setattr(_best, "decided", decided)
    asked = {"model.objective": "accuracy", "split.fractions": [0.6, 0.2, 0.2]}
    cut, given = tmp_path / "cut", {**SETTINGS, **asked, "seed": 1}

    def killed(*_, **__):
        raise KeyboardInterrupt

    def best(out, **options):
        return raravis.train(str(photos36), recipe="best", set=given, minutes=5, out=out, quiet=True, **options)

    def kept(out):
        return {file.parent.name: file.stat().st_mtime_ns for file in out.glob("members/*/model.keras")}

    with monkeypatch.context() as patch:
        patch.setattr(learning, "fit", killed)
        with pytest.raises(KeyboardInterrupt):
            best(cut)
    first = kept(cut)
    assert set(first) == {"probe"}
    with pytest.raises(RunError, match="--resume"):
        best(cut)
    with monkeypatch.context() as patch:
        patch.setattr(fused, "compared", killed)
        with pytest.raises(KeyboardInterrupt):
            best(cut, resume=True)
    trained = kept(cut)
    assert trained == {**trained, **first}
    for gain in gains:
        out, shown = shutil.copytree(cut, tmp_path / f"gain of {gain}"), []

        def judged(*members, shown=shown, gain=gain, **further):
            shown.append(compared(*members, **further))
            return 0.5, 0.5 + gain

        monkeypatch.setattr(fused, "compared", judged)
        outcome = best(out, resume=True)
        assert kept(out) == trained
        probe, tuned = out / "members" / "probe", sorted((out / "members").glob("finetuned*"))
        told = f"{' and '.join(names)} {'was' if len(names) == 1 else 'were'} fine-tuned for 8 epochs too"
        assert any(told in note for note in outcome.notes)
        assert [Run.open(folder).recipe.model.backbone for folder in tuned] == names
        assert {Run.open(folder).recipe.train.monitor for folder in tuned} == {"val_accuracy"}
        assert {Run.open(folder).recipe.split.fractions for folder in [out, probe, *tuned]} == {(0.6, 0.2, 0.2)}
        assert {Run.open(folder).recipe.model.objective for folder in [out, probe]} == {"accuracy"}
        said = pd.read_csv(out / "heads.csv").set_index("head")
        assert raravis.evaluate(out, quiet=True).figures["n"] == (Run.open(out).split["split"] == "test").sum()
        if not gain:
            assert Run.open(out).recipe == Run.open(probe).recipe
            assert any("left out: joined as val weighs them they reach 0.500 on val" in note for note in outcome.notes)
            continue
        assert Run.open(out).recipe.model.members == tuple(map(str, [probe, *tuned]))
        assert said.index[0] == "all together"
        (alone, together) = shown[-1]
        assert together == pytest.approx(said["accuracy"].iloc[0])
        assert alone == pytest.approx(said["accuracy"].iloc[1])
        assert "runs that were joined" in (out / "report.html").read_text()


def test_fine_tuning_takes_the_epochs_that_fit(at_hand, monkeypatch):
    from raravis.study import estimate
    from raravis.verbs import _best

    probe = recipe.load("probe", {**SETTINGS, "model.backbones": ["plain"]})
    monkeypatch.setattr(estimate, "measure", lambda recipe, classes: estimate.Steps(0, 0, 0, 6, True, 9))
    counts = {"train": 320, "val": 32, "families": 3}  # a minute an epoch, at 32 images a step
    for minutes, epochs in ((5.5, [5]), (99, [8]), (2.5, [])):
        assert [one.finetune.epochs for one in _best.finetuning(probe, **counts, minutes=minutes)] == epochs
    twice = [{"name": "flat", "size": SIZE}, {"name": "plain"}, {"name": "flat", "views": ["mirrored"]}]
    probe = recipe.load("probe", {**SETTINGS, "model.backbones": twice})
    for minutes, epochs in ((99, [8, 8]), (8.5, [4, 4]), (5.5, [5]), (2.5, [])):
        made = _best.finetuning(probe, **counts, minutes=minutes)
        assert [one.finetune.epochs for one in made] == epochs
        assert [one.model.backbone for one in made] == ["flat", "plain"][: len(epochs)]


def test_best_tries_what_is_at_hand_and_says_why(at_hand, no_time_left, photos36, tmp_path):
    out = tmp_path / "run"
    outcome = raravis.train(str(photos36), recipe="best", set=SETTINGS, minutes=5, out=out, quiet=True)
    tried = pd.read_csv(out / "tried.csv")
    assert {"plain at 16", "flat at 16"} <= set(tried["trial"])
    assert (tried["verdict"] == "kept").any()
    best = tried.loc[tried["verdict"] == "kept", "macro_f1"]
    assert best.is_monotonic_increasing
    assert best.iloc[-1] == tried["macro_f1"].max()
    recipe = (out / "recipe.toml").read_text()
    assert 'name = "probe"' in recipe
    assert "at hand" not in recipe
    assert any(note.startswith("Chosen: ") for note in outcome.notes)
    again = raravis.train(str(photos36), recipe="best", set=SETTINGS, out=out, resume=True, quiet=True)
    assert any("finished already" in note for note in again.notes)
    with pytest.raises(RunError):
        raravis.train(str(photos36), recipe="best", set=SETTINGS, out=out, quiet=True)


def test_the_second_size_suits_the_patches():
    from raravis.learn.best import larger

    assert larger("MobileNetV2", 224) == 288
    assert larger("bioclip", 224) == 288
    assert larger("bioclip2", 224) == 294


@pytest.mark.parametrize(("objective", "told"), [("accuracy", "accuracy, 0.500"), ("macro_f1", "macro-F1, 0.700")])
def test_why_names_what_it_was_chosen_by(objective, told):
    from raravis.learn.best import Found
    from raravis.models.probe import Options

    rows = [("a", 0.4, 0.8, "kept"), ("b", 0.5, 0.7, "kept"), ("c", 0.3, 0.6, "no better than the best before it")]
    tried = pd.DataFrame(rows, columns=["trial", "accuracy", "macro_f1", "verdict"])
    assert f"the highest cross-validated {told}" in Found(Options(objective=objective), tried).why


def test_random_backbones_are_drawn_from_the_seed(photos36, tmp_path):
    source = {"name": "MobileNetV2", "weights": "none", "size": 32}
    given = {**SETTINGS, "model.backbones": [source]}
    kept = []
    for number in range(2):
        engine.keras().utils.set_random_seed(number)
        raravis.train(str(photos36), recipe="probe", set=given, out=tmp_path / str(number), quiet=True)
        kept.append(Run.open(tmp_path / str(number)).load_model().get_layer("backbone_1").get_weights())
    assert all(np.array_equal(one, other) for one, other in zip(*kept, strict=True))


def test_best_keeps_within_its_minutes(at_hand, no_time_left, photos36, tmp_path, monkeypatch):
    from raravis.learn import best

    monkeypatch.setattr(best._Trials, "_seconds", lambda self, extractor: 0.0 if extractor.name == "flat" else 1e6)
    out = tmp_path / "run"
    raravis.train(str(photos36), recipe="best", set=SETTINGS, minutes=1, out=out, quiet=True)
    tried = pd.read_csv(out / "tried.csv").set_index("trial")
    assert tried.loc["plain at 16", "verdict"].startswith("left out: about")
    assert tried.loc["flat at 16", "verdict"] == "kept"
    monkeypatch.setattr(best._Trials, "_seconds", lambda self, extractor: 1e6)
    with pytest.raises(DataError, match="--minutes"):
        raravis.train(str(photos36), recipe="best", set=SETTINGS, minutes=1, seed=3, out=tmp_path / "none", quiet=True)
    assert not (tmp_path / "none" / "recipe.toml").exists()


@pytest.mark.parametrize(
    ("recipe", "options", "told"),
    [
        ("probe", {"minutes": 3}, "--recipe best"),
        ("best", {"minutes": 0}, "more than 0"),
    ],
)
def test_minutes_mean_something_or_are_refused(photos36, tmp_path, recipe, options, told):
    with pytest.raises(UsageError, match=told):
        raravis.train(str(photos36), recipe=recipe, out=tmp_path / "run", quiet=True, **options)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"train.epochs": 3}, "train.epochs"),
        ({"augment.pipeline": "one"}, "augment.pipeline"),
        ({"model.heads": ["ldaa"]}, "Did you mean 'lda'"),
        ({"model.heads": [{"name": "logistic", "strenght": 3}]}, "strenght"),
        ({"model.heads": [{"name": "lda", "balance": "class_weights"}]}, "logit_adjustment"),
        ({"model.backbones": []}, "model.backbones"),
        ({"model.backbones": ["at hand", "plain"]}, "give nothing else"),
        ({"model.backbones": [{"name": "at hand", "size": 288}]}, "give nothing else"),
        ({"model.folds": 1}, "model.folds"),
    ],
)
def test_what_a_probe_does_not_heed_is_refused(photos36, tmp_path, changes, told):
    with pytest.raises(RecipeError, match=told):
        probed(photos36, tmp_path / "run", **changes)


def test_features_of_a_backbone_are_computed_once_for_all_recipes_and_for_evaluations(
    at_hand, photos36, tmp_path, monkeypatch
):
    """A probe, then a head by the epoch on the same backbone, then both on test, twice."""
    from raravis.learn import embed, infer

    computed = []
    keep = embed._keep

    def counted(store, found, todo, *rest):
        computed.append(len(todo))
        keep(store, found, todo, *rest)

    def passed(*_, **__):
        raise AssertionError("an image passed the whole network")

    monkeypatch.setattr(embed, "_keep", counted)
    monkeypatch.setattr(infer, "seen", passed)
    probed(photos36, tmp_path / "probe")
    frozen = {"data.size": SIZE, "model.backbone": "plain", "train.epochs": 2}
    raravis.train(str(photos36), recipe="frozen", set=frozen, out=tmp_path / "frozen", quiet=True)
    assert computed == [30]
    for _ in range(2):
        for name in ("probe", "frozen"):
            raravis.evaluate(tmp_path / name, quiet=True)
    assert computed == [30, 6]
    network = engine.keras().saving.load_model(tmp_path / "frozen" / "model.keras", compile=False)
    from raravis.data.pixels import open_store

    kept = pd.read_parquet(tmp_path / "frozen" / "predictions.parquet").query("split == 'test'")
    pixels = open_store(kept[["image_id", "file_path"]], photos36, size=SIZE, quiet=True).read(kept["image_id"])
    columns = [column for column in kept.columns if column.startswith("p_")]
    np.testing.assert_allclose(softmax(network.predict(pixels, verbose=0), axis=1), kept[columns], atol=1e-4)


def test_embeddings_become_files_that_others_read(at_hand, photos36, tmp_path, monkeypatch):
    """Without a memory map of what is to be: on a disk that fills, that ends the process without a word."""
    out = tmp_path / "features"
    monkeypatch.delattr(np.lib.format, "open_memmap")
    outcome = raravis.embed(str(photos36), backbone="plain", size=SIZE, out=out, quiet=True)
    features = np.load(out / "features.npy")
    images = pd.read_csv(out / "images.csv")
    about = json.loads((out / "about.json").read_text())
    assert features.shape == (36, 12) == (outcome.figures["images"], about["features"])
    assert features.dtype == np.float32
    assert list(images.columns) == ["image_id", "file_path", "family", *credits.COLUMNS]
    assert about["computed"] == [{"runtime": "keras", "precision": "float32"}]
    from raravis import backbones
    from raravis.data.pixels import open_store

    pixels = open_store(images, photos36, size=SIZE, quiet=True).read(images["image_id"])
    expected = backbones.extractor("plain", size=SIZE, weights="imagenet").predict(pixels, verbose=0)
    np.testing.assert_allclose(features, expected, atol=1e-5)


def test_embedding_names_the_files_that_cannot_be_read(at_hand, photos36, tmp_path):
    folder = tmp_path / "photos" / "felidae"
    folder.mkdir(parents=True)
    for number in range(2):
        Image.fromarray(np.full((20, 20, 3), 90 * number, np.uint8)).save(folder / f"{number}.png")
    (folder / "bad.png").write_bytes(b"no image")
    outcome = raravis.embed(str(tmp_path / "photos"), backbone="plain", size=SIZE, out=tmp_path / "out", quiet=True)
    assert len(np.load(tmp_path / "out" / "features.npy")) == 2
    assert any("bad.png" in line for line in outcome.unreadable)


@pytest.mark.parametrize(
    ("recipe", "change"), [("probe", "model.backbones=MobilNetV2"), ("frozen", "model.backbone=MobilNetV2")]
)
def test_a_backbone_that_there_is_not_is_told_before_any_image_is_read(at_hand, tmp_path, recipe, change):
    with pytest.raises(UsageError, match=r"no backbone named 'MobilNetV2'\.\nThe nearest: MobileNetV2"):
        raravis.train(str(tmp_path / "nowhere"), recipe=recipe, set=[change], out=tmp_path / "run", quiet=True)
    assert not Run.is_run(tmp_path / "run")
