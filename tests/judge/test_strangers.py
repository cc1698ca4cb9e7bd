"""Families that the network does not know: how far they are from those it does, and how well they are told."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from raravis.judge import strangers
from raravis.judge.strangers import Strangers, area
from raravis.judge.trust import Verdicts
from raravis.lineages import Taxonomy

KNOWN = ("canidae", "equidae", "felidae", "octopodidae", "strigidae")
NEW = ("ursidae", "anatidae", "cardiidae", "buthidae", "mysteriidae")


class Network:
    """The part of a `Trust` that is asked: families and their taxonomy."""

    families = KNOWN
    taxonomy = Taxonomy.of(KNOWN, {})[0]


def verdicts(novelty, verdict, rank=None, taxon=None, said=0):
    n = len(novelty)
    probabilities = np.full((n, len(KNOWN)), 0.1, np.float32)
    probabilities[:, said] = 0.6
    return Verdicts(
        probabilities,
        probabilities > 0.5,
        np.asarray(novelty, np.float32),
        np.asarray(verdict),
        np.array(rank or ["kingdom"] * n),
        np.array(taxon or ["animalia"] * n),
        ("",) * n,
    )


def new(families, **given):
    given = {"novelty": np.linspace(0.5, 1, len(families)), "verdict": [2] * len(families)} | given
    return Strangers(verdicts(**given), families, Taxonomy.of(sorted(set(families)), {})[0].lineages)


def test_kinds_are_by_the_nearest_rank_that_is_known():
    found = new(NEW).kinds(Network)
    assert found.tolist() == ["near", "between", "between", "far", "unplaced"]


def test_a_synonym_of_a_known_order_is_known():
    own = Strangers(verdicts([1.0], [2]), ("phocidae",), {"phocidae": {"order": "Pinnipedia", "phylum": "Chordata"}})
    assert own.kinds(Network).tolist() == ["near"]


@pytest.mark.parametrize("seed", range(3))
def test_the_area_is_that_of_scikit_learn_with_ties(seed):
    rng = np.random.default_rng(seed)
    known, strange = rng.integers(0, 8, 50).astype(np.float32), rng.integers(2, 10, 30).astype(np.float32)
    wanted = roc_auc_score([0] * 50 + [1] * 30, np.r_[known, strange])
    assert area(known, strange) == pytest.approx(wanted)


def test_figures_by_hand():
    known = verdicts([0.1, 0.2, 0.3, 0.4], [0] * 4)
    some = new(
        ("ursidae", "ursidae", "buthidae", "anatidae"),
        novelty=[0.25, 0.05, 0.9, 0.35],
        verdict=[0, 0, 2, 1],
        rank=["family", "order", "phylum", "kingdom"],
        taxon=["felidae", "carnivora", "chordata", "animalia"],
        said=2,
    )
    found = strangers.figures(Network, known, some)
    assert (found["n"], found["families"]) == (4, 3)
    assert found["auroc"] == pytest.approx((2 + 0 + 4 + 3) / 16)
    assert found["near"]["auroc"] == pytest.approx(2 / 8)
    assert found["far"]["auroc"] == 1
    assert found["between"]["n"] == 1
    assert "unplaced" not in found
    assert (found["identified"], found["unfamiliar"]) == (0.5, 0.25)
    assert found["taxa_right"] == pytest.approx(2 / 4), "carnivora and animalia; a family never is right"
    assert found["per_family"]["ursidae"] == {
        "n": 2,
        "kind": "near",
        "auroc": pytest.approx(0.25),
        "unfamiliar": 0.0,
        "identified": 1.0,
        "taken_for": "felidae",
    }
    assert [name for name, _ in strangers.worst(found, 2)] == ["ursidae", "anatidae"]


def test_a_taxon_of_which_the_truth_is_unknown_is_neither_right_nor_wrong():
    some = new(("mysteriidae", "ursidae"), rank=["order", "order"], taxon=["carnivora", "carnivora"])
    assert strangers.figures(Network, verdicts([0.1], [0]), some)["taxa_right"] == 1


def test_few_families_make_a_wide_interval_however_many_images_they_have():
    """Of two new families one is told well and the other is not: which ones there are decides."""
    rng = np.random.default_rng(0)
    known = verdicts(rng.uniform(size=300), [0] * 300)
    well, badly = np.full(100, 0.95), np.full(100, 0.3)
    two = strangers.figures(Network, known, new(("ursidae",) * 100 + ("buthidae",) * 100, novelty=np.r_[well, badly]))
    one = strangers.figures(Network, known, new(("ursidae",) * 200, novelty=np.r_[well, badly]))
    wide, narrow = (np.ptp(found["ci95"]) for found in (two, one))
    assert two["ci95"][0] < two["auroc"] < two["ci95"][1]
    assert wide > 0.5 > 0.2 > narrow
    assert (
        strangers.figures(Network, known, new(("ursidae",) * 9))["ci95"]
        == (strangers.figures(Network, known, new(("ursidae",) * 9))["ci95"])
    )
