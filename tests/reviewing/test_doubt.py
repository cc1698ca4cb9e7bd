"""Wrong labels are found by what had not seen them."""

import numpy as np
import pytest

from raravis.reviewing import doubt


def blobs(per_class=40, classes=4, swapped=8, seed=0):
    """Well separated features, the labels of some swapped; features, labels, truth."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(classes), per_class)
    features = (np.eye(classes)[truth] * 4 + rng.normal(0, 0.6, (len(truth), classes))).astype(np.float32)
    labels = truth.copy()
    wrong = rng.permutation(len(truth))[:swapped]
    labels[wrong] = (labels[wrong] + 1 + rng.integers(0, classes - 1, swapped)) % classes
    return features, labels, truth


def said_of(truth, classes=4, sure=0.8):
    """Probabilities that are right and equally sure."""
    found = np.full((len(truth), classes), (1 - sure) / (classes - 1), np.float32)
    found[np.arange(len(truth)), truth] = sure
    return found


def test_swapped_labels_come_first_and_their_family_is_told():
    features, labels, truth = blobs()
    places = doubt.nearest(features, np.arange(len(labels)))
    found = doubt.doubt(said_of(truth), labels, doubt.votes(places, labels, 4))
    first = np.argsort(-found.suspicion)[: (labels != truth).sum()]
    assert set(first) == set(np.flatnonzero(labels != truth))
    assert (found.family[first] == truth[first]).all()
    assert (found.confident == (labels != truth)).all()
    assert found.suspicion[labels == truth].max() < 0.5


def test_neighbours_alone_find_them_where_the_model_says_nothing():
    features, labels, truth = blobs()
    nothing = np.full((len(labels), 4), np.nan, np.float32)
    places = doubt.nearest(features, np.arange(len(labels)))
    found = doubt.doubt(nothing, labels, doubt.votes(places, labels, 4))
    first = np.argsort(-found.suspicion)[: (labels != truth).sum()]
    assert set(first) == set(np.flatnonzero(labels != truth))
    assert not found.confident.any()


def test_a_family_that_the_model_is_seldom_sure_of_asks_for_less():
    labels = np.array([0, 0, 0, 0, 1, 1])
    said = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.55, 0.45], [0.6, 0.4], [0.6, 0.4]], np.float32)
    assert doubt.confident(said, labels).tolist() == [0, 0, 0, 1, 1, 1]


def test_a_class_without_images_takes_none():
    said = np.array([[0.5, 0.1, 0.4], [0.2, 0.5, 0.3]], np.float32)
    assert doubt.confident(said, np.array([0, 1])).tolist() == [0, 1]


def test_copies_have_no_say_about_one_another():
    features = np.array([[1, 0], [1, 0], [1, 0], [0.9, 0.3], [0.9, 0.35]], np.float32)
    labels = np.array([1, 1, 1, 0, 0])
    groups = np.array([7, 7, 7, 3, 4])
    places = doubt.nearest(features, groups, count=3)
    assert places[0].tolist() == [3, 4, -1]
    assert doubt.votes(places, labels, 2)[0].tolist() == [1, 0]


def test_an_image_without_neighbours_has_no_votes_and_no_suspicion():
    places = doubt.nearest(np.ones((2, 3), np.float32), np.zeros(2, np.int64))
    votes = doubt.votes(places, np.array([0, 1]), 2)
    assert not votes.any()
    found = doubt.doubt(np.full((2, 2), np.nan, np.float32), np.array([0, 1]), votes)
    assert found.suspicion.tolist() == [0, 0]


def test_large_families_do_not_rule_the_vote():
    places = np.array([[1, 2, 3]])
    classes = np.array([0, 0, 0, 1] + [0] * 16)
    votes = doubt.votes(places, classes, 2)
    assert votes[0] == pytest.approx([2 / 19 / (2 / 19 + 1), 1 / (2 / 19 + 1)])
