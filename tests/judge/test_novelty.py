"""Scorers of novelty: a contract that every one keeps, values worked by hand, and the choice by rehearsal."""

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis as reference
from scipy.special import logsumexp
from sklearn.metrics import roc_auc_score

from raravis.errors import DataError, UsageError
from raravis.judge import novelty
from raravis.judge.novelty import NO_ANIMAL, Known, Novelty, Rehearsed, Seen, _known, combined, knn, unit
from raravis.judge.novelty._known import SHRINKAGE

FAMILIES, WIDTH = 6, 24


def world(*, each=15, drawn=0):
    """Known families as clusters with a head that sees their centres, held-out images, and images of new clusters."""
    centres = np.random.default_rng(0).normal(size=(FAMILIES + 3, WIDTH)) * 2
    rng = np.random.default_rng((1, drawn))

    def images(classes):
        return unit(centres[classes] + rng.normal(size=(len(classes), WIDTH)))

    def seen(features):
        return Seen(features, (12 * features @ unit(centres[:FAMILIES]).T).astype(np.float32))

    classes = np.repeat(np.arange(FAMILIES), 40)
    held = seen(images(np.repeat(np.arange(FAMILIES), each)))
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
        for scores, images in ((held, known.held), (strange, new)):
            assert scores.dtype == np.float32
            assert scores.shape == (len(images.logits),)
            assert np.isfinite(scores).all()
        truth = np.r_[np.zeros(len(held)), np.ones(len(strange))]
        assert roc_auc_score(truth, np.r_[held, strange]) > 0.9

    def test_a_score_is_of_the_image_alone(self, problem, name):
        known, new = problem
        scorer = novelty.fit(name, known)
        together = scorer.score(new.features, new.logits)
        alone = scorer.score(new.features[7:8], new.logits[7:8])
        np.testing.assert_allclose(alone, together[7:8], rtol=1e-3, atol=1e-4)
        backwards = scorer.score(new.features[::-1], new.logits[::-1])
        np.testing.assert_allclose(backwards[::-1], together, rtol=1e-3, atol=1e-4)

    def test_features_of_any_length_will_do(self, problem, name):
        known, new = problem
        scorer = novelty.fit(name, known)
        longer = scorer.score(new.features * 7, new.logits)
        np.testing.assert_allclose(longer, scorer.score(new.features, new.logits), rtol=1e-3, atol=1e-4)

    def test_no_image_has_no_score(self, problem, name):
        known, new = problem
        scores = novelty.fit(name, known).score(new.features[:0], new.logits[:0])
        assert scores.shape == (0,)

    def test_new_images_of_known_families_rank_evenly(self, name):
        """The shares of other held-out images below each decile; 300 and 600 images make errors of about 0.03."""
        known, _ = world(each=50)
        other, _ = world(each=100, drawn=1)
        scorer = novelty.fit(name, known)
        ranks = scorer.rank(scorer.score(other.held.features, other.held.logits))
        assert ranks.dtype == np.float32
        for share in np.linspace(0.1, 0.9, 9):
            assert (ranks < share).mean() == pytest.approx(share, abs=0.09)

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
        broken = new.logits.copy()
        broken[3, 1] = np.inf
        with pytest.raises(DataError, match="infinity"):
            novelty.fit(name, known).score(new.features, broken)
        broken = known.features.copy()
        broken[3, 1] = np.nan
        with pytest.raises(DataError, match="NaN"):
            novelty.fit(name, Known(broken, known.classes, FAMILIES, known.held))


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


def test_relative_mahalanobis_takes_off_the_distance_to_all(problem):
    known, new = problem
    residual = known.features - known.features.mean(axis=0)
    covariance = np.cov(residual, rowvar=False)
    inverse = np.linalg.inv((1 - SHRINKAGE) * covariance + SHRINKAGE * np.trace(covariance) / WIDTH * np.eye(WIDTH))
    wanted = [reference(image, known.features.mean(axis=0), inverse) ** 2 / WIDTH for image in new.features]
    near, relative = (
        novelty.fit(name, known).score(new.features, new.logits) for name in ("mahalanobis", "relative_mahalanobis")
    )
    np.testing.assert_allclose(near - relative, wanted, rtol=1e-3)


def test_a_family_without_images_is_no_obstacle(problem):
    known, new = problem
    more = Known(known.features, known.classes, FAMILIES + 1, known.held)
    scores = novelty.fit("mahalanobis", more).score(new.features, new.logits)
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(more.centres[-1], known.features.mean(axis=0), rtol=1e-5)


