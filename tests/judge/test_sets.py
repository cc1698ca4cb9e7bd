import io
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mapie.classification import SplitConformalClassifier
from mapie.conformity_scores import APSConformityScore, LACConformityScore, RAPSConformityScore
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import StratifiedShuffleSplit

from raravis.errors import DataError
from raravis.judge import sets
from raravis.judge.sets import Sets

SETTINGS = [
    {"method": "lac"},
    {"method": "aps"},
    {"method": "raps", "penalty": 0.05, "ranks": 2},
    {"method": "prior", "weight": 0.5},
    {"method": "prior"},
]


def problem(n, count, seed=0, strength=2.0):
    """Long-tailed classes, a model that knows what there is to know of them, and their shares."""
    random = np.random.default_rng(seed)
    priors = 1 / np.arange(1, count + 1)
    priors /= priors.sum()
    classes = random.choice(count, n, p=priors)
    seen = random.normal(size=(n, count))
    seen[np.arange(n), classes] += strength
    logits = strength * seen + np.log(priors)
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True), classes, priors


def made(method, threshold, **changes):
    values = {
        "method": method,
        "coverage": 0.9,
        "promised": 0.9,
        "threshold": threshold,
        "priors": np.array([0.5, 0.3, 0.2]),
        "weight": 1.0,
        "penalty": 0.1,
        "ranks": 1,
        "randomised": False,
        "images": 9,
    }
    return Sets(**(values | changes))


ROW = np.array([[0.5, 0.2, 0.3]])


@pytest.mark.parametrize(
    ("method", "scores", "changes", "draws"),
    [
        ("lac", [0.5, 0.8, 0.7], {}, None),
        ("aps", [0.0, 0.8, 0.5], {}, None),  # what is likelier: nothing, 0.5 + 0.3, 0.5
        ("aps", [0.5, 1.0, 0.8], {"randomised": True}, [0.0]),
        ("aps", [0.25, 0.9, 0.65], {"randomised": True}, [0.5]),
        ("raps", [0.0, 1.0, 0.6], {}, None),  # ranks 1, 3, 2: one and two beyond the first
        ("raps", [0.0, 0.9, 0.5], {"ranks": 2}, None),
        ("prior", [0.0, np.log(0.3 / 0.2), np.log(0.2 / 0.3)], {}, None),
        ("prior", [-np.log(0.5), -np.log(0.2), -np.log(0.3)], {"weight": 0.0}, None),
    ],
)
def test_scores_worked_by_hand(method, scores, changes, draws):
    draws = None if draws is None else np.array(draws)
    np.testing.assert_allclose(made(method, 0.0, **changes)._scores(ROW, draws)[0], scores, atol=1e-12)
    for k, score in enumerate(scores):
        assert made(method, score + 1e-9, **changes).members(ROW, draws)[0, k]
        assert not made(method, score - 1e-9, **changes).members(ROW, draws)[0, k]


def test_the_threshold_is_the_corrected_quantile():
    own = np.linspace(0.05, 0.95, 19)  # scores 0.95 … 0.05
    probabilities = np.stack([own, 1 - own], axis=1)
    zero = np.zeros(19, int)
    # (19 + 1) · 0.9 = 18: the 18th smallest of 19
    found = sets.fit(probabilities, zero, method="lac", coverage=0.9)
    assert found.threshold == pytest.approx(0.90)
    assert found.promised == pytest.approx(18 / 20)
    assert sets.fit(probabilities, zero, method="lac", coverage=0.91).threshold == pytest.approx(0.95)  # ⌈18.2⌉
    assert sets.fit(probabilities, zero, method="lac", coverage=0.96).threshold == math.inf  # ⌈19.2⌉ of 19


