"""Near-duplicate images among a million, without comparing all pairs.

Perceptual hashes enter as words (see `hashing.words`); a group number for each leaves. Two images are near when
their first words differ in at most `RADIUS` bits and their whole hashes in at most `CONFIRM`; groups are what
chains of near images hold together.

The first words are searched by multi-index hashing (M. Norouzi, A. Punjani, D. Fleet, "Fast Exact Search in
Hamming Space with Multi-Index Hashing", 2014), in the variant that needs no probing: of `RADIUS + 2` bands at
least two agree wherever at most `RADIUS` bits differ, so the words are sorted once by every two bands, and each
is compared with those that follow it and agree in both.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from raravis.data.hashing import Words, distance

Codes = npt.NDArray[np.uint64]
Index = npt.NDArray[np.int64]

RADIUS: Final = 8
"""Bits of the first word. With `CONFIRM` it finds every copy that was encoded again or resized, 97% of those that lost
6% of their width and height to a crop and half of those that lost 10%; of the 28 million pairs of 7,466 photographs it
took eight for copies, seven rightly."""

CONFIRM: Final = 64
"""Bits of the whole hash."""

SMALL: Final = 8192
"""So few hashes are compared each with each."""

MANY: Final = 1 << 21
"""From so many on, three bands must agree instead of two."""


def groups(words: Words, *, radius: int = RADIUS, confirm: int = CONFIRM) -> Index:
    """Number the groups of near hashes.

    Exact for up to `SMALL` different hashes, and for more as long as they spread. Where they crowd far beyond
    chance, each is compared with the nearest in sorted order alone, so that no data makes the time explode.

    Args:
        words: `uint64` (n, w), w >= 1.
        radius: most bits that may differ in the first word, 0-60.
        confirm: most bits that may differ in all words together.

    Returns:
        `int64` (n,): equal numbers mark one group; numbers are 0, 1, … in the order of first appearance, so the
        result depends on nothing but the input.
    """
    if not len(words):
        return np.empty(0, np.int64)
    unique, back = np.unique(words, axis=0, return_inverse=True)
    labels = np.arange(len(unique), dtype=np.int64)
    searches = _all(unique, radius) if len(unique) <= SMALL else _banded(unique, radius)
    found: list[tuple[Index, Index]] = []
    waiting = 0
    for one, other in searches:
        apart = labels[one] != labels[other]
        one, other = one[apart], other[apart]
        sure = distance(unique[one], unique[other]) <= confirm
        found.append((one[sure], other[sure]))
        waiting += int(sure.sum())
        if waiting > len(unique):
            labels, found, waiting = join(labels, found), [], 0
    return in_order(join(labels, found)[back.reshape(-1)])


def join(labels: Index, links: list[tuple[Index, Index]]) -> Index:
    """Merge the groups of `labels` (n,) that links (pairs of row numbers) connect."""
    if not links:
        return labels
    one = labels[np.concatenate([a for a, _ in links])]
    other = labels[np.concatenate([b for _, b in links])]
    size = int(labels.max()) + 1
    graph = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(size, size))
    _, merged = connected_components(graph, directed=False)
    joined: Index = merged.astype(np.int64)[labels]
    return joined


def in_order(labels: Index) -> Index:
    """Renumber labels 0, 1, … in the order of their first appearance."""
    _, first, back = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[back]


def _all(unique: Words, radius: int) -> Iterator[tuple[Index, Index]]:
    """Candidates by comparing each with each."""
    first = np.ascontiguousarray(unique[:, 0])
    block = 256
    for start in range(0, len(first), block):
        bits = np.bitwise_count(first[start : start + block, None] ^ first[None, start:])
        one, other = np.nonzero(bits <= radius)
        later = other > one
        yield one[later] + start, other[later] + start


def _banded(unique: Words, radius: int) -> Iterator[tuple[Index, Index]]:
    """Candidates by sorting on every choice of bands."""
    first = np.ascontiguousarray(unique[:, 0])
    agree = 2 if len(first) < MANY else 3
    for chosen in combinations(_bands(radius + agree), agree):
        key = _taken(first, chosen)
        order = np.argsort(key, kind="stable")
        yield from _neighbours(first[order], key[order], order, radius)


def _neighbours(
    code: Codes, key: npt.NDArray[np.unsignedinteger], order: Index, radius: int
) -> Iterator[tuple[Index, Index]]:
    """Pairs within the radius among sorted codes: each with the next, the next but one, … while keys are equal.

    While most codes still have a mate that far away, all are compared, which is faster than to pick them out.
    """
    n = len(code)
    pairs, steps = 4 * n, 64 + n // 3000  # more than chance needs, few enough to end
    ends = np.append(np.flatnonzero(key[1:] != key[:-1]) + 1, n)
    sizes = np.diff(ends, prepend=0)
    for step in range(1, min(int(sizes.max()), steps)):
        crowded = sizes > step
        if int(sizes[crowded].sum()) - step * int(crowded.sum()) > n // 8:
            near = np.flatnonzero(np.bitwise_count(code[:-step] ^ code[step:]) <= radius)
        else:
            here = _within(ends[crowded] - sizes[crowded], sizes[crowded] - step)
            near = here[np.bitwise_count(code[here] ^ code[here + step]) <= radius]
        if len(near):
            yield order[near], order[near + step]
            pairs -= len(near)
            if pairs < 0:
                return


def _within(starts: Index, counts: Index) -> Index:
    """All positions of several ranges, given where they start and how long they are."""
    offset = np.cumsum(counts) - counts
    return np.repeat(starts - offset, counts) + np.arange(int(counts.sum()))


def _bands(count: int) -> list[tuple[int, int]]:
    """Cut 64 bits into bands of nearly equal width, as (low, high) positions."""
    edges = [round(64 * i / count) for i in range(count + 1)]
    return list(pairwise(edges))


def _taken(code: Codes, chosen: tuple[tuple[int, int], ...]) -> npt.NDArray[np.unsignedinteger]:
    """The chosen bands of each code side by side, as `uint16` where they fit, which sorts fastest."""
    key = np.zeros(len(code), np.uint64)
    for low, high in chosen:
        key = (key << np.uint64(high - low)) | ((code >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1))
    fits = sum(high - low for low, high in chosen) <= 16
    return key.astype(np.uint16 if fits else np.uint64)
