"""Families to taxa: the most frequent, the unknown, and ranks that tell nothing apart."""

import numpy as np

from raravis.learn.balance import log_shares
from raravis.learn.lineage import lineage

CLASSES = np.array([0, 0, 0, 1, 1, 2, 3], np.int64)


def test_a_family_belongs_to_the_taxon_of_most_of_its_images():
    made = lineage(CLASSES, {"order": np.array([7, 7, 4, 4, 4, 9, 7])}, 4)
    np.testing.assert_array_equal(made["order"], [[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]])


def test_an_unknown_taxon_is_no_target_and_a_lone_one_no_rank():
    ranks = {"class": np.array([-1, -1, -1, 0, 0, 1, -1]), "phylum": np.array([3, 3, 3, 3, 3, 3, -1])}
    made = lineage(CLASSES, ranks, 4)
    assert list(made) == ["class"]
    np.testing.assert_array_equal(made["class"], [[0, 0], [1, 0], [0, 1], [0, 0]])


def test_blended_families_of_one_taxon_are_wholly_of_it():
    matrix = lineage(CLASSES, {"order": np.array([1, 1, 1, 1, 1, 2, 2])}, 4)["order"]
    np.testing.assert_allclose(np.array([0.3, 0.7, 0, 0]) @ matrix, [1, 0])


def test_log_shares_sum_to_one_and_know_every_family():
    shares = np.exp(log_shares(CLASSES, 5))
    np.testing.assert_allclose(shares, np.array([3, 2, 1, 1, 1]) / 8, rtol=1e-6)