@pytest.mark.parametrize(("coverage", "needed"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99), (0.91, 11)])
def test_with_one_image_less_than_needed_sets_hold_everything(coverage, needed):
    assert sets.needed(coverage) == needed
    probabilities, classes, priors = problem(needed, 5)
    for settings_ in SETTINGS:
        enough = sets.fit(probabilities, classes, coverage=coverage, priors=priors, **settings_)
        assert enough.threshold < math.inf
        assert enough.note == ""
        few = sets.fit(probabilities[1:], classes[1:], coverage=coverage, priors=priors, **settings_)
        assert few.members(probabilities).all()
        assert few.promised == 1
        assert f"{needed} are needed" in few.note
        assert few.record()["threshold"] is None


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(SETTINGS), st.floats(0.5, 0.97), st.integers(0, 10**6), st.integers(2, 30), st.floats(0.3, 5))
def test_exchangeable_images_are_covered_as_promised(chosen, coverage, seed, count, strength):
    """Whatever the model: over 40 divisions, coverage is at least what is promised, and no more unless scores tie."""
    random = np.random.default_rng(seed)
    priors = np.full(count, 1 / count)
    covered, promised = [], []
    for _ in range(40):
        probabilities, classes, _ = problem(400, count, int(random.integers(2**31)), strength)
        found = sets.fit(probabilities[:200], classes[:200], coverage=coverage, priors=priors, **chosen)
        covered.append(found.members(probabilities[200:])[np.arange(200), classes[200:]].mean())
        promised.append(found.promised)
    error = math.sqrt(2 * coverage * (1 - coverage) / 200 / 40)
    assert min(promised) >= coverage
    assert np.mean(covered) > np.mean(promised) - 5 * error
    if chosen["method"] in ("lac", "prior"):
        assert np.mean(covered) < np.mean(promised) + 5 * error


def test_draws_make_coverage_exact_where_the_model_is_right_more_often():
    random = np.random.default_rng(0)
    plain, drawn = [], []
    for seed in range(60):
        probabilities, classes, _ = problem(600, 6, seed, strength=5)
        draws = random.random(600)
        one, other = slice(0, 300), slice(300, 600)
        rows, own = np.arange(300), classes[other]
        found = sets.fit(probabilities[one], classes[one], method="aps", coverage=0.8)
        plain.append(found.members(probabilities[other])[rows, own].mean())
        found = sets.fit(probabilities[one], classes[one], method="aps", coverage=0.8, draws=draws[one])
        drawn.append(found.members(probabilities[other], draws[other])[rows, own].mean())
    assert np.mean(drawn) == pytest.approx(0.8, abs=0.015)
    assert np.mean(plain) > 0.9


@pytest.mark.parametrize("chosen", SETTINGS)
def test_an_image_has_the_same_set_in_any_company(chosen):
    probabilities, classes, priors = problem(300, 8)
    found = sets.fit(probabilities, classes, coverage=0.9, priors=priors, **chosen)
    whole = found.members(probabilities)
    np.testing.assert_array_equal(whole, found.members(probabilities))
    np.testing.assert_array_equal(whole[5:6], found.members(probabilities[5:6]))
    np.testing.assert_array_equal(whole[::-1], found.members(probabilities[::-1]))
    order = np.random.default_rng(0).permutation(300)
    again = sets.fit(probabilities[order], classes[order], coverage=0.9, priors=priors, **chosen)
    assert again.threshold == pytest.approx(found.threshold, abs=1e-12)


@pytest.mark.parametrize("method", ["aps", "raps"])
def test_without_draws_the_likeliest_is_always_in(method):
    probabilities, classes, _ = problem(300, 8, strength=6)
    found = sets.fit(probabilities, classes, method=method, coverage=0.6)
    members = found.members(probabilities)
    assert members[np.arange(300), probabilities.argmax(axis=1)].all()


def test_lac_may_be_empty_to_keep_its_promise():
    probabilities, classes, _ = problem(2000, 8, strength=6)
    found = sets.judge(sets.fit(probabilities, classes, method="lac", coverage=0.9).members(probabilities), classes)
    assert (probabilities.argmax(axis=1) == classes).mean() > 0.95
    assert found["coverage"] == pytest.approx(0.9, abs=0.002)
    assert found["empty"] > 0.05


