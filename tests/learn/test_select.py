"""The head is chosen by images that it has not seen, and the table says what was tried."""

import numpy as np
import pytest

from raravis import heads
from raravis.errors import DataError
from raravis.learn.select import random_folds, select, species_folds

pytestmark = pytest.mark.engine


def chosen(features, classes, candidates=None, **options):
    given = {"count": int(classes.max()) + 1, "folds": 3, "objective": "macro_f1", "seed": 0, **options}
    return select(candidates or heads.candidates(["prototype", "lda"]), features, classes, **given)


@pytest.fixture
def noise():
    """Labels that the features say nothing about."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(120, 40)).astype(np.float32), np.arange(120) % 4


def test_logits_are_of_heads_that_had_not_seen_the_image(noise):
    found = chosen(*noise, heads.candidates(["knn"]))
    assert abs((found.logits.argmax(1) == noise[1]).mean() - 0.25) < 0.15
    head = heads.fit(found.options, *noise, count=4, seed=0)
    nearest = heads.fit(found.options.model_copy(update={"neighbours": 1}), *noise, count=4, seed=0)
    assert (nearest.logits(noise[0]).argmax(1) == noise[1]).all()
    assert head.logits(noise[0]).shape == found.logits.shape


def test_the_best_comes_first_and_is_the_one_that_is_given(noise):
    features, classes = noise
    features = features + 3 * np.eye(40, dtype=np.float32)[classes]
    calls = []
    found = chosen(features, classes, ended=lambda: calls.append(1))
    assert found.table["macro_f1"].is_monotonic_decreasing
    assert found.table["head"].iloc[0] == str(found.options)
    assert len(calls) == 3 * len(found.table)
    assert found.table["accuracy"].iloc[0] == pytest.approx((found.logits.argmax(1) == classes).mean())


def test_families_too_small_for_the_folds_are_learned_from_and_not_judged():
    rng = np.random.default_rng(1)
    classes = np.array([0] * 9 + [1] * 9 + [2])
    found = chosen(rng.normal(size=(19, 5)).astype(np.float32), classes)
    assert np.isnan(found.logits[18]).all()
    assert np.isfinite(found.logits[:18]).all()


def test_copies_are_in_one_fold_and_nothing_else_changes():
    classes = np.repeat(np.arange(3), 12)
    pairs = np.arange(36) // 2
    parts = random_folds(classes, 3, 3, 0, pairs)
    assert sorted(np.concatenate([judge for _, judge in parts])) == list(range(36))
    for learn, judge in parts:
        assert len(judge) == 12
        assert not set(pairs[learn]) & set(pairs[judge])
        assert set(learn) | set(judge) == set(range(36))
    alone, unknown = random_folds(classes, 3, 3, 0, np.arange(36)), random_folds(classes, 3, 3, 0)
    assert all((a[1] == b[1]).all() for a, b in zip(alone, unknown, strict=True))
    everywhere = random_folds(np.repeat([0, 1], 9), 2, 3, 0, np.r_[np.arange(9), np.zeros(9, int)])
    assert all(set(range(9, 18)) <= set(learn) for learn, _ in everywhere)


def test_with_one_image_a_family_nothing_can_be_compared():
    with pytest.raises(DataError, match="two images"):
        chosen(np.eye(3, dtype=np.float32), np.arange(3))


def test_a_species_that_is_judged_was_not_learned_from():
    rng = np.random.default_rng(0)
    classes = np.repeat(np.arange(4), 30)
    species = classes * 10 + rng.integers(0, 5, len(classes))
    species[classes == 3] = 30
    species[:3] = -1
    parts = species_folds(classes, species, 3, seed=0)
    assert len(parts) == 3
    judged = np.concatenate([judge for _, judge in parts])
    assert len(judged) == len(set(judged)) == (classes < 3).sum() - 3
    for learn, judge in parts:
        assert not set(species[learn]) & set(species[judge])
        assert set(classes[learn]) == {0, 1, 2, 3}


def test_folds_of_species_are_even_and_follow_the_seed():
    classes = np.zeros(90, np.int64)
    species = np.repeat(np.arange(9), 10)
    first, again, other = (species_folds(classes, species, 3, seed=seed) for seed in (0, 0, 1))
    assert [len(judge) for _, judge in first] == [30, 30, 30]
    assert all((a[1] == b[1]).all() for a, b in zip(first, again, strict=True))
    assert any((a[1] != b[1]).any() for a, b in zip(first, other, strict=True))


def test_one_species_a_family_leaves_nothing_to_hold_out():
    classes = np.repeat(np.arange(3), 5)
    assert species_folds(classes, classes, 3, seed=0) == []
