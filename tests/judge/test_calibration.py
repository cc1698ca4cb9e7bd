import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from raravis.errors import DataError
from raravis.judge import calibration
from raravis.judge.calibration import Calibration


def softmax(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def draw(logits, seed=0):
    """Classes drawn with the probabilities that the logits tell."""
    return (softmax(logits).cumsum(axis=1) < np.random.default_rng(seed).random((len(logits), 1))).sum(axis=1)


def problem(n, count, seed=0, spread=2.5):
    logits = np.random.default_rng(seed).normal(size=(n, count)) * spread
    return logits, draw(logits, seed + 1)


def made(kind, weights, bias):
    return Calibration(kind, np.asarray(weights, np.float32), np.asarray(bias, np.float32))


def nll(probabilities, classes):
    return calibration.assess(probabilities, classes)["nll"]


def test_each_kind_worked_by_hand():
    logits = np.log([[0.8, 0.2]])
    np.testing.assert_allclose(made("none", 1, [0, 0])(logits), [[0.8, 0.2]], rtol=1e-6)
    np.testing.assert_allclose(made("temperature", 0.5, [0, 0])(logits), [[2 / 3, 1 / 3]], rtol=1e-6)
    # 0.8² · 1 against 0.2 · 3
    np.testing.assert_allclose(made("vector", [2, 1], [0, np.log(3)])(logits), [[0.64 / 1.24, 0.6 / 1.24]], rtol=1e-6)
    # the first comes out as 0.8 · 0.2, the second as 0.2
    np.testing.assert_allclose(made("dirichlet", [[1, 1], [0, 1]], [0, 0])(logits), [[0.16 / 0.36, 0.2 / 0.36]])


def test_assessment_worked_by_hand():
    found = calibration.assess(np.array([[0.8, 0.2, 0], [0.5, 0, 0.5]]), np.array([0, 2]))
    assert found["n"] == 2
    assert found["brier"] == pytest.approx(((0.2**2 + 0.2**2) + (0.5**2 + 0.5**2)) / 2)
    assert found["nll"] == pytest.approx(-(np.log(0.8) + np.log(0.5)) / 2)
    assert found["ece"] == pytest.approx((0.2 + 0.5) / 2)  # the second is taken for class 0


@pytest.mark.parametrize("wrong", [0.4, 1.0, 2.5])
def test_the_temperature_that_was_put_in_is_found(wrong):
    logits, classes = problem(2500, 5)
    found = calibration.fit(wrong * logits, classes, count=5, seed=0)
    assert found.kind == ("none" if wrong == 1.0 else "temperature")
    assert found.record()["temperature"] == (None if wrong == 1.0 else pytest.approx(wrong, rel=0.05))
    np.testing.assert_allclose(found(wrong * logits), softmax(logits), atol=0.03)


def test_a_bias_of_a_class_needs_vector_scaling():
    logits, classes = problem(3000, 4)
    shown = logits - [2, 0, 0, 0]
    found = calibration.fit(shown, classes, count=4, seed=0)
    assert found.kind in ("vector", "dirichlet")
    assert found.losses["vector"] < found.losses["temperature"] - 0.05
    assert nll(found(shown), classes) == pytest.approx(nll(softmax(logits), classes), abs=0.01)


def test_families_that_share_their_mass_need_dirichlet():
    logits, classes = problem(4000, 3)
    mixing = np.array([[1, 0.6, 0], [0, 1, 0], [0, 0.5, 1]])
    shown = np.log(softmax(logits)) @ np.linalg.inv(mixing).T
    found = calibration.fit(shown, classes, count=3, seed=0)
    assert found.kind == "dirichlet"
    assert nll(found(shown), classes) < nll(softmax(shown), classes) - 0.02
    assert nll(found(shown), classes) == pytest.approx(nll(softmax(logits), classes), abs=0.005)


def test_what_is_fitted_helps_on_other_images():
    logits, classes = problem(4000, 8)
    shown = 3 * logits
    found = calibration.fit(shown[:2000], classes[:2000], count=8, seed=0)
    before = calibration.assess(softmax(shown[2000:]), classes[2000:])
    after = calibration.assess(found(shown[2000:]), classes[2000:])
    assert after["ece"] < 0.04 < 0.1 < before["ece"]
    assert after["nll"] < before["nll"]
    assert after["brier"] < before["brier"]


def test_kinds_that_have_too_few_images_are_not_tried():
    logits, classes = problem(600, 50)
    tried = list(calibration.fit(logits, classes, count=50, seed=0).losses)
    assert tried == ["none", "temperature", "vector"]
    logits, classes = problem(499, 50)
    assert list(calibration.fit(logits, classes, count=50, seed=0).losses) == ["none", "temperature"]


def test_gradients_are_those_of_the_losses():
    random = np.random.default_rng(0)
    inputs, classes = np.log(random.dirichlet(np.ones(4), 30)), random.integers(0, 3, 30)
    free = np.bincount(classes, minlength=4) > 0
    for shape in ((2, 4), (5, 4)):
        given_ = (inputs, classes, 0.7, free, np.full(shape, 0.3))
        at, step = random.normal(size=shape) * 0.1 * free, 1e-6 * random.normal(size=shape) * free
        slope = calibration._added_loss(at, *given_)[1]
        change = calibration._added_loss(at + step, *given_)[0] - calibration._added_loss(at - step, *given_)[0]
        assert (slope * 2 * step).sum() == pytest.approx(change, rel=1e-4)
        assert (slope[:, 3] == 0).all()
    at, slope = np.array(0.3), calibration._temperature_loss(np.array(0.3), inputs, classes)[1]
    near = [calibration._temperature_loss(at + by, inputs, classes)[0] for by in (1e-6, -1e-6)]
    assert slope == pytest.approx((near[0] - near[1]) / 2e-6, rel=1e-4)


@pytest.mark.parametrize("kind", ["vector", "dirichlet"])
def test_a_class_without_images_keeps_the_temperature(kind):
    logits, classes = problem(900, 4)
    seen = classes != 2
    inputs = calibration._inputs(logits[seen], 4)
    warmth = calibration._fitted("temperature", inputs, classes[seen])[0]
    weights, bias = calibration._fitted(kind, inputs, classes[seen])
    assert bias[2] == 0
    assert bias[0] != 0
    expected = warmth if kind == "vector" else warmth * np.eye(4)[2]
    np.testing.assert_allclose(weights[2], expected, rtol=1e-6)


def test_few_images_keep_the_temperature_near_1_and_say_so():
    logits = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    found = calibration.fit(logits, np.array([0, 1, 2, 0]), count=3, seed=0)
    assert found.kind == "temperature"
    assert 0.5 < found.record()["temperature"] < 1
    assert "4 validation images" in found.note
    assert str(calibration.NEEDED) in found.note
    many = calibration.fit(np.tile(logits, (100, 1)), np.tile([0, 1, 2, 0], 100), count=3, seed=0)
    assert many.note == ""


@pytest.mark.parametrize("classes", [[], [1], [1] * 200])
def test_images_of_fewer_than_two_classes_calibrate_nothing(classes):
    logits = np.zeros((len(classes), 3))
    found = calibration.fit(logits, np.array(classes, int), count=3, seed=0)
    assert found.kind == "none"
    assert "at least 2 are needed" in found.note


@settings(max_examples=50, deadline=None)
@given(
    arrays.arrays(np.float32, (4, 3), elements=st.floats(-(2.0**127), 2.0**127, width=32)),
    st.sampled_from(
        [("none", 1.0), ("temperature", 7.0), ("vector", [3, 0.1, -1]), ("dirichlet", np.eye(3) * 2 - 0.5)]
    ),
)
def test_probabilities_whatever_the_logits(logits, chosen):
    found = made(*chosen, [0.1, -3, 2])(logits)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


def test_a_constant_added_to_an_image_and_other_images_change_nothing():
    logits, classes = problem(400, 4)
    found = calibration.fit(3 * logits, classes, count=4, seed=0)
    np.testing.assert_allclose(found(3 * logits + 40), found(3 * logits), rtol=1e-4)
    np.testing.assert_array_equal(found(logits)[7:9], found(logits[7:9]))
    again = calibration.fit(3 * logits + np.arange(400)[:, None], classes, count=4, seed=0)
    np.testing.assert_allclose(again.weights, found.weights, rtol=1e-3)


def test_a_probability_of_0_may_come_as_minus_infinity():
    found = made("temperature", 0.5, [0, 0])(np.array([[0, -np.inf]]))
    np.testing.assert_allclose(found, [[1, 0]], atol=1e-20)


def test_one_image_that_was_held_impossible_does_not_rule_the_fit():
    logits, classes = problem(1000, 4)
    hit = logits.copy()
    hit[0, classes[0]] = -np.inf
    clean, found = (calibration.fit(2 * shown, classes, count=4, seed=0) for shown in (logits, hit))
    assert found.kind == clean.kind == "temperature"
    assert found.record()["temperature"] == pytest.approx(clean.record()["temperature"], rel=0.3)


@pytest.mark.parametrize("kind", ["none", "temperature", "vector", "dirichlet"])
def test_what_is_stored_comes_back(kind):
    shapes = {"none": (), "temperature": (), "vector": (3,), "dirichlet": (3, 3)}
    weights = np.random.default_rng(0).random(shapes[kind], np.float32)
    one = Calibration(kind, np.asarray(weights), np.arange(3, dtype=np.float32), 5, {"none": 0.5, kind: 0.4}, "few")
    stream = io.BytesIO()
    np.savez(stream, **one.arrays())
    stream.seek(0)
    with np.load(stream, allow_pickle=False) as stored:
        other = Calibration.of(stored)
    assert other.record() == one.record()
    json.dumps(one.record(), allow_nan=False)
    logits = np.random.default_rng(1).normal(size=(5, 3))
    np.testing.assert_array_equal(other(logits), one(logits))


def test_damaged_storage_is_refused():
    whole = made("vector", [1, 1, 1], [0, 0, 0]).arrays()
    with pytest.raises(DataError, match="lacks bias"):
        Calibration.of({name: value for name, value in whole.items() if name != "bias"})
    with pytest.raises(DataError, match="belong together"):
        Calibration.of(whole | {"weights": np.ones(2)})
    with pytest.raises(DataError, match="kind 'magic'"):
        Calibration.of(whole | {"kind": np.array("magic")})


def test_the_seed_fixes_the_folds():
    logits, classes = problem(300, 5)
    one, again, other = (calibration.fit(2 * logits, classes, count=5, seed=s) for s in (0, 0, 1))
    assert one.losses == again.losses
    assert one.losses != other.losses


def test_groups_are_assessed_alone():
    logits, classes = problem(60, 3)
    groups = ["mollusca", "chordata", "chordata"] * 20
    found = calibration.by_group(softmax(logits), classes, groups)
    assert list(found) == ["chordata", "mollusca"]
    own = np.array(groups) == "chordata"
    assert found["chordata"] == calibration.assess(softmax(logits)[own], classes[own])
    with pytest.raises(DataError, match="60 images, 2 groups"):
        calibration.by_group(softmax(logits), classes, groups[:2])


@pytest.mark.parametrize(
    ("logits", "classes", "words"),
    [
        (np.array([[np.nan, 1.0]]), np.array([0]), "NaN"),
        (np.array([[np.inf, 1.0]]), np.array([0]), "infinite"),
        (np.array([[-np.inf, -np.inf]]), np.array([0]), "infinite"),
        (np.zeros((2, 3)), np.zeros(2, int), r"\(images, 2\)"),
        (np.zeros(2), np.zeros(2, int), r"\(images, 2\)"),
        (np.zeros((2, 2)), np.zeros(3, int), r"shape \(2,\)"),
        (np.zeros((2, 2)), np.zeros(2), "Integer"),
        (np.zeros((2, 2)), np.array([0, 2]), "outside 0 … 1"),
        (np.zeros((2, 2)), np.array([0, -1]), "outside 0 … 1"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(logits, classes, words):
    with pytest.raises(DataError, match=words):
        calibration.fit(logits, classes, count=2, seed=0)


def test_one_class_to_choose_from_is_refused():
    with pytest.raises(DataError, match="at least 2 classes"):
        calibration.fit(np.zeros((5, 1)), np.zeros(5, int), count=1, seed=0)


def test_what_cannot_be_assessed_is_refused():
    with pytest.raises(DataError, match="no image"):
        calibration.assess(np.zeros((0, 2)), np.zeros(0, int))
    with pytest.raises(DataError, match="sum of 2"):
        calibration.assess(np.ones((1, 2)), np.zeros(1, int))
    with pytest.raises(DataError, match="outside"):
        calibration.assess(np.array([[0.5, 0.5]]), np.array([2]))