def test_prior_serves_rare_families():
    probabilities, classes, priors = problem(4000, 20)
    half = slice(0, 2000), slice(2000, 4000)
    figures = {}
    for weight in (0.0, 0.5, 1.0):
        found = sets.fit(probabilities[half[0]], classes[half[0]], method="prior", weight=weight, priors=priors)
        figures[weight] = sets.judge(found.members(probabilities[half[1]]), classes[half[1]])
    macro = [found["macro_coverage"] for found in figures.values()]
    sizes = [found["mean_size"] for found in figures.values()]
    assert macro == sorted(macro)
    assert macro[2] > macro[0] + 0.05
    assert sizes == sorted(sizes)
    lac = sets.fit(probabilities[half[0]], classes[half[0]], method="lac").members(probabilities[half[1]])
    assert sets.judge(lac, classes[half[1]]) == figures[0.0]


class Given(ClassifierMixin, BaseEstimator):
    """Its features are probabilities already."""

    def __init__(self, count):
        self.count = count
        self.classes_ = np.arange(count)

    def fit(self, x, y):
        return self

    def predict_proba(self, x):
        return x

    def predict(self, x):
        return x.argmax(axis=1)

    def __sklearn_is_fitted__(self):
        return True


def reference(score, probabilities, classes, new, seed=0, **settings_):
    wrapped = SplitConformalClassifier(Given(probabilities.shape[1]), 0.85, score, random_state=seed)
    wrapped.conformalize(probabilities, classes)
    return wrapped.predict_set(new, conformity_score_params=settings_)[1][:, :, 0], score


def uniform(n, seed=0):
    return np.random.RandomState(seed).uniform(size=n)  # the generator that the reference draws from


def filled(members, probabilities):
    """The reference never leaves a set empty when it does not randomise."""
    empty = np.flatnonzero(~members.any(axis=1))
    members[empty, probabilities[empty].argmax(axis=1)] = True
    return members


def test_lac_agrees_with_mapie():
    probabilities, classes, _ = problem(603, 6)
    old, new, own = probabilities[:303], probabilities[303:], classes[:303]
    expected, _ = reference(LACConformityScore(), old, own, new)
    np.testing.assert_array_equal(sets.fit(old, own, method="lac", coverage=0.85).members(new), expected)


def test_aps_agrees_with_mapie():
    probabilities, classes, _ = problem(603, 6)
    old, new, own = probabilities[:303], probabilities[303:], classes[:303]
    found = sets.fit(old, own, method="aps", coverage=0.85, draws=uniform(303))
    expected, _ = reference(APSConformityScore(), old, own, new, include_last_label="randomized")
    np.testing.assert_array_equal(found.members(new, uniform(300)), expected)
    assert not expected.any(axis=1).all()
    expected, _ = reference(APSConformityScore(), old, own, new, include_last_label=False)
    np.testing.assert_array_equal(filled(found.members(new, np.zeros(300)), new), expected)


def test_raps_agrees_with_mapie():
    probabilities, classes, _ = problem(1003, 12, strength=1.5)
    old, new, own = probabilities[:703], probabilities[703:], classes[:703]
    expected, score = reference(RAPSConformityScore(), old, own, new, include_last_label=False)
    kept = next(StratifiedShuffleSplit(1, random_state=0).split(old, own))[0]  # the rest gave it these two settings
    penalty, ranks = float(score.lambda_star), int(score.k_star[0])
    assert penalty > 0
    draws = uniform(len(kept))
    chosen = {"method": "raps", "coverage": 0.85, "penalty": penalty, "ranks": ranks}
    found = sets.fit(old[kept], own[kept], draws=draws, **chosen)
    assert found.threshold == pytest.approx(float(score.quantiles_[0]))
    np.testing.assert_array_equal(filled(found.members(new, np.zeros(300)), new), expected)


def test_judgement_worked_by_hand():
    members = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 0]], bool)
    found = sets.judge(members, np.array([0, 1, 0, 1]))
    assert found["n"] == 4
    assert found["coverage"] == 0.5
    assert found["ci95"] == pytest.approx([0.0676, 0.9324], abs=1e-4)  # Clopper and Pearson, 2 of 4
    assert found["mean_size"] == 5 / 4
    assert found["median_size"] == 1.5
    assert found["empty"] == found["singletons"] == 1 / 4
    assert found["macro_coverage"] == 0.5
    assert found["badly_covered"] is None
    assert found["judged"] == 0
    assert found["per_class"][0] == {"n": 2, "coverage": 0.5, "ci95": pytest.approx([0.0126, 0.9874], abs=1e-4)}
    assert found["per_class"][2] == {"n": 0, "coverage": None, "ci95": None}
    json.dumps(found, allow_nan=False)


