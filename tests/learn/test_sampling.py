"""What an epoch goes through: a share of every family, small families repeated."""

import numpy as np
import pytest

from raravis import recipe
from raravis.learn.fit import Part, sampled
from raravis.learn.sampling import oversampled, stratified

CLASSES = np.repeat([0, 1, 2], [100, 10, 1])


def test_a_share_is_taken_of_every_family_and_none_is_lost():
    taken = stratified(CLASSES, 0.8, seed=0)
    assert np.bincount(CLASSES[taken]).tolist() == [80, 8, 1]
    assert len(set(taken)) == len(taken)


def test_the_whole_is_the_whole():
    assert stratified(CLASSES, 1.0, seed=0).tolist() == list(range(111))
    assert oversampled(CLASSES, 0, seed=0).tolist() == list(range(111))


def test_the_seed_decides_what_is_taken():
    assert stratified(CLASSES, 0.5, seed=1).tolist() == stratified(CLASSES, 0.5, seed=1).tolist()
    assert stratified(CLASSES, 0.5, seed=1).tolist() != stratified(CLASSES, 0.5, seed=2).tolist()


def test_small_families_are_repeated_evenly_and_large_ones_left_alone():
    taken = oversampled(CLASSES, 90, seed=0)
    assert np.bincount(CLASSES[taken]).tolist() == [100, 90, 90]
    assert np.bincount(taken)[100:110].tolist() == [9] * 10


def test_what_is_left_over_falls_on_some():
    taken = oversampled(np.zeros(4, np.int64), 6, seed=0)
    assert sorted(np.bincount(taken)) == [1, 1, 2, 2]


@pytest.mark.engine
def test_a_recipe_samples_first_and_repeats_then():
    wanted = recipe.load("basic_cnn", {"sample.share": 0.5, "sample.oversample": 20})
    part = sampled(Part(np.arange(1000, 1111), CLASSES.astype(np.int64)), wanted)
    assert np.bincount(part.classes).tolist() == [50, 20, 20]
    assert len(np.unique(part.rows)) == 50 + 5 + 1
    assert (CLASSES[part.rows - 1000] == part.classes).all()
