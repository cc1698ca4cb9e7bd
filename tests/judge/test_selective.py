import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from scipy.optimize import minimize

from raravis.errors import DataError
from raravis.judge import selective


def problem(n, seed=0, power=1.0):
    random = np.random.default_rng(seed)
    confidence = random.beta(5, 1, n)
    return confidence, random.random(n) < confidence**power


def test_a_curve_worked_by_hand():
    confidence, correct = np.array([0.5, 0.9, 0.7, 0.7]), np.array([False, True, True, False])
    coverage, risk = selective.curve(confidence, correct)
    assert coverage.tolist() == [1 / 4, 3 / 4, 1]
    np.testing.assert_allclose(risk, [0, 1 / 3, 1 / 2])
    # wrong among the 1, 2, 3, 4 surest: 0, ½ (either of two), 1, 2; in a perfect order 0, 0, 1, 2
    area, excess = selective.aurc(confidence, correct)
    assert area == pytest.approx((0 + 1 / 4 + 1 / 3 + 1 / 2) / 4)
    assert excess == pytest.approx(1 / 4 / 4)


def test_a_perfect_order_has_no_excess():
    area, excess = selective.aurc(np.arange(10.0), np.arange(10) >= 4)
    assert excess == pytest.approx(0, abs=1e-12)
    assert area == pytest.approx(sum((k - 6) / k for k in range(7, 11)) / 10)
    assert selective.aurc(np.arange(3.0), np.ones(3, bool)) == (0, 0)
    assert selective.aurc(np.arange(3.0), np.zeros(3, bool)) == (1, 0)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=40), st.randoms())
def test_order_of_the_images_and_scale_change_nothing(images, random):
    confidence, correct = np.array([c for c, _ in images], float), np.array([r for _, r in images])
    area, excess = selective.aurc(confidence, correct)
    assert 0 <= area <= 1
    assert -1e-12 <= excess <= area
    random.shuffle(images)
    shuffled = np.array([c for c, _ in images], float), np.array([r for _, r in images])
    assert selective.aurc(*shuffled) == pytest.approx((area, excess))
    assert selective.aurc(np.exp(confidence), correct) == pytest.approx((area, excess))
    coverage, risk = selective.curve(confidence, correct)
    assert coverage[-1] == 1
    assert risk[-1] == pytest.approx(1 - correct.mean())
    assert (np.diff(coverage) > 0).all()


def test_ties_count_as_in_random_order():
    correct = np.random.default_rng(0).random(200) < 0.7
    area, _ = selective.aurc(np.full(200, 0.5), correct)
    assert area == pytest.approx(1 - correct.mean())


@pytest.mark.parametrize("precision", [0.9, 0.95, 0.98])
def test_the_precision_wanted_is_met_on_other_images(precision):
    met = []
    for seed in range(20):
        confidence, correct = problem(3000, seed)
        least, estimated, share = selective.threshold(confidence[:1500], correct[:1500], precision=precision)
        assert precision <= estimated < precision + 0.01
        assert share == pytest.approx((confidence[:1500] >= least).mean())
        met.append(correct[1500:][confidence[1500:] >= least].mean())
    assert np.mean(met) == pytest.approx(precision, abs=0.01)
    assert np.std(met) < 0.02


def test_a_confidence_that_is_too_high_is_seen_through():
    confidence, correct = problem(20_000, 0, power=3.0)  # 0.9 is right 73 times in 100
    least, _, _ = selective.threshold(confidence, correct, precision=0.95)
    assert correct[confidence >= least].mean() == pytest.approx(0.95, abs=0.01)
    assert least > 0.95


def test_a_lucky_run_does_not_move_the_threshold():
    confidence, correct = problem(1000, 3)
    whole = selective.threshold(confidence, correct, precision=0.97)[0]
    order = np.argsort(-confidence)
    correct[order[470:480]] = True
    lucky = selective.threshold(confidence, correct, precision=0.97)[0]
    assert lucky == pytest.approx(whole, abs=0.02)


def test_thresholds_rise_with_precision():
    confidence, correct = problem(2000)
    found = [selective.threshold(confidence, correct, precision=p) for p in (0.5, 0.85, 0.9, 0.95, 0.99)]
    least, estimated, shares = np.array(found).T
    assert (np.diff(least) >= 0).all()
    assert (np.diff(estimated) >= 0).all()
    assert (np.diff(shares) <= 0).all()
    assert least[0] == 0  # nothing need be refused
    assert shares[0] == 1


