"""Scorers of novelty: a contract that every one keeps, values worked by hand, and the choice by rehearsal."""

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis as reference
from sklearn.metrics import roc_auc_score

from raravis.errors import DataError
from raravis.judge import novelty
from raravis.judge.novelty import Known, Novelty, Rehearsed, Seen, combined, unit
from raravis.judge.novelty._known import SHRINKAGE

FAMILIES, WIDTH = 6, 24


def world(seed=0):
    """Known families as clusters with a head that sees their centres, held-out images, and images of new clusters."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(FAMILIES + 3, WIDTH)) * 2

    def images(classes):
        return unit(centres[classes] + rng.normal(size=(len(classes), WIDTH)))

    def seen(features):
        return Seen(features, (12 * features @ unit(centres[:FAMILIES]).T).astype(np.float32))

    classes = np.repeat(np.arange(FAMILIES), 40)
    held = seen(images(np.repeat(np.arange(FAMILIES), 15)))
    known = Known(images(classes), classes, FAMILIES, held)
    return known, seen(images(np.repeat(np.arange(FAMILIES, FAMILIES + 3), 30)))


@pytest.fixture(scope="module")
def problem():
    return world()


@pytest.mark.parametrize("name", novelty.names())
class TestEveryScorer:
    def test_new_families_score_higher(self, problem, name):
        known, new = problem
        scorer = novelty.fit(name, known)
        held, strange = (scorer.score(s.features, s.logits) for s in (known.held, new))
        assert held.dtype == np.float32
        assert held.shape == (len(known.held.logits),)
        truth = np.r_[np.zeros(len(held)), np.ones(len(strange))]
        assert roc_auc_score(truth, np.r_[held, strange]) > 0.9

    def test_a_score_is_of_the_image_alone(self, problem, name):
        known, new = problem
        scorer = novelty.fit(name, known)
        together = scorer.score(new.features, new.logits)
        alone = scorer.score(new.features[7:8], new.logits[7:8])
        np.testing.assert_allclose(alone, together[7:8], rtol=1e-3, atol=1e-4)

    def test_it_is_kept_and_read_back(self, problem, name, tmp_path):
        known, new = problem
        scorer = novelty.fit(name, known)
        np.savez(tmp_path / "kept.npz", **scorer.arrays())
        with np.load(tmp_path / "kept.npz", allow_pickle=False) as held:
            again = Novelty.of({key: held[key] for key in held.files})
        np.testing.assert_array_equal(
            again.score(new.features, new.logits), scorer.score(new.features, new.logits), strict=True
        )

    def test_numbers_that_are_none_are_refused(self, problem, name):
        known, new = problem
        broken = new.features.copy()
        broken[3, 1] = np.nan
        with pytest.raises(DataError, match="NaN"):
            novelty.fit(name, known).score(broken, new.logits)


@pytest.mark.parametrize("name", ["knn", "mahalanobis", "relative_mahalanobis", "vim", "combined"])
def test_features_of_another_network_are_refused(problem, name):
    known, new = problem
    with pytest.raises(DataError, match="another network"):
        novelty.fit(name, known).score(new.features[:, :5], new.logits)


def test_logits_worked_by_hand(problem):
    logits = np.log(np.array([[0.7, 0.2, 0.1]], np.float32)) + 2
    features = np.zeros((1, 3), np.float32)
    known, _ = problem
    wanted = {
        "max_probability": 0.3,
        "max_logit": -(np.log(0.7) + 2),
        "energy": -2.0,
        "entropy": -sum(p * np.log(p) for p in (0.7, 0.2, 0.1)),
    }
    for name, value in wanted.items():
        assert novelty.fit(name, known).score(features, logits) == pytest.approx(value, abs=1e-5)


def test_mahalanobis_is_the_distance_to_the_nearest_mean(problem):
    known, new = problem
    residual = known.features - known.centres[known.classes]
    covariance = residual.T @ residual / (len(residual) - 1)
    level = np.trace(covariance) / WIDTH
    inverse = np.linalg.inv((1 - SHRINKAGE) * covariance + SHRINKAGE * level * np.eye(WIDTH))
    wanted = min(reference(new.features[0], centre, inverse) ** 2 for centre in known.centres) / WIDTH
    assert novelty.fit("mahalanobis", known).score(new.features[:1], new.logits[:1]) == pytest.approx(wanted, rel=1e-3)


def test_knn_is_the_distance_to_the_fifth(problem):
    known, new = problem
    wanted = np.sort(np.linalg.norm(known.features - new.features[0], axis=1))[4]
    assert novelty.fit("knn", known).score(new.features[:1], new.logits[:1]) == pytest.approx(wanted, rel=1e-3)


def test_ranks_are_shares_of_held_out_known_images(problem):
    known, new = problem
    scorer = novelty.fit("knn", known)
    ranks = scorer.rank(scorer.score(known.held.features, known.held.logits))
    assert ranks.min() >= 0
    assert ranks.max() <= 1
    assert ranks.mean() == pytest.approx(0.5, abs=0.03)
    assert scorer.rank(scorer.score(new.features, new.logits)).mean() > 0.9


def rehearsed(seed, *, telling="relative_mahalanobis"):
    """A rehearsal in which one scorer tells new images and all others are noise."""
    rng = np.random.default_rng(seed)
    names = [name for name in novelty.names() if name != "combined"]
    held = {name: rng.normal(size=60).astype(np.float32) for name in names}
    new = {name: rng.normal(size=40).astype(np.float32) + 3 * (name == telling) for name in names}
    return Rehearsed(held, new, np.array(["near", "far"] * 20))


def test_the_scorer_that_tells_is_chosen_and_weighs_most():
    rehearsals = [rehearsed(seed) for seed in range(3)]
    best, table = novelty.choose(rehearsals)
    assert best in ("relative_mahalanobis", "combined")
    assert table["mean"].is_monotonic_decreasing
    noise = table.set_index("scorer").loc["entropy", "mean"]
    assert table["mean"].iloc[0] > 0.95 > 0.65 > noise
    weights = dict(zip(combined.PARTS, combined.weigh(rehearsals), strict=True))
    assert weights["relative_mahalanobis"] > 5 * abs(weights["max_probability"])


def test_of_one_rehearsal_no_weights_are_learned():
    _, table = novelty.choose([rehearsed(0)])
    assert "combined" not in set(table["scorer"])
    np.testing.assert_allclose(combined.weigh([]), 1 / len(combined.PARTS))


def test_energy_and_entropy_agree_with_another_library(problem):
    torch = pytest.importorskip("torch")
    detector = pytest.importorskip("pytorch_ood.detector")
    known, new = problem
    logits = torch.tensor(new.logits)
    for name, theirs in (("energy", detector.EnergyBased), ("entropy", detector.Entropy)):
        found = novelty.fit(name, known).score(new.features, new.logits)
        np.testing.assert_allclose(found, theirs.score(logits).numpy(), rtol=1e-4, atol=1e-4)