def test_badly_covered_families_are_those_with_enough_images():
    classes = np.repeat([0, 1, 2], [10, 10, 9])
    members = np.zeros((29, 3), bool)
    members[:7, 0] = members[10:16, 1] = True  # 7 of 10, 6 of 10, none of 9
    found = sets.judge(members, classes)
    assert (found["badly_covered"], found["judged"]) == (0.5, 2)
    whole = sets.judge(np.ones((29, 3), bool), classes)
    assert whole["ci95"] == [pytest.approx(0.025 ** (1 / 29)), 1.0]
    assert sets.judge(~np.ones((29, 3), bool), classes)["ci95"] == [0.0, pytest.approx(1 - 0.025 ** (1 / 29))]


def test_choose_keeps_coverage_and_small_sets():
    probabilities, classes, priors = problem(800, 10, strength=4)
    found, rows = sets.choose(probabilities, classes, coverage=0.9, priors=priors, seed=0)
    assert {row["method"] for row in rows} == set(sets.METHODS)
    json.dumps(rows, allow_nan=False)
    own = next(row for row in rows if row["method"] == found.method and row.get("weight", 1) == found.weight)
    assert own["coverage"] == pytest.approx(0.9, abs=sets.NEAR)
    valid = [row["mean_size"] for row in rows if abs(row["coverage"] - 0.9) <= sets.NEAR]
    assert own["mean_size"] <= sets.ROOM * min(valid)
    again, same = sets.choose(probabilities, classes, coverage=0.9, priors=priors, seed=0)
    assert (again.record(), same) == (found.record(), rows)
    assert sets.choose(probabilities, classes, coverage=0.9, priors=priors, seed=1)[1] != rows


def test_choose_takes_a_little_more_for_families_left_out(monkeypatch):
    def tried(probabilities, classes, settings_, *_):
        bad, size = {"lac": (0.5, 1.0), "aps": (0.1, 1.1), "raps": (0.0, 1.3), "prior": (0.4, 1.0)}[settings_["method"]]
        return settings_ | {"coverage": 0.9, "badly_covered": bad, "judged": 10.0, "mean_size": size}

    monkeypatch.setattr(sets, "_tried", tried)
    probabilities, classes, priors = problem(100, 5)
    assert sets.choose(probabilities, classes, priors=priors)[0].method == "aps"


def test_choose_prefers_coverage_to_everything(monkeypatch):
    def tried(probabilities, classes, settings_, *_):
        covered, size = (0.91, 3.0) if settings_["method"] == "aps" else (0.95, 1.0)
        return settings_ | {"coverage": covered, "badly_covered": 0.0, "judged": 5.0, "mean_size": size}

    monkeypatch.setattr(sets, "_tried", tried)
    probabilities, classes, _ = problem(100, 5)
    assert sets.choose(probabilities, classes)[0].method == "aps"


def test_choose_judges_every_image_by_the_half_without_it(monkeypatch):
    class Made:
        def __init__(self, probabilities):
            self.seen = set(probabilities[:, 0].tolist())

        def members(self, probabilities):
            assert not self.seen & set(probabilities[:, 0].tolist())
            asked.append(len(probabilities))
            return np.ones(probabilities.shape, bool)

    asked = []
    monkeypatch.setattr(sets, "fit", lambda probabilities, *_, **__: Made(probabilities))
    probabilities, classes, _ = problem(61, 4)
    sets._tried(probabilities, classes, {"method": "lac"}, 0.9, None, 0)
    assert sum(asked) == 61 * sets.ROUNDS


def test_choose_without_priors_and_with_few_images():
    probabilities, classes, _ = problem(60, 4)
    assert "prior" not in {row["method"] for row in sets.choose(probabilities, classes)[1]}
    found, rows = sets.choose(probabilities[:12], classes[:12])
    assert (found.method, found.note, rows) == ("lac", "", [])
    found, rows = sets.choose(probabilities[:0], classes[:0])
    assert "9 are needed" in found.note
    assert found.members(probabilities).all()


