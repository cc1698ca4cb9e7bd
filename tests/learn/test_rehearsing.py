"""Rehearsals of the unknown: which families are kept back, and what is made of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raravis import heads
from raravis.judge.novelty import NO_ANIMAL, unit
from raravis.learn import rehearsing
from raravis.learn.rehearsing import REHEARSALS, Images, kept_back, rehearse

PHYLA = np.array(["chordata"] * 9 + ["mollusca"] * 2 + ["cnidaria"])
ORDERS = np.array(["a", "a", "a", "b", "b", "b", "c", "c", "d", "e", "e", "f"])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 40), st.integers(1, 5), st.integers(1, 12))
def test_some_stay_and_some_are_kept_back(seed, count, phyla, orders):
    rng = np.random.default_rng(seed)
    order = np.array([f"o{n}" for n in rng.integers(0, orders, count)])
    phylum = np.array([f"p{int(name[1:]) % phyla}" for name in order])
    found = kept_back(order, phylum, seed)
    assert len(found) <= REHEARSALS
    if count < 8:
        assert found == []
    for away in found:
        assert away.any()
        assert (~away).sum() >= 2
    names, sizes = np.unique(phylum, return_counts=True)
    if len(names) > 1 and found:
        largest = phylum == names[sizes.argmax()]
        assert all((~away & largest).any() for away in found)


def test_the_same_seed_keeps_the_same_families_back():
    first, again, other = (kept_back(ORDERS, PHYLA, seed) for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert any((a != b).any() for a, b in zip(first, other, strict=False))


def test_small_phyla_go_as_a_whole_and_the_largest_stays():
    found = kept_back(ORDERS, PHYLA, 0)
    assert any(away[PHYLA == "mollusca"].all() for away in found)
    assert any(away[PHYLA == "cnidaria"].all() for away in found)
    assert not any(away[PHYLA == "chordata"].all() for away in found)


@pytest.fixture
def images():
    """Families as clusters; those of a phylum lie together, those of an order closer still."""
    rng = np.random.default_rng(0)
    near = {name: rng.normal(size=32) for name in [*np.unique(PHYLA), *np.unique(ORDERS)]}
    centres = np.stack([4 * near[p] + 2 * near[o] + rng.normal(size=32) for p, o in zip(PHYLA, ORDERS, strict=True)])

    def drawn(each):
        classes = np.repeat(np.arange(len(PHYLA)), each)
        return Images(unit(centres[classes] + 0.8 * rng.normal(size=(len(classes), 32))), classes)

    return drawn(20), drawn(10), unit(rng.normal(size=(12, 32)))


def test_far_families_are_told_more_easily_than_near_ones(images, monkeypatch, tmp_path):
    from raravis.judge import novelty

    monkeypatch.setenv("RARAVIS_CACHE", str(tmp_path))
    train, val, nothing = images
    ranks = {"order": ORDERS, "phylum": PHYLA}
    options = heads.candidates(["lda"])[0]
    found = rehearse(train, val, ranks, options, nothing, seed=0)
    kinds = set(np.concatenate([one.kinds for one in found]))
    assert kinds == {"near", "between", "far", NO_ANIMAL}
    _, table = novelty.choose(found)
    knn = table.set_index("scorer").loc["knn"]
    assert knn["far"] > 0.95
    assert knn["far"] >= knn["near"]

    def never(*_, **__):
        raise AssertionError("it is in the cache")

    monkeypatch.setattr(rehearsing, "_one", never)
    again = rehearse(train, val, ranks, options, nothing, seed=0)
    for one, other in zip(found, again, strict=True):
        np.testing.assert_array_equal(one.new["knn"], other.new["knn"])
        assert one.kinds.tolist() == other.kinds.tolist()
    with pytest.raises(AssertionError, match="in the cache"):
        rehearse(train, val, ranks, options, nothing, seed=1)


def test_a_damaged_file_of_the_cache_is_made_anew(images, monkeypatch, tmp_path):
    monkeypatch.setenv("RARAVIS_CACHE", str(tmp_path))
    train, val, nothing = images
    given = (train, val, {"order": ORDERS, "phylum": PHYLA}, heads.candidates(["lda"])[0], nothing)
    found = rehearse(*given, seed=0)
    for file in (tmp_path / "rehearsals").iterdir():
        file.write_bytes(file.read_bytes()[:100])
    again = rehearse(*given, seed=0)
    np.testing.assert_array_equal(found[0].held["energy"], again[0].held["energy"])
