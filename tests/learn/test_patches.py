"""Filters and words of patches: learned without labels, what they find, and a probe on them."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image
from sklearn.mixture import GaussianMixture

import raravis
from raravis import engine
from raravis.data.pixels import open_store
from raravis.errors import DataError, RecipeError
from raravis.learn.patches import _deviations, _shares, learned
from raravis.models import patches
from raravis.models.patches import CONTRAST, Options, Scale

pytestmark = pytest.mark.engine

SIZE = 24
OPTIONS = Options(
    scales=(Scale(size=24, patch=6, stride=1, pool=4), Scale(size=16, patch=4, stride=1, pool=2)),
    filters=8,
    depth=6,
    words=4,
    grid=(1, 2),
    width=10,
)


def striped(number, slope, side=SIZE):
    """Stripes of one slope, of a phase, a width and colours of their own."""
    rng = np.random.default_rng(number)
    down, across = np.mgrid[:side, :side]
    wave = np.sin((across + slope * down) * rng.uniform(0.6, 0.9) + rng.uniform(0, 6))
    ink, paper = rng.integers(0, 120, 3), rng.integers(136, 256, 3)
    return (paper + (ink - paper) * (wave[..., None] > 0)).astype(np.uint8)


def stored(images, folder):
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{number}.png")
        rows.append((hashlib.sha256((folder / f"{number}.png").read_bytes()).hexdigest(), f"{number}.png"))
    table = pd.DataFrame(rows, columns=["image_id", "file_path"])
    store = open_store(table, folder, size=images[0].shape[0], quiet=True)
    return store, store.rows(table["image_id"].tolist())


@pytest.fixture(scope="module")
def stripes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stripes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RARAVIS_CACHE", str(folder / "cache"))
        return stored([striped(n, slope) for n in range(20) for slope in (-1, 0, 1)], folder / "images")


@pytest.fixture(scope="module")
def model(stripes):
    """What is learned from the stripes; do not change it."""
    store, rows = stripes
    return learned(OPTIONS, store, rows, seed=0, quiet=True).model


def test_the_same_images_and_seed_give_the_same_network_and_another_seed_another(stripes):
    store, rows = stripes
    one, same, other = (learned(OPTIONS, store, rows, seed=seed, quiet=True) for seed in (3, 3, 4))
    assert one.digest == same.digest
    assert one.digest != other.digest
    assert one.width == 10


def test_a_filter_is_blind_to_brightness_and_answers_by_the_formula(stripes, model):
    store, rows = stripes
    (filters,) = model.get_layer("filters_1").get_weights()
    np.testing.assert_allclose(filters.sum(axis=(0, 1, 2)), 0, atol=1e-3)
    image = store.batch(rows[:1])
    network = engine.keras().Model(model.input, model.get_layer("describe_1").input)
    answers = np.empty((19, 19, 8))
    for top, left in np.ndindex(19, 19):
        part = image[0, top : top + 6, left : left + 6].astype(np.float64)
        answers[top, left] = np.tensordot(part - part.mean(), filters, 3) / np.sqrt(part.var() + CONTRAST)
    centre = model.get_layer("centre_1").get_weights()[0]
    signed = np.maximum(np.concatenate([answers - centre, centre - answers], axis=-1) - OPTIONS.threshold, 0)
    expected = [[signed[y : y + 4, x : x + 4].mean(axis=(0, 1)) for x in range(0, 15, 2)] for y in range(0, 15, 2)]
    np.testing.assert_allclose(network.predict(image, verbose=0)[0], np.sqrt(np.array(expected) + 1e-6), atol=2e-3)
    brighter = np.clip(image.astype(np.float32) * 0.5 + 60, 0, 255)
    dimmer = np.clip(image.astype(np.float32) * 0.5 + 20, 0, 255)
    found = [network.predict(each, verbose=0) for each in (brighter, dimmer)]
    np.testing.assert_allclose(found[0], found[1], atol=2e-3)


@pytest.mark.parametrize(("patch", "stride"), [(8, 2), (6, 4), (5, 2), (3, 3)])
def test_the_variance_of_a_patch_is_exact_on_a_white_background(patch, stride):
    white = np.random.default_rng(0).integers(250, 256, (1, SIZE, SIZE, 3)).astype(np.float32)
    image = engine.keras().Input((SIZE, SIZE, 3))
    network = engine.keras().Model(image, patches._variance(Scale(size=SIZE, patch=patch, stride=stride), 1, image))
    cut = sliding_window_view(white.astype(np.float64), (patch, patch), (1, 2))[:, ::stride, ::stride]
    expected = cut.reshape(*cut.shape[:3], -1).var(axis=-1, keepdims=True)
    np.testing.assert_allclose(network.predict(white - 127.5, verbose=0), expected, rtol=1e-5)


def test_descriptions_are_white_and_a_place_is_described_by_its_four_neighbours_at_length_one(stripes, model):
    store, rows = stripes
    ends = [model.get_layer("describe_1").input, model.get_layer("middle_1").output]
    roots, places = engine.keras().Model(model.input, ends).predict(store.batch(rows), verbose=0)
    kernel, mean = (model.get_layer(name).get_weights()[0] for name in ("describe_1", "middle_1"))
    around = np.stack([roots[7, y : y + 3 : 2, x : x + 3 : 2].ravel() for y in range(6) for x in range(6)])
    expected = around / np.linalg.norm(around, axis=1, keepdims=True) @ kernel.reshape(-1, 6) - mean
    np.testing.assert_allclose(places[7].reshape(-1, 6), expected, atol=1e-3)
    found = np.cov(places.reshape(-1, 6), rowvar=False)
    np.testing.assert_allclose(found, np.eye(6), atol=0.15)


def test_sums_are_standardised_over_the_images_that_they_were_learned_from(stripes, model):
    store, rows = stripes
    for name in ("norm_1_1", "norm_1_2", "norm_2_2"):
        shown = engine.keras().Model(model.input, model.get_layer(name).output).predict(store.batch(rows), verbose=0)
        np.testing.assert_allclose(shown.mean(axis=0), 0, atol=1e-2)
        spread = shown.std(axis=0)
        np.testing.assert_allclose(spread[spread > 0.5], 1, atol=0.05)
        assert (spread > 0.5).any()


def test_fisher_vectors_are_the_slopes_of_the_log_likelihood_of_the_words():
    rng = np.random.default_rng(0)
    words = GaussianMixture(4, covariance_type="diag", random_state=0).fit(rng.normal(size=(400, 6)) ** 3)
    network = patches.vectors(OPTIONS, size=SIZE)
    network.get_layer("words_1").set_weights(_shares(words))
    network.get_layer("fisher_1").set_weights([_deviations(words)])
    ends = [network.get_layer("middle_1").output, network.get_layer("words_1").output, network.output]
    image = rng.integers(0, 256, (1, SIZE, SIZE, 3), dtype=np.uint8)
    places, shares, found = engine.keras().Model(network.input, ends).predict(image, verbose=0)
    rows = places.reshape(-1, 6).astype(np.float64)
    np.testing.assert_allclose(shares.reshape(-1, 4), words.predict_proba(rows), atol=1e-4)

    def likelihood(means, deviations):
        moved = GaussianMixture(4, covariance_type="diag")
        moved.weights_, moved.means_, moved.covariances_ = words.weights_, means, deviations**2
        moved.precisions_cholesky_ = 1 / deviations
        return moved.score(rows)

    spread, weights, step = np.sqrt(words.covariances_), words.weights_, 1e-5
    slopes = np.zeros((4, 6, 2))
    for word, depth in np.ndindex(4, 6):
        nudge = np.zeros((4, 6))
        nudge[word, depth] = step * spread[word, depth]
        for kind, (means, deviations) in enumerate([(nudge, 0 * nudge), (0 * nudge, nudge)]):
            up = likelihood(words.means_ + means, spread + deviations)
            down = likelihood(words.means_ - means, spread - deviations)
            slopes[word, depth, kind] = (up - down) / (2 * step) / np.sqrt(weights[word] * (1 + kind))
    expected = np.sign(slopes) * np.sqrt(np.abs(slopes))
    expected = (expected / np.linalg.norm(expected)).ravel()
    np.testing.assert_allclose(found[0, 80:128], expected, atol=1e-3)  # behind sums of 16 answers in five cells


def test_features_keep_what_differs_between_images(stripes, model):
    store, rows = stripes
    front = engine.keras().Model(model.input, model.get_layer("projection").input)
    whole, kept = (network.predict(store.batch(rows), verbose=0) for network in (front, model))
    alike = np.corrcoef((whole @ whole.T).ravel(), (kept @ kept.T).ravel())[0, 1]
    assert alike > 0.95
    wide = learned(OPTIONS.model_copy(update={"width": 80}), store, rows, seed=0, quiet=True).model
    shown = wide.predict(store.batch(rows), verbose=0)
    assert shown.shape == (60, 80)
    assert not shown[:, 60:].any()  # 60 images span no more than 60 directions
    np.testing.assert_allclose(shown @ shown.T, whole @ whole.T, atol=1e-3)


def test_flat_images_are_one_clear_error(tmp_path):
    store, rows = stored([np.full((SIZE, SIZE, 3), 9 * n, np.uint8) for n in range(8)], tmp_path / "flat")
    with pytest.raises(DataError, match=r"0 patches that are not flat, too few for 8 filters"):
        learned(OPTIONS, store, rows, seed=0, quiet=True)


def test_more_words_than_places_are_one_clear_error(stripes):
    store, rows = stripes
    with pytest.raises(DataError, match=r"hold 2160 places, too few for 2000 words"):
        learned(OPTIONS.model_copy(update={"words": 2000}), store, rows, seed=0, quiet=True)


def test_a_grid_finer_than_the_patches_is_refused():
    with pytest.raises(ValueError, match="hold 2 patches of 8 a side; pool 6 and grid 3 ask for more"):
        Options(scales=(Scale(size=12, patch=8, stride=4),))


def test_another_backbone_is_refused():
    with pytest.raises(RecipeError, match="backbones can only be 'patches'"):
        raravis.train("bestiary", recipe="patches", out="nowhere", set={"model.backbones": ["MobileNetV2"]})


def test_a_run_tells_stripes_apart_that_it_has_not_seen(tmp_path):
    for name, slope in (("felidae", -1), ("canidae", 0), ("ursidae", 1)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(60):
            Image.fromarray(striped(number + 100 * slope + 100, slope)).save(tmp_path / "data" / name / f"{number}.png")
    small = OPTIONS.model_copy(update={"filters": 24, "depth": 24, "words": 8, "width": 30}).model_dump(mode="json")
    changed = ("scales", "filters", "depth", "words", "grid", "width")
    changes = {f"model.{name}": small[name] for name in changed}
    changes |= {"model.backbones": [{"name": "patches", "views": ["whole"]}], "data.size": SIZE}
    raravis.train(str(tmp_path / "data"), recipe="patches", out=tmp_path / "run", set=changes, quiet=True)
    found = raravis.evaluate(tmp_path / "run", quiet=True)
    assert found.figures["accuracy"] >= 0.8
    assert patches.NAME in (tmp_path / "run" / "recipe.toml").read_text()
