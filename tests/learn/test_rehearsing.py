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
    assert (sum(away.astype(int) for away in found) <= np.ones(count)).all(), "each goes once at most"
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


def test_at_most_half_of_an_order_goes_unless_all_of_it_does():
    order = np.array([name for name in "abcdefghij" for _ in range(6)])
    for seed in range(20):
        for away in kept_back(order, np.full(60, "chordata"), seed):
            shares = [away[order == name].mean() for name in "abcdefghij"]
            assert all(share <= 0.5 or share == 1 for share in shares)
            assert 0 < away.mean() <= 0.3, "most stay"


def test_every_family_is_kept_back_at_most_once_and_many_are():
    order = np.array([name for name in "abcdefghij" for _ in range(6)])
    found = np.stack(kept_back(order, np.full(60, "chordata"), 0))
    assert found.sum(axis=0).max() == 1
    assert len(found) == REHEARSALS
    assert found.any(axis=0).mean() > 0.5


def test_families_of_unknown_lineage_take_part_one_by_one():
    blank = np.full(20, "")
    found = kept_back(blank, blank, 0)
    assert len(found) == REHEARSALS
    assert all(1 <= away.sum() <= 10 for away in found)
    assert (np.stack(found).sum(axis=0) <= 1).all()
    ranks = {"order": blank, "phylum": blank}
    assert rehearsing._kind(3, found[0], ranks) == "near", "what nothing is known of is not called far"


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        (0, "near"),  # canis: carnivora stay
        (1, "between"),  # equus: no perissodactyla stay, but chordates
        (2, "far"),  # octopus: no mollusc stays
        (3, "near"),  # of unknown order: of chordata, but perhaps of an order that stays
        (4, "near"),  # of an order that stays not, of unknown phylum
    ],
)
def test_kinds_by_hand(family, kind):
    order = np.array(["carnivora", "perissodactyla", "octopoda", "", "unheard", "carnivora", "strigiformes"])
    phylum = np.array(["chordata", "chordata", "mollusca", "chordata", "", "chordata", "chordata"])
    away = np.array([1, 1, 1, 1, 1, 0, 0], bool)
    assert rehearsing._kind(family, away, {"order": order, "phylum": phylum}) == kind


@pytest.fixture
def images():
    """Families as clusters; those of a phylum lie together, those of an order closer still."""
    rng = np.random.default_rng(0)
    near = {name: rng.normal(size=32) for name in [*np.unique(PHYLA), *np.unique(ORDERS)]}
    centres = np.stack([4 * near[p] + 2 * near[o] + rng.normal(size=32) for p, o in zip(PHYLA, ORDERS, strict=True)])

    def drawn(each):
        classes = np.repeat(np.arange(len(PHYLA)), each)
        return Images(unit(centres[classes] + 0.8 * rng.normal(size=(len(classes), 32))), classes)

    return drawn(20), drawn(10), [unit(rng.normal(size=(12, 32))) for _ in range(REHEARSALS)]


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


def test_images_are_of_the_kinds_of_their_families(images, monkeypatch, tmp_path):
    """Held-out images are those of families that stay, new ones all others, and every head knows none of the latter."""
    monkeypatch.setenv("RARAVIS_CACHE", str(tmp_path))
    train, val, nothing = images
    learned = []
    real = heads.fit
    monkeypatch.setattr(heads, "fit", lambda *a, **k: learned.append((a[1], k["count"])) or real(*a, **k))
    found = rehearse(train, val, {"order": ORDERS, "phylum": PHYLA}, heads.candidates(["lda"])[0], nothing, seed=0)
    for one, away, (features, count) in zip(found, kept_back(ORDERS, PHYLA, 0), learned, strict=True):
        assert count == (~away).sum()
        np.testing.assert_array_equal(features, train.features[~away[train.classes]])
        assert {len(scores) for scores in one.held.values()} == {(~away[val.classes]).sum()}
        assert {len(scores) for scores in one.new.values()} == {len(one.kinds)}
        assert len(one.kinds) == away[train.classes].sum() + away[val.classes].sum() + len(nothing[0])
        assert (one.kinds == NO_ANIMAL).sum() == len(nothing[0])


