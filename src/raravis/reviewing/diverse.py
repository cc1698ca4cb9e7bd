"""The most useful first, and diverse: many photographs of one family or one burst wait for one another.

Enter: items by priority. Leave: as many as a person has time for. Each pick takes the item with the highest priority
times `FAMILY` for every item of its family that was picked before; of photographs that look the same only the first is
taken, and it says how many wait behind it.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Final

import pandas as pd

from raravis import progress
from raravis.data import audit, boxes, hashing
from raravis.data.ahead import ahead, cores
from raravis.data.decode import Probe, UnreadableImageError, probe, read_bytes
from raravis.reviewing.item import Item

FAMILY: Final = 0.9
"""What a photograph's priority is multiplied by for each of its family that stands before it: seven halve it."""

VERDICT: Final = 0.99
"""The same for each of its verdict: seventy halve it, so that the unfamiliar do not hide all that is uncertain."""

POOL: Final = 4
"""Items that are looked at for each that is wanted, before bursts are folded."""


def chosen(
    items: Sequence[Item], limit: int, *, spread: bool = True, quiet: bool = False
) -> tuple[list[Item], tuple[str, ...]]:
    """At most `limit` items, read and told apart, in the order in which to look at them.

    Args:
        items: the most needful first.
        limit: how many at most.
        spread: let items of one family and one verdict wait for others.
        quiet: no progress.

    Returns:
        them, with `image_id` and `alike`; and `file_path: reason` of those that could not be read.
    """
    pool = list(items[: POOL * limit])
    with (
        progress.bar("looking at photographs", len(pool), quiet=quiet, unit="photographs") as advance,
        closing(ahead(_look, pool, window=4 * cores())) as looks,
    ):
        seen = []
        for look in looks:
            seen.append(look)
            advance()
    bad = tuple(f"{item.file_path}: {look.error}" for item, look in zip(pool, seen, strict=True) if look.error)
    there = [(item, look) for item, look in zip(pool, seen, strict=True) if not look.error]
    firsts = list(_firsts(there))
    return list(_spread(firsts, limit)) if spread else firsts[:limit], bad


def _firsts(there: Sequence[tuple[Item, Probe]]) -> Iterator[Item]:
    """The first of every group of photographs that look the same and are told alike."""
    if not there:
        return
    ids = [boxes.name(look.image_id, item.bbox) for item, look in there]
    table = pd.DataFrame({"image_id": ids, "phash": [look.phash for _, look in there]})
    keys = [(int(group), item.told, item.label) for group, (item, _) in zip(audit.groups(table), there, strict=True)]
    sizes = Counter(keys)
    passed = set()
    for key, (item, look) in zip(keys, there, strict=True):
        if key not in passed:
            passed.add(key)
            yield replace(item, image_id=look.image_id, alike=sizes[key] - 1)


def _look(item: Item) -> Probe:
    """A look at a photograph, or at the animal in its box: other places before one camera are no burst."""
    look = probe(item.file)
    if look.error or item.box is None:
        return look
    around = boxes.around(2 * hashing.SIDE, [item.box])
    try:
        animal = boxes.opened(read_bytes(item.file), item.box, around=around)
    except UnreadableImageError as error:  # it has changed meanwhile
        return Probe(error=str(error))
    return replace(look, phash=hashing.perceptual(animal))


def _spread(items: Sequence[Item], limit: int) -> Iterator[Item]:
    """Pick greedily; a value in the heap is stale when its family was picked since, and is then put back lower."""
    taken: Counter[str] = Counter()
    heap = [(-item.priority, number, 0) for number, item in enumerate(items)]
    heapq.heapify(heap)
    for _ in range(min(limit, len(items))):
        while True:
            _, number, count = heapq.heappop(heap)
            family, kind = f"family {items[number].label or items[number].told}", f"verdict {items[number].verdict}"
            if count == taken[family] + taken[kind]:
                break
            value = items[number].priority * FAMILY ** taken[family] * VERDICT ** taken[kind]
            heapq.heappush(heap, (-value, number, taken[family] + taken[kind]))
        taken.update((family, kind))
        yield items[number]