def test_vim_is_a_virtual_logit_against_the_energy(problem):
    known, new = problem
    mean = known.features.mean(axis=0)
    _, _, axes = np.linalg.svd(known.features - mean, full_matrices=True)
    outside = axes[WIDTH // 2 :].T  # what is not in the first half of the principal axes
    length = np.linalg.norm((known.held.features - mean) @ outside, axis=1).mean()
    height = (known.held.logits.max(axis=1) - known.held.logits.mean(axis=1)).mean()
    virtual = height / length * np.linalg.norm((new.features - mean) @ outside, axis=1)
    wanted = virtual - logsumexp(new.logits, axis=1)
    found = novelty.fit("vim", known).score(new.features, new.logits)
    np.testing.assert_allclose(found, wanted, rtol=0.05)  # its axes are those of a randomised decomposition


def test_combined_is_the_weighted_sum_of_its_parts(problem):
    known, new = problem
    rehearsals = [rehearsed(seed) for seed in range(3)]
    whole = Known(known.features, known.classes, FAMILIES, known.held, rehearsals)
    weights, wanted = combined.weigh(rehearsals), 0
    for part, weight in zip(combined.PARTS, weights, strict=True):
        scorer = novelty.fit(part, known)
        held = scorer.score(known.held.features, known.held.logits)
        wanted = wanted + weight * (scorer.score(new.features, new.logits) - held.mean()) / held.std()
    np.testing.assert_allclose(novelty.fit("combined", whole).score(new.features, new.logits), wanted, rtol=1e-3)
    same = novelty.fit("combined", known)
    assert same.kept["weights"].tolist() == [0.5, 0.5]


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


def test_ranks_by_hand():
    scorer = Novelty("max_logit", {}, np.array([1, 2, 2, 4], np.float32))
    np.testing.assert_allclose(scorer.rank(np.array([0, 1, 2, 3, 4, 5], np.float32)), [0, 0, 0.2, 0.6, 0.6, 0.8])


def test_names_that_there_are_not_are_refused(problem):
    with pytest.raises(UsageError, match="Did you mean 'max_logit'"):
        novelty.fit("max_logits", problem[0])
    stored = novelty.fit("energy", problem[0]).arrays() | {"scorer": np.array("_known")}
    with pytest.raises(DataError, match="unknown scorer '_known'"):
        Novelty.of(stored)


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


@pytest.mark.parametrize("telling", ["knn", "energy", "vim"])
def test_a_scorer_that_is_no_part_can_be_chosen(telling):
    best, table = novelty.choose([rehearsed(seed, telling=telling) for seed in range(4)])
    assert best == telling == table["scorer"].iloc[0]


def test_only_those_that_may_be_are_chosen_and_told():
    rehearsals = [rehearsed(seed, telling="energy") for seed in range(3)]
    assert novelty.choose(rehearsals)[0] == "energy"
    best, table = novelty.choose(rehearsals, ["entropy", "max_probability", "combined"])
    assert best in ("entropy", "max_probability", "combined")
    assert set(table["scorer"]) == {"entropy", "max_probability", "combined"}
    assert set(novelty.choose(rehearsals, ["entropy", "knn"])[1]["scorer"]) == {"entropy", "knn"}


def test_of_equals_the_first_by_name_is_chosen():
    one = rehearsed(0)
    held, new = (dict.fromkeys(scores, scores["knn"]) for scores in (one.held, one.new))
    best, table = novelty.choose([Rehearsed(held, new, one.kinds)])
    assert best == "energy"
    assert table["mean"].nunique() == 1


def test_areas_by_hand_and_pictures_of_no_animal_do_not_choose():
    held = np.array([0, 1, 2, 3], np.float32)
    new = {"energy": [2.5, 4, 9, 9], "knn": [4, 4, -1, -1]}
    kinds = np.array(["near", "far", NO_ANIMAL, NO_ANIMAL])
    one = Rehearsed(
        dict.fromkeys(new, held), {name: np.array(values, np.float32) for name, values in new.items()}, kinds
    )
    best, table = novelty.choose([one])
    assert best == "knn"
    rows = table.set_index("scorer")
    assert rows.loc["energy", ["near", "far", NO_ANIMAL, "mean"]].tolist() == [0.75, 1, 1, 0.875]
    assert rows.loc["knn", ["near", "far", NO_ANIMAL, "mean"]].tolist() == [1, 1, 0, 1]


def test_weights_of_combined_are_never_learned_from_the_rehearsal_that_they_are_judged_on(monkeypatch):
    rehearsals = [rehearsed(seed) for seed in range(3)]
    learned = []
    real = combined.weigh
    monkeypatch.setattr(combined, "weigh", lambda some: learned.append([id(one) for one in some]) or real(some))
    novelty.choose(rehearsals)
    ids = [id(one) for one in rehearsals]
    assert learned == [[ids[1], ids[2]], [ids[0], ids[2]], [ids[0], ids[1]]]


def test_every_kind_weighs_the_same_however_many_images_it_has():
    """One part tells the many near ones, the other the few far ones: both are needed."""
    rng = np.random.default_rng(0)
    parts = dict(zip(combined.PARTS, rng.normal(size=(2, 200)).astype(np.float32), strict=True))
    kinds = np.array(["near"] * 190 + ["far"] * 10)
    new = {part: rng.normal(size=200).astype(np.float32) for part in parts}
    new[combined.PARTS[0]][:190] += 3
    new[combined.PARTS[1]][190:] += 3
    one, other = combined.weigh([Rehearsed(parts, new, kinds)])
    assert one / other == pytest.approx(1, abs=0.4)


def test_curves_are_in_deviations_of_their_own_rehearsal():
    rehearsals = [rehearsed(seed) for seed in range(2)]
    stretched = Rehearsed(
        {name: 50 * scores + 9 for name, scores in rehearsals[1].held.items()},
        {name: 50 * scores + 9 for name, scores in rehearsals[1].new.items()},
        rehearsals[1].kinds,
    )
    for name in ("relative_mahalanobis", "combined"):
        known, new = novelty.curves([rehearsals[0], stretched], name)
        wanted, other = novelty.curves(rehearsals, name)
        assert set(new) == {"near", "far"}
        np.testing.assert_allclose(known, wanted, atol=1e-3)
        np.testing.assert_allclose(new["far"], other["far"], atol=1e-3)
    assert known.mean() == pytest.approx(0, abs=1e-3)
    assert len(known) == 120
    assert len(new["near"]) == 40


def test_of_one_rehearsal_no_weights_are_learned():
    best, table = novelty.choose([rehearsed(0, telling="entropy")])
    assert best == "entropy"
    assert "combined" not in set(table["scorer"])
    np.testing.assert_allclose(combined.weigh([]), 1 / len(combined.PARTS))


@pytest.fixture
def peer():
    """PyTorch-OOD, where it is installed and can be imported: `make test-peers`."""
    try:
        import torch
        from pytorch_ood import detector
    except (ImportError, RuntimeError, AttributeError) as error:  # a torchvision of another torch raises the latter two
        pytest.skip(f"pytorch-ood cannot be imported: {error}")
    return torch, detector


@pytest.mark.filterwarnings("ignore")
def test_another_library_agrees(problem, peer, monkeypatch):
    """To the number, but for a factor: of Mahalanobis distances, without shrinkage, which that library does not do."""
    torch, detector = peer
    monkeypatch.setattr(_known, "SHRINKAGE", 0.0)
    known, new = problem
    known = Known(known.features, known.classes, known.count, known.held)  # nothing of it is computed yet
    logits, features = torch.tensor(new.logits), torch.tensor(new.features)
    taught = torch.tensor(known.features), torch.tensor(known.classes)
    per = (len(known.features) - 1) / WIDTH  # its covariances are sums, and so are its distances over dimensions
    theirs = {
        "max_probability": 1 + detector.MaxSoftmax.score(logits),
        "max_logit": detector.MaxLogit.score(logits),
        "energy": detector.EnergyBased.score(logits),
        "entropy": detector.Entropy.score(logits),
        "knn": detector.KNN(None, k=knn.NEIGHBOURS).fit_features(*taught).predict_features(features),
        "mahalanobis": 2 * per * detector.Mahalanobis(None).fit_features(*taught).predict_features(features),
        "relative_mahalanobis": per * detector.RMD(None).fit_features(*taught).predict_features(features),
    }
    for name, scores in theirs.items():
        found = novelty.fit(name, known).score(new.features, new.logits)
        np.testing.assert_allclose(found, scores.numpy(), rtol=2e-3, atol=1e-3, err_msg=name)