@pytest.mark.parametrize(
    ("confidence", "correct", "precision"),
    [
        (np.linspace(0, 1, 200), np.zeros(200, bool), 0.5),  # never right
        (np.linspace(0, 1, 200), np.ones(200, bool), 1.0),  # always right is no proof of never wrong
        (np.linspace(0, 1, selective.FEWEST - 1), np.ones(selective.FEWEST - 1, bool), 0.5),  # too few
        (np.full(200, 0.9), np.arange(200) < 150, 0.8),  # nothing to tell them apart by
        (np.linspace(0, 1, 200), np.arange(200) < 100, 0.6),  # the surer, the worse
    ],
)
def test_what_cannot_be_had_is_not_promised(confidence, correct, precision):
    least, estimated, share = selective.threshold(confidence, correct, precision=precision)
    assert (least, share) == (math.inf, 0)
    assert math.isnan(estimated)


def test_where_the_surer_are_the_worse_all_are_accepted_or_none():
    confidence, correct = np.linspace(0, 1, 200), np.arange(200) < 100
    assert selective.threshold(confidence, correct, precision=0.49)[::2] == (0, 1)
    assert selective.threshold(confidence, correct, precision=0.51)[::2] == (math.inf, 0)


def test_all_right_accepts_everything():
    least, estimated, share = selective.threshold(np.linspace(0, 1, 200), np.ones(200, bool), precision=0.99)
    assert (least, share) == (0, 1)
    assert estimated == pytest.approx(201 / 202, abs=1e-4)


@pytest.mark.parametrize(
    ("confidence", "correct", "words"),
    [
        (np.zeros(0), np.zeros(0, bool), "at least one image"),
        (np.zeros(2), np.zeros(3, bool), r"\(3,\)"),
        (np.zeros((2, 2)), np.zeros((2, 2), bool), r"\(2, 2\)"),
        (np.zeros(2), np.zeros(2), "boolean"),
        (np.array([0.5, np.nan]), np.zeros(2, bool), "1 of 2 confidences are NaN"),
    ],
)
def test_what_cannot_be_ordered_is_refused(confidence, correct, words):
    for ask in (selective.curve, selective.aurc):
        with pytest.raises(DataError, match=words):
            ask(confidence, correct)
    with pytest.raises(DataError, match=words):
        selective.threshold(confidence, correct, precision=0.9)


def test_values_out_of_range_are_refused():
    with pytest.raises(DataError, match="precision in 0–1"):
        selective.threshold(np.ones(50), np.ones(50, bool), precision=90)
    with pytest.raises(DataError, match="Confidences in 0–1"):
        selective.threshold(np.arange(50.0), np.ones(50, bool), precision=0.9)


@pytest.mark.parametrize("images", [1, 2, 40, 3000])
@pytest.mark.parametrize("kind", ["calibrated", "coarse", "all alike", "all right", "very sure"])
def test_the_logistic_curve_is_the_likeliest(images, kind):
    """Held against a general minimiser: the curve's likelihood is no worse than the one that it finds."""
    random = np.random.default_rng(images)
    sure = random.random(images)
    sure = {"coarse": sure.round(1), "all alike": np.full(images, 0.7), "very sure": 1 - 1e-7 * sure}.get(kind, sure)
    correct = np.ones(images, bool) if kind == "all right" else random.random(images) < sure
    levels, accepted, right = selective._accepted(sure, correct)
    groups, hits = np.diff(accepted, prepend=0), np.diff(right, prepend=0)
    odds = special.logit(np.clip(levels, 1e-6, 1 - 1e-6))
    target = hits * (hits.sum() + 1) / (hits.sum() + 2) + (groups - hits) / ((groups - hits).sum() + 2)

    def loss(probability):
        return -(special.xlogy(target, probability) + special.xlogy(groups - target, 1 - probability)).sum()

    found = selective._logistic(levels, groups, hits)
    line = minimize(lambda ab: loss(special.expit(ab[0] * odds + ab[1])), [1.0, 0.0], method="Nelder-Mead").x
    assert loss(found) <= loss(special.expit(line[0] * odds + line[1])) + 1e-6
    assert (np.diff(found) <= 1e-12).all() or (np.diff(found) >= -1e-12).all()