@pytest.mark.parametrize("kept", [[9], [0], [3, 4]])
def test_rehearsals_without_a_held_out_image_are_left_out(images, monkeypatch, tmp_path, kept):
    """One validation image, of a family that some rehearsal keeps back."""
    from raravis.judge import novelty

    monkeypatch.setenv("RARAVIS_CACHE", str(tmp_path))
    train, val, nothing = images
    few = Images(val.features[np.array(kept) * 10], np.array(kept))
    ranks = {"order": ORDERS, "phylum": PHYLA}
    found = rehearse(train, few, ranks, heads.candidates(["lda"])[0], nothing, seed=0)
    useful = [away for away in kept_back(ORDERS, PHYLA, 0) if not away[kept].all()]
    assert [len(one.held["knn"]) for one in found] == [(~away[kept]).sum() for away in useful]
    best, _ = novelty.choose(found)
    assert best in novelty.names()


def test_nothing_is_rehearsed_with_seven_families(images, monkeypatch, tmp_path):
    monkeypatch.setenv("RARAVIS_CACHE", str(tmp_path))
    train, val, nothing = images
    train, val = (Images(some.features[some.classes < 7], some.classes[some.classes < 7]) for some in (train, val))
    ranks = {"order": ORDERS[:7], "phylum": PHYLA[:7]}
    called = []
    assert (
        rehearse(train, val, ranks, heads.candidates(["lda"])[0], nothing, seed=0, ended=lambda: called.append(1)) == []
    )
    assert called == []


def test_what_makes_a_difference_is_not_taken_from_the_cache(images, monkeypatch, tmp_path):
    monkeypatch.setenv("RARAVIS_CACHE", str(tmp_path))
    train, val, nothing = images
    ranks = {"order": ORDERS, "phylum": PHYLA}
    lda = heads.candidates(["lda"])[0]
    given = {"train": train, "val": val, "ranks": ranks, "options": lda, "nothing": nothing}
    count = len(rehearse(**given, seed=0))

    def files():
        return len(list((tmp_path / "rehearsals").iterdir()))

    assert files() == count
    changed = {
        "train": Images(train.features[::-1].copy(), train.classes),
        "val": Images(val.features, val.classes[::-1].copy()),
        "nothing": [one[1:] for one in nothing],
        "options": heads.candidates(["prototype"])[0],
    }
    for number, (name, value) in enumerate(changed.items(), start=2):
        rehearse(**given | {name: value}, seed=0)
        assert files() == number * count, name


def test_a_damaged_file_of_the_cache_is_made_anew(images, monkeypatch, tmp_path):
    monkeypatch.setenv("RARAVIS_CACHE", str(tmp_path))
    train, val, nothing = images
    given = (train, val, {"order": ORDERS, "phylum": PHYLA}, heads.candidates(["lda"])[0], nothing)
    found = rehearse(*given, seed=0)
    for file in (tmp_path / "rehearsals").iterdir():
        file.write_bytes(file.read_bytes()[:100])
    again = rehearse(*given, seed=0)
    np.testing.assert_array_equal(found[0].held["energy"], again[0].held["energy"])
    file = next((tmp_path / "rehearsals").iterdir())
    whole = file.read_bytes()
    for place in range(len(whole) - 600, len(whole), 5):  # the directory of the archive, whose faults are of many kinds
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        one = rehearsing._kept(file)
        assert one is None or one.held.keys() == one.new.keys() == found[0].held.keys()


def test_a_rehearsal_of_other_scorers_is_made_anew(images, monkeypatch, tmp_path):
    monkeypatch.setenv("RARAVIS_CACHE", str(tmp_path))
    train, val, nothing = images
    given = (train, val, {"order": ORDERS, "phylum": PHYLA}, heads.candidates(["lda"])[0], nothing)
    found = rehearse(*given, seed=0)
    for file in (tmp_path / "rehearsals").iterdir():
        with np.load(file) as held:
            arrays = {name: held[name] for name in held.files if not name.endswith("/vim")}
        np.savez(file, **arrays)
    again = rehearse(*given, seed=0)
    np.testing.assert_array_equal(found[0].new["vim"], again[0].new["vim"])


def test_every_rehearsal_has_its_own_pictures_of_no_animal(images, monkeypatch, tmp_path):
    """One of them gets copies of held-out images, which no scorer can tell from those."""
    monkeypatch.setenv("RARAVIS_CACHE", str(tmp_path))
    train, val, nothing = images
    ranks = {"order": ORDERS, "phylum": PHYLA}
    odd = [*nothing[:1], val.features[::8], *nothing[2:]]
    found = rehearse(train, val, ranks, heads.candidates(["lda"])[0], odd, seed=0)
    assert [(one.kinds == NO_ANIMAL).sum() for one in found] == [len(some) for some in odd][: len(found)]
    strange = [one.new["knn"][one.kinds == NO_ANIMAL].mean() - one.held["knn"].mean() for one in found]
    assert int(np.argmin(strange)) == 1
