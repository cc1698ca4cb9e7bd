"""Groups of near hashes: what comparing all pairs finds, and an end to it whatever the data."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from raravis.data import near
from raravis.data.hashing import distance


def all_pairs(words: np.ndarray, radius: int, confirm: int) -> np.ndarray:
    first = np.bitwise_count(words[:, None, 0] ^ words[None, :, 0]) <= radius
    return near.in_order(connected_components(first & (distance(words[:, None], words[None, :]) <= confirm))[1])


def hashes(count: int, seed: int, flips: tuple[int, int], share: float) -> np.ndarray:
    """Random hashes, a share of which are others with some bits changed in the first word and in the rest."""
    random = np.random.default_rng(seed)
    words = random.integers(0, 2**64, (count, 4), dtype=np.uint64)
    copies = np.arange(int(share * count))
    words[copies] = words[random.integers(0, count, len(copies))]
    for column, most in ((0, flips[0]), (random.integers(1, 4), flips[1])):
        for _ in range(random.integers(0, most + 1)):
            words[copies, column] ^= np.uint64(1) << random.integers(0, 64, len(copies)).astype(np.uint64)
    return words


@given(
    count=st.integers(0, 150),
    seed=st.integers(0, 10**6),
    flips=st.tuples(st.integers(0, 14), st.integers(0, 40)),
    share=st.floats(0, 1),
    radius=st.integers(0, 12),
    confirm=st.integers(0, 80),
)
@settings(deadline=None, max_examples=60)
def test_small_sets_agree_with_all_pairs(count, seed, flips, share, radius, confirm):
    words = hashes(count, seed, flips, share)
    expected = all_pairs(words, radius, confirm) if count else np.empty(0, int)
    np.testing.assert_array_equal(near.groups(words, radius=radius, confirm=confirm), expected)


@given(
    seed=st.integers(0, 10**6),
    flips=st.tuples(st.integers(0, 14), st.integers(0, 40)),
    radius=st.integers(0, 10),
    many=st.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_the_search_by_bands_agrees_with_all_pairs(seed, flips, radius, many):
    words = hashes(300, seed, flips, 0.6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near, "SMALL", 0)
        patch.setattr(near, "MANY", 0 if many else 1 << 21)
        found = near.groups(words, radius=radius, confirm=64)
    np.testing.assert_array_equal(found, all_pairs(words, radius, 64))


def test_the_search_by_bands_agrees_on_a_larger_set():
    words = hashes(12_000, 1, (8, 30), 0.5)
    found = near.groups(words)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near, "SMALL", 20_000)
        np.testing.assert_array_equal(near.groups(words), found)


def test_both_distances_must_hold():
    words = np.zeros((4, 4), np.uint64)
    words[1, 0] = (1 << 9) - 1  # 9 bits in the first word: too many there
    words[2, 1] = words[2, 2] = 2**64 - 1  # 128 bits elsewhere: too many in all
    words[3, 0], words[3, 3] = (1 << 8) - 1, (1 << 56) - 1  # 8 and 56: just near the first
    assert near.groups(words[[0, 1]]).tolist() == [0, 1]
    assert near.groups(words[[0, 2]]).tolist() == [0, 1]
    assert near.groups(words[[0, 3]]).tolist() == [0, 0]


def test_chains_are_one_group_and_the_order_of_rows_only_renumbers():
    words = np.zeros((5, 4), np.uint64)
    words[:, 0] = [0, 0xFF, 0xFFFF, 0xFFFFFF, 2**63 + 2**40 - 1]
    assert near.groups(words).tolist() == [0, 0, 0, 0, 1]
    assert near.groups(words[::-1]).tolist() == [0, 1, 1, 1, 1]


@pytest.mark.parametrize("kind", ["identical", "one cluster", "same first word", "half of the bits"])
def test_crowded_hashes_come_to_an_end(kind):
    random = np.random.default_rng(0)
    count = 60_000
    words = random.integers(0, 2**64, (count, 4), dtype=np.uint64)
    if kind in ("identical", "one cluster"):
        words[:] = words[0]
    if kind == "one cluster":
        words[:, 0] ^= np.uint64(1) << random.integers(0, 64, count).astype(np.uint64)
        words[:, 1] ^= random.integers(0, 2**16, count).astype(np.uint64)
    if kind == "same first word":
        words[:, 0] = 12345
    if kind == "half of the bits":
        words[:, 0] >>= np.uint64(32)
    start = time.process_time()
    groups = near.groups(words)
    assert time.process_time() - start < 20
    if kind in ("identical", "one cluster"):
        assert groups.max() == 0
    else:
        assert groups.max() + 1 > 0.999 * count  # of so many pairs alike in the first word, a few are near by chance


def test_a_hundred_thousand_take_seconds_and_lose_no_copy():
    random = np.random.default_rng(5)
    words = random.integers(0, 2**64, (100_000, 4), dtype=np.uint64)
    words[:5000] = words[5000:10000]
    for _ in range(8):
        words[:5000, 0] ^= np.uint64(1) << random.integers(0, 64, 5000).astype(np.uint64)
    start = time.process_time()
    groups = near.groups(words)
    assert time.process_time() - start < 15
    np.testing.assert_array_equal(groups[:5000], groups[5000:10000])
    assert len(np.unique(groups)) == 95_000
