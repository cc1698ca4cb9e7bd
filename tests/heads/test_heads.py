"""Every head keeps one contract: it learns, it gives the same joined into a network, and small families are helped."""

import numpy as np
import pytest
from scipy.special import softmax

from raravis import engine, heads, registry
from raravis.errors import DataError, UsageError

pytestmark = pytest.mark.engine

WIDTH, CLASSES = 16, 4
QUICK = {"cosine": {"steps": 150, "learning_rate": 0.05}, "mlp": {"steps": 150, "hidden": 32, "learning_rate": 0.01}}


def clusters(sizes, *, spread=0.2, seed=0):
    """Features of length 1 around four random centres."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(7).normal(size=(CLASSES, WIDTH))
    classes = np.repeat(np.arange(CLASSES), sizes)
    rows = centres[classes] + spread * np.sqrt(WIDTH) * rng.normal(size=(len(classes), WIDTH))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), classes


def fitted(name, sizes=(20, 20, 20, 20), **settings):
    features, classes = clusters(sizes)
    options = registry.load("raravis.heads", name, "head").Options(**QUICK.get(name, {}), **settings)
    return heads.fit(options, features, classes, count=CLASSES, seed=3), features, classes


@pytest.mark.parametrize("name", heads.names())
class TestEvery:
    def test_it_learns_what_can_be_learned(self, name):
        head, _, _ = fitted(name)
        new, truth = clusters((50,) * CLASSES, seed=1)
        logits = head.logits(new)
        assert logits.shape == (200, CLASSES)
        assert logits.dtype == np.float32
        assert (logits.argmax(1) == truth).mean() > 0.9

    def test_joined_into_a_network_it_gives_the_same(self, name):
        head, features, _ = fitted(name)
        keras = engine.keras()
        image = keras.Input((WIDTH,))
        model = keras.Model(image, head.join(image))
        assert model.layers[-1].name == "logits"
        np.testing.assert_allclose(model.predict(features, verbose=0), head.logits(features), atol=2e-4)

    @pytest.mark.parametrize("value", [0, 1])
    def test_features_that_are_all_the_same_tell_nothing(self, name, value):
        _, classes = clusters((20, 10, 10, 5))
        options = registry.load("raravis.heads", name, "head").Options(**QUICK.get(name, {}))
        features = np.zeros((45, WIDTH), np.float32)
        features[:, 0] = value
        logits = heads.fit(options, features, classes, count=CLASSES, seed=0).logits(features)
        assert np.isfinite(logits).all()
        np.testing.assert_allclose(logits, np.tile(logits[:1], (45, 1)), atol=1e-5)

    def test_it_learns_from_one_image_a_family(self, name):
        head, features, classes = fitted(name, (1,) * CLASSES, **({"neighbours": 1} if name == "knn" else {}))
        logits = head.logits(features)
        assert np.isfinite(logits).all()
        assert (logits.argmax(1) == classes).all()

    def test_the_seed_decides_it(self, name):
        first, features, _ = fitted(name)
        again, _, _ = fitted(name)
        np.testing.assert_array_equal(first.logits(features), again.logits(features))

    def test_all_its_settings_worth_trying_are_settings(self, name):
        made = heads.candidates([name])
        assert len(made) == len(set(map(str, made))) >= 1
        assert all(str(options).startswith(name) for options in made)


@pytest.mark.parametrize("neighbours", [1, 2, 4, 9])
def test_copies_are_equally_near_in_a_network_too(neighbours):
    """Each photograph is there three times, and people called the copies different animals."""
    features, classes = clusters((12,) * CLASSES, spread=0.5)
    options = heads.candidates([{"name": "knn", "neighbours": neighbours}])[0]
    taught = np.concatenate([classes, classes, (classes + 1) % CLASSES])
    head = heads.fit(options, np.tile(features, (3, 1)), taught, count=CLASSES, seed=0)
    keras = engine.keras()
    image = keras.Input((WIDTH,))
    joined = keras.Model(image, head.join(image)).predict(features, verbose=0)
    own = softmax(head.logits(features), axis=1)
    np.testing.assert_allclose(softmax(joined, axis=1), own, atol=1e-4)
    if neighbours < 4:
        two, one = own[np.arange(48), classes], own[np.arange(48), (classes + 1) % CLASSES]
        np.testing.assert_allclose([two, one], [[2 / 3] * 48, [1 / 3] * 48], atol=1e-3)


@pytest.mark.parametrize(
    ("name", "balance"),
    [
        ("logistic", "class_weights"),
        ("logistic", "balanced_softmax"),
        ("logistic", "logit_adjustment"),
        ("lda", "logit_adjustment"),
        ("knn", "logit_adjustment"),
        ("cosine", "balanced_softmax"),
        ("mlp", "balanced_softmax"),
        ("cosine", "class_weights"),
        ("mlp", "class_weights"),
    ],
)
def test_small_families_are_named_more_often(name, balance):
    new, truth = clusters((100,) * CLASSES, seed=2, spread=0.7)
    small = truth == 3
    margin = {}
    for way in ("none", balance):
        features, classes = clusters((120, 120, 120, 12), spread=0.7)
        options = registry.load("raravis.heads", name, "head").Options(**QUICK.get(name, {}), balance=way)
        logits = heads.fit(options, features, classes, count=CLASSES, seed=0).logits(new)[small]
        margin[way] = float((logits[:, 3] - logits[:, :3].max(1)).mean())
    assert margin[balance] > margin["none"] + 0.1, margin


def test_logistic_regression_is_scikit_learns():
    from sklearn.linear_model import LogisticRegression

    features, classes = clusters((30, 20, 10, 25), spread=0.35)
    options = registry.load("raravis.heads", "logistic", "head").Options(strength=5, steps=500, shrinkage=1)
    ours = heads.fit(options, features, classes, count=CLASSES, seed=0).logits(features)
    features = features - np.stack([features[classes == c].mean(0) for c in range(CLASSES)]).mean(0)
    features /= np.sqrt((features**2).sum(1).mean())
    theirs = LogisticRegression(C=5, max_iter=1000, tol=1e-6).fit(features, classes).decision_function(features)
    centred = [x - x.mean(1, keepdims=True) for x in (ours, theirs)]
    np.testing.assert_allclose(*centred, atol=0.05)


def test_lda_is_scikit_learns():
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    features, classes = clusters((30, 20, 10, 25), spread=0.35)
    options = registry.load("raravis.heads", "lda", "head").Options(shrinkage=0.3, balance="none")
    ours = heads.fit(options, features, classes, count=CLASSES, seed=0).logits(features)
    peer = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3).fit(features, classes)
    assert (ours.argmax(1) == peer.predict(features)).mean() > 0.98


def test_features_that_are_no_numbers_and_families_without_images_are_refused():
    features, classes = clusters((5, 5, 5, 5))
    options = heads.candidates(["lda"])[0]
    with pytest.raises(DataError, match="1 of 5 families"):
        heads.fit(options, features, classes, count=5, seed=0)
    features[3, 2] = np.nan
    with pytest.raises(DataError, match="NaN"):
        heads.fit(options, features, classes, count=CLASSES, seed=0)


@pytest.mark.parametrize("name", ["mlp", "cosine"])
def test_few_rows_are_gone_through_forty_times_and_no_more(name, monkeypatch):
    keras = engine.keras()
    calls = []
    train = keras.Model.train_on_batch

    def counted(self, *args, **given):
        calls.append(1)
        return train(self, *args, **given)

    monkeypatch.setattr(keras.Model, "train_on_batch", counted)
    features, classes = clusters((100,) * CLASSES)
    options = registry.load("raravis.heads", name, "head").Options(steps=999)
    heads.fit(options, features, classes, count=CLASSES, seed=0)
    assert len(calls) == 80


def test_an_unknown_head_names_the_nearest():
    with pytest.raises(UsageError, match="logistic"):
        heads.candidates(["logistc"])