def test_images_of_one_class_only_are_no_obstacle():
    probabilities, _, priors = problem(40, 4)
    classes = np.full(40, 2)
    for chosen in SETTINGS:
        found = sets.fit(probabilities, classes, coverage=0.8, priors=priors, **chosen)
        assert sets.judge(found.members(probabilities), classes)["coverage"] >= 0.8


@pytest.mark.parametrize("n", [5, 200])
def test_what_is_stored_comes_back(n):
    probabilities, classes, priors = problem(n, 6)
    one = sets.fit(probabilities, classes, method="raps", priors=priors, draws=uniform(n), penalty=0.02, ranks=3)
    stream = io.BytesIO()
    np.savez(stream, **one.arrays())
    stream.seek(0)
    with np.load(stream, allow_pickle=False) as stored:
        other = Sets.of(stored)
    assert other.record() == one.record()
    json.dumps(one.record(), allow_nan=False)
    np.testing.assert_array_equal(other.priors, one.priors)
    np.testing.assert_array_equal(other.members(probabilities, uniform(n)), one.members(probabilities, uniform(n)))


def test_damaged_storage_is_refused():
    whole = made("lac", 0.5).arrays()
    with pytest.raises(DataError, match="lack threshold"):
        Sets.of({name: value for name, value in whole.items() if name != "threshold"})
    with pytest.raises(DataError, match="method 'magic'"):
        Sets.of(whole | {"method": np.array("magic")})


HALF = np.array([[0.5, 0.5]])


@pytest.mark.parametrize(
    ("probabilities", "classes", "changes", "words"),
    [
        (np.array([[np.nan, 1.0]]), np.array([0]), {}, "NaN"),
        (np.array([[0.5, 0.1]]), np.array([0]), {}, "sum of 0.6"),
        (HALF, np.array([0, 1]), {}, r"shape \(1,\)"),
        (HALF, np.array([0.0]), {}, "Integer"),
        (HALF, np.array([2]), {}, "outside 0 … 1"),
        (HALF, np.array([0]), {"method": "best"}, "method='best'"),
        (HALF, np.array([0]), {"coverage": 1.0}, "coverage=1.0"),
        (HALF, np.array([0]), {"method": "prior", "weight": 2}, "weight=2"),
        (HALF, np.array([0]), {"method": "raps", "penalty": -1}, "penalty=-1"),
        (HALF, np.array([0]), {"method": "prior"}, "none were given"),
        (HALF, np.array([0]), {"priors": np.array([1.0, 0.0])}, "2 positive shares"),
        (HALF, np.array([0]), {"priors": np.ones(3)}, "2 positive shares"),
        (HALF, np.array([0]), {"draws": np.array([0.5])}, "nothing to draw"),
    ],
)
def test_what_cannot_be_fitted_is_refused(probabilities, classes, changes, words):
    with pytest.raises(DataError, match=words):
        sets.fit(probabilities, classes, **{"method": "lac", "coverage": 0.5} | changes)


def test_draws_that_do_not_fit_are_refused():
    probabilities, classes, _ = problem(30, 4)
    with pytest.raises(DataError, match="30 draws"):
        sets.fit(probabilities, classes, method="aps", draws=np.zeros(3))
    with pytest.raises(DataError, match="30 draws"):
        sets.fit(probabilities, classes, method="aps", draws=np.full(30, 2.0))
    with pytest.raises(DataError, match="fitted without draws"):
        sets.fit(probabilities, classes, method="aps").members(probabilities, np.zeros(30))
    with pytest.raises(DataError, match="fitted with draws"):
        sets.fit(probabilities, classes, method="aps", draws=np.zeros(30)).members(probabilities)
    with pytest.raises(DataError, match=r"\(images, 4\)"):
        sets.fit(probabilities, classes, method="lac").members(problem(5, 3)[0])


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(DataError, match="booleans"):
        sets.judge(np.ones((2, 3)), np.zeros(2, int))
    with pytest.raises(DataError, match="booleans"):
        sets.judge(np.zeros((0, 3), bool), np.zeros(0, int))
    with pytest.raises(DataError, match=r"shape \(2,\)"):
        sets.judge(np.ones((2, 3), bool), np.zeros(3, int))
