"""The lowest rank that the evidence supports: by hand, and how often what is told is right."""

import numpy as np
import pytest

from raravis.judge import rollup, sets
from raravis.judge.rollup import RollUp
from raravis.lineages import Taxonomy

FAMILIES = ("canidae", "felidae", "equidae", "strigidae", "octopodidae")
DOG, CAT, HORSE, OWL, OCTOPUS = range(5)


def taxonomy(families=FAMILIES, given=None):
    return Taxonomy.of(families, given or {})[0]


def of(*rows):
    return np.array(rows, np.float32)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ((0.8, 0.1, 0.1, 0, 0), ("family", "canidae")),
        ((0.5, 0.4, 0.1, 0, 0), ("order", "carnivora")),
        ((0.3, 0.3, 0.3, 0.1, 0), ("class", "mammalia")),
        ((0.2, 0.2, 0.2, 0.3, 0.1), ("phylum", "chordata")),
        ((0.2, 0.2, 0.1, 0.1, 0.4), ("kingdom", "animalia")),
    ],
)
def test_by_hand(row, expected):
    ranks, taxa = RollUp(taxonomy(), 0.75, 100)(of(row))
    assert (ranks[0], taxa[0]) == expected


def test_a_threshold_that_is_just_reached_is_enough():
    assert RollUp(taxonomy(), 0.5, 100)(of((0.5, 0.25, 0.25, 0, 0)))[1][0] == "canidae"


def test_without_evidence_all_are_animals():
    ranks, taxa = RollUp(taxonomy(), np.inf, 3)(of((1, 0, 0, 0, 0), (0, 0, 0, 0, 1)))
    assert list(ranks) == ["kingdom", "kingdom"]
    assert list(taxa) == ["animalia", "animalia"]


def test_no_image():
    ranks, taxa = RollUp(taxonomy(), 0.5, 100)(np.empty((0, 5), np.float32))
    assert ranks.shape == taxa.shape == (0,)


def test_no_family_is_told_of_what_is_unfamiliar():
    rows = of((0.9, 0.1, 0, 0, 0), (0.9, 0.1, 0, 0, 0))
    ranks, taxa = RollUp(taxonomy(), 0.75, 100)(rows, above_family=np.array([True, False]))
    assert list(ranks) == ["order", "family"]
    assert list(taxa) == ["carnivora", "canidae"]


def test_a_family_without_lineage_is_in_no_wider_taxon():
    own = taxonomy(("canidae", "felidae", "red fox"))
    ranks, taxa = RollUp(own, 0.75, 100)(of((0.4, 0.4, 0.2), (0.4, 0.1, 0.5), (0.1, 0, 0.9)))
    assert list(ranks) == ["order", "kingdom", "family"]
    assert list(taxa) == ["carnivora", "animalia", "red fox"]


def test_the_root_of_several_kingdoms_has_no_name():
    own = taxonomy(("canidae", "rosaceae"), {"rosaceae": {"kingdom": "plantae"}})
    assert RollUp(own, 0.9, 100)(of((0.5, 0.5)))[1][0] == ""
    plants = taxonomy(("fagaceae", "rosaceae"), {name: {"kingdom": "plantae"} for name in ("fagaceae", "rosaceae")})
    assert RollUp(plants, 0.9, 100)(of((0.5, 0.5)))[1][0] == "plantae"


def test_the_threshold_by_hand():
    rows = np.repeat(of((0.6, 0.4, 0, 0, 0), (0.1, 0.9, 0, 0, 0)), [10, 89], axis=0)
    classes = np.repeat([CAT, CAT], [10, 89])
    found = rollup.fit(rows, classes, taxonomy(), accept=0.95)
    assert found.images == 99
    assert 0.6 < found.threshold <= 0.61, "ten wrong families at 0.6 are too many; as carnivores they are right"
    ranks, _ = found(rows)
    assert (ranks == "order").sum() == 10
    generous = rollup.fit(rows, classes, taxonomy(), accept=0.88)
    assert generous.threshold == 0, "ten wrong of 99 and one more make 11%"


@pytest.mark.parametrize(("accept", "fewest"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99)])
def test_as_many_images_are_enough_as_for_sets(accept, fewest):
    """Shares such as 0.9 are no exact binary numbers; one image more must not be asked for that."""
    rows, classes = np.tile(of((1, 0, 0, 0, 0)), (fewest, 1)), np.full(fewest, DOG)
    assert sets.needed(accept) == fewest
    assert rollup.fit(rows, classes, taxonomy(), accept=accept).threshold == 0
    assert rollup.fit(rows[1:], classes[1:], taxonomy(), accept=accept).threshold == np.inf


def test_nothing_is_told_where_the_surest_are_wrong():
    """A network that is certain of wrong families: only the kingdom keeps the promise."""
    rows, classes = np.tile(of((1, 0, 0, 0, 0)), (200, 1)), np.full(200, OCTOPUS)
    found = rollup.fit(rows, classes, taxonomy(), accept=0.9)
    assert found.threshold == np.inf
    assert set(found(rows)[0]) == {"kingdom"}


