import json
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from raravis.errors import DataError
from raravis.judge import metrics, predictions


def names(count):
    return [f"f{k:03}" for k in range(count)]


def softmax(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (e / e.sum(axis=1, keepdims=True)).astype(np.float32)


def problem(n, families, seed=0, strength=2.0):
    random = np.random.default_rng(seed)
    truth = random.integers(0, families, n)
    logits = random.normal(size=(n, families))
    logits[np.arange(n), truth] += strength
    return softmax(logits), truth


def test_a_case_worked_by_hand():
    probabilities = np.array([[0.8, 0.1, 0.1], [0.4, 0.5, 0.1], [0.3, 0.6, 0.1], [0.2, 0.2, 0.6]])
    truth = np.array([0, 0, 1, 1])  # said: 0, 1, 1, 2
    found = metrics.judge(probabilities, truth, ["a", "b", "c"])
    assert found["n"] == 4
    assert found["loss"] == pytest.approx(-np.log([0.8, 0.4, 0.6, 0.2]).mean())
    assert found["accuracy"] == 0.5
    assert found["top5_accuracy"] == 1.0
    assert found["per_family"]["a"] == {
        "precision": 1.0,
        "recall": 0.5,
        "f1": pytest.approx(2 / 3),
        "support": 2,
    }
    assert found["per_family"]["b"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2}
    assert found["per_family"]["c"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    assert found["macro_f1"] == pytest.approx((2 / 3 + 1 / 2) / 2)  # c has no image and does not count
    assert found["weighted_f1"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found["balanced_accuracy"] == 0.5
    # confidences 0.5 (wrong), 0.6 (right, wrong: one bin), 0.8 (right)
    assert found["ece"] == pytest.approx((0.5 + 2 * 0.1 + 0.2) / 4)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(2, 12), st.integers(0, 10**6))
def test_agrees_with_scikit_learn(n, families, seed):
    probabilities, truth = problem(n, families, seed)
    found = metrics.judge(probabilities, truth, names(families), resamples=10)
    said, present = probabilities.argmax(axis=1), np.unique(truth)
    scored = {"labels": present, "zero_division": 0}
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(truth, said))
    assert found["macro_f1"] == pytest.approx(reference.f1_score(truth, said, average="macro", **scored))
    assert found["weighted_f1"] == pytest.approx(reference.f1_score(truth, said, average="weighted", **scored))
    assert found["balanced_accuracy"] == pytest.approx(reference.recall_score(truth, said, average="macro", **scored))
    every = np.arange(families)
    rows = np.transpose(reference.precision_recall_fscore_support(truth, said, labels=every, zero_division=0))
    np.testing.assert_allclose([list(v.values()) for v in found["per_family"].values()], rows)
    normed = probabilities.astype(float) / probabilities.astype(float).sum(axis=1, keepdims=True)
    assert found["loss"] == pytest.approx(reference.log_loss(truth, normed, labels=every), rel=1e-4)
    if families > 5:
        top5 = reference.top_k_accuracy_score(truth, probabilities, k=5, labels=every)
        assert found["top5_accuracy"] == pytest.approx(top5)


def test_perfect_predictions():
    truth = np.arange(6) % 3
    found = metrics.judge(np.eye(3)[truth], truth, names(3))
    for name in ("accuracy", "top5_accuracy", "macro_f1", "weighted_f1", "balanced_accuracy"):
        assert found[name] == 1.0
    assert found["loss"] == 0.0
    assert found["ece"] == 0.0
    assert found["ci95"] == {"accuracy": [1.0, 1.0], "macro_f1": [1.0, 1.0]}


def test_certain_and_wrong_has_a_finite_loss_and_full_calibration_error():
    found = metrics.judge(np.array([[1.0, 0.0]]), np.array([1]), names(2))
    assert found["loss"] == pytest.approx(-np.log(metrics.FLOOR))
    assert found["ece"] == 1.0
    assert found["macro_f1"] == 0.0
    json.dumps(found, allow_nan=False)


def test_ties_go_to_the_first_family_in_every_rank():
    flat = np.full((8, 8), 1 / 8)
    found = metrics.judge(flat, np.arange(8), names(8))
    assert found["accuracy"] == 1 / 8
    assert found["top5_accuracy"] == 5 / 8


def test_order_of_the_images_changes_nothing():
    probabilities, truth = problem(300, 7)
    order = np.random.default_rng(1).permutation(300)
    one = metrics.judge(probabilities, truth, names(7), seed=3)
    other = metrics.judge(probabilities[order], truth[order], names(7), seed=3)
    assert one.pop("loss") == pytest.approx(other.pop("loss"))
    assert one.pop("ece") == pytest.approx(other.pop("ece"))
    assert one == other


def test_the_seed_fixes_the_intervals_and_they_hold_the_score():
    probabilities, truth = problem(200, 5)
    one, again, other = (metrics.judge(probabilities, truth, names(5), seed=s)["ci95"] for s in (0, 0, 1))
    assert one == again
    assert one != other
    score = metrics.judge(probabilities, truth, names(5))
    for name, (low, high) in one.items():
        assert low < score[name] < high


def test_bootstrap_is_that_of_drawing_images():
    probabilities, truth = problem(150, 6, strength=1.5)
    said = probabilities.argmax(axis=1)
    random = np.random.default_rng(0)
    drawn = random.integers(0, 150, (3000, 150))
    accuracy = (truth == said)[drawn].mean(axis=1)
    macro = [
        reference.f1_score(truth[i], said[i], labels=np.unique(truth[i]), average="macro", zero_division=0)
        for i in drawn[:400]
    ]
    ours = metrics.bootstrap(truth, [said], 6, seed=0, resamples=3000)
    assert ours[0].mean() == pytest.approx(accuracy.mean(), abs=0.003)
    assert ours[0].std() == pytest.approx(accuracy.std(), rel=0.06)
    assert ours[1].mean() == pytest.approx(np.mean(macro), abs=0.008)
    assert ours[1].std() == pytest.approx(np.std(macro), rel=0.15)


def test_intervals_cover_the_true_accuracy_about_as_often_as_they_say():
    random = np.random.default_rng(0)
    covered = 0
    for seed in range(200):
        truth = random.integers(0, 4, 120)
        said = np.where(random.random(120) < 0.7, truth, (truth + 1) % 4)
        low, high = metrics.interval(metrics.bootstrap(truth, [said], 4, seed=seed, resamples=300)[0][:, 0])
        covered += low <= 0.7 <= high
    assert 180 <= covered <= 199


def test_resamples_in_portions_are_the_same_stream(monkeypatch):
    probabilities, truth = problem(100, 5)
    said = probabilities.argmax(axis=1)
    whole = metrics.bootstrap(truth, [said, truth], 5, seed=0, resamples=50)
    monkeypatch.setattr(metrics, "_AT_ONCE", 40)
    parts = metrics.bootstrap(truth, [said, truth], 5, seed=0, resamples=50)
    np.testing.assert_array_equal(whole, parts)
    assert (whole[0][:, 1] == 1).all()


def test_two_thousand_images_of_119_families_are_judged_in_a_moment():
    probabilities, truth = problem(2000, 119)
    start = time.process_time()
    metrics.judge(probabilities, truth, names(119))
    assert time.process_time() - start < 4


def test_calibration_error_of_a_known_bias():
    confidence = np.full(1000, 0.9)
    correct = np.arange(1000) < 600
    assert metrics.calibration_error(confidence, correct) == pytest.approx(0.3)
    random = np.random.default_rng(0)
    confidence = random.uniform(0, 1, 60_000)
    assert metrics.calibration_error(confidence, random.random(60_000) < confidence) < 0.012
    assert metrics.calibration_error(confidence, random.random(60_000) < confidence**2) == pytest.approx(
        1 / 6, abs=0.012
    )


def test_bins_hold_about_as_many_images_each():
    confidence = np.random.default_rng(0).beta(5, 1, 1500)
    _, _, sizes, _ = metrics.reliability(confidence, confidence > 0.5)
    assert len(sizes) == metrics.BINS
    assert sizes.tolist() == [100] * 15


@pytest.mark.parametrize(
    ("probabilities", "truth", "words"),
    [
        (np.array([[np.nan, 1.0]]), np.array([0]), "NaN"),
        (np.array([[0.5, 0.1]]), np.array([0]), "sum of 0.6"),
        (np.array([[2.0, -1.0]]), np.array([0]), "0–1"),
        (np.zeros((0, 2)), np.zeros(0, int), "no image"),
        (np.array([[0.5, 0.5]]), np.array([2]), "does not know"),
        (np.array([[0.5, 0.5]]), np.array([-1]), "does not know"),
        (np.array([[0.5, 0.5]]), np.array([0.0]), "Integer"),
        (np.array([[0.5, 0.5]]), np.array([0, 1]), "shape"),
        (np.array([0.5, 0.5]), np.array([0]), "shape"),
    ],
)
def test_what_cannot_be_judged_is_refused(probabilities, truth, words):
    with pytest.raises(DataError, match=words):
        metrics.judge(probabilities, truth, ["a", "b"])


def test_each_side_is_judged_alone_and_novel_images_are_left_out():
    probabilities, truth = problem(40, 3)
    frame = predictions.build(
        image_id=[f"i{i}" for i in range(40)],
        file_path=[f"{i}.jpg" for i in range(40)],
        split=["val"] * 15 + ["test"] * 15 + ["novel"] * 10,
        family=pd.Series(names(3))[truth].tolist()[:30] + ["yak"] * 10,
        families=names(3),
        probabilities=probabilities,
    )
    found = metrics.by_split(frame, seed=5)
    assert list(found) == ["val", "test"]
    assert found["test"] == metrics.judge(probabilities[15:30], truth[15:30], names(3), seed=5)