def test_families_of_unknown_lineage_alone():
    own = taxonomy(("red fox", "grey wolf"))
    ranks, taxa = RollUp(own, 0.75, 100)(of((0.8, 0.2), (0.6, 0.4)), above_family=np.array([False, False]))
    assert list(zip(ranks, taxa, strict=True)) == [("family", "red fox"), ("kingdom", "animalia")]
    told = RollUp(own, 0.75, 100)(of((0.8, 0.2)), above_family=np.array([True]))
    assert told[0][0] == "kingdom"
    rows, classes = np.repeat(of((0.9, 0.1), (0.6, 0.4)), 50, axis=0), np.r_[np.zeros(50, int), np.ones(50, int)]
    assert 0.6 < rollup.fit(rows, classes, own, accept=0.9).threshold <= 0.9


def test_what_is_told_is_what_was_counted():
    """Fitting counts errors in its own way; at the threshold that it finds they are those of what is told."""
    own, rows, classes = made(np.random.default_rng(2), 3000, overconfident=1.5)
    ranks = rollup.levels(own)
    for threshold in (0.0, 0.31, 0.6, 0.9, 1.0):
        ranks_told, taxa = RollUp(own, threshold, 1)(rows)
        found = rollup.judge(ranks_told, taxa, classes, own)["right"]
        number = np.abs(rollup._GRID - threshold).argmin()
        counted = RollUp(own, float(rollup._GRID[number]), 1)(rows)
        np.testing.assert_array_equal(counted[1], taxa)
        assert 1 - rollup._wrong(rows, classes, ranks)[number].mean() == pytest.approx(found, abs=1e-12)


def test_the_image_to_come_counts_as_wrong():
    rows, classes = np.tile(of((1, 0, 0, 0, 0)), (49, 1)), np.full(49, DOG)
    assert rollup.fit(rows, classes, taxonomy(), accept=0.98).threshold == 0
    assert rollup.fit(rows[:48], classes[:48], taxonomy(), accept=0.98).threshold == np.inf
    assert rollup.fit(rows[:0], classes[:0], taxonomy(), accept=0.98).threshold == np.inf


def test_a_threshold_above_which_more_is_wrong_will_not_do():
    """Told as a dog up to 0.4, which is right; as a bird up to 0.6, which is wrong; then as a chordate, right again."""
    own = taxonomy(("canidae", "strigidae", "corvidae"))
    rows, classes = np.tile(of((0.4, 0.3, 0.3)), (200, 1)), np.zeros(200, np.int64)
    assert rollup.judge(*RollUp(own, 0.35, 1)(rows), classes, own)["right"] == 1
    assert rollup.judge(*RollUp(own, 0.5, 1)(rows), classes, own)["right"] == 0
    assert rollup.fit(rows, classes, own, accept=0.9).threshold > 0.6


def test_judged_by_hand():
    ranks = np.array(["family", "family", "order", "kingdom"])
    taxa = np.array(["canidae", "felidae", "carnivora", "animalia"])
    found = rollup.judge(ranks, taxa, np.array([DOG, DOG, DOG, OCTOPUS]), taxonomy())
    assert found["right"] == 0.75
    assert found["depth"] == pytest.approx((4 + 4 + 3 + 0) / 4)
    assert found["ranks"]["family"] == {"share": 0.5, "right": 0.5}
    assert found["ranks"]["order"] == {"share": 0.25, "right": 1.0}
    assert found["ranks"]["kingdom"] == {"share": 0.25, "right": 1.0}
    assert set(found["ranks"]) == {"family", "order", "kingdom"}


def made(rng, count, *, overconfident):
    """Probabilities of eight families, true ones drawn from them; then made more extreme than they are."""
    own = taxonomy(
        ("canidae", "felidae", "ursidae", "equidae", "strigidae", "corvidae", "octopodidae", "apidae"),
    )
    logits = rng.normal(size=(count, 8)) * 2.5
    logits[:, :3] += rng.normal(size=(count, 1)) * 2
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    classes = (shares.cumsum(axis=1) < rng.random((count, 1))).sum(axis=1)
    sharp = np.exp(logits * overconfident)
    return own, (sharp / sharp.sum(axis=1, keepdims=True)).astype(np.float32), classes


@pytest.mark.parametrize("accept", [0.8, 0.95])
@pytest.mark.parametrize("overconfident", [1.0, 2.0])
def test_what_is_told_is_right_as_often_as_asked(accept, overconfident):
    """On average over many draws of 50 images to fit on."""
    rng = np.random.default_rng(0)
    own, judged, classes = made(rng, 5000, overconfident=overconfident)
    right, depth = [], []
    for _ in range(100):
        _, rows, known = made(rng, 50, overconfident=overconfident)
        told = rollup.judge(*rollup.fit(rows, known, own, accept=accept)(judged), classes, own)
        right.append(told["right"])
        depth.append(told["depth"])
    error = np.sqrt(np.var(right) / len(right) + accept * (1 - accept) / len(judged))
    assert np.mean(right) >= accept - 2 * error
    assert np.mean(right) <= accept + 0.04, "no surer than needed"
    assert np.mean(depth) > 0.5, "and something is told"


def test_asking_for_more_gives_wider_taxa():
    own, rows, classes = made(np.random.default_rng(1), 2000, overconfident=1.0)
    found = [rollup.fit(rows, classes, own, accept=accept) for accept in (0.7, 0.9, 0.99)]
    thresholds = [one.threshold for one in found]
    assert thresholds == sorted(thresholds)
    depths = [rollup.judge(*one(rows), classes, own)["depth"] for one in found]
    assert depths == sorted(depths, reverse=True)
    assert depths[0] > depths[-1]
