"""What people say that a camera trap saw: an animal of some name, nothing, people, vehicles, or an animal of no name.

Enters: the names that stand at one image. Leaves: its one name, or why it is left out.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, TypeVar

from raravis import lineages, taxonomy

BLANK, HUMAN, VEHICLE, UNNAMED = "blank", "human", "vehicle", "unnamed"
SEVERAL: Final = "several"
LEFT_OUT: Final = {
    BLANK: "{} images show nothing (blank, empty); they are left out.",
    HUMAN: "{} images show people; they are left out.",
    VEHICLE: "{} images show vehicles alone; they are left out.",
    SEVERAL: "{} images show animals of more than one name; they are left out.",
}

_WORDS: Final = {
    BLANK: "blank empty nothing none no_animal noanimal background false_trigger misfire setup_pickup setup pickup",
    HUMAN: "human humans person people homo homo_sapiens hominidae_human pedestrian hiker man woman",
    VEHICLE: "vehicle vehicles car truck bus motorcycle motorbike bicycle bike train boat aircraft",
    UNNAMED: "animal animals unknown unknown_animal unidentified unidentifiable unclassified other ignore corrupt "
    "unlabeled unlabelled not_identified problem start end",
}
_KIND: Final = {word: kind for kind, words in _WORDS.items() for word in words.split()}

K = TypeVar("K", bound=Hashable)


def kind(name: str) -> str:
    """`blank`, `human`, `vehicle` or `unnamed`; "" for the name of an animal."""
    key = taxonomy.same(name).replace(" ", "_").replace("-", "_")
    return _KIND.get(key, "" if key else UNNAMED)


def verdict(names: Collection[str]) -> tuple[str, str]:
    """The one name of what an image shows ("" where it has none), and why it is left out (a key of `LEFT_OUT`) or "".

    An image with people is left out whatever else it shows. Of names of animals beside `unknown` the names count.

    >>> verdict(["Vulpes vulpes", "blank"]), verdict(["Vulpes vulpes", "human"]), verdict([])
    (('Vulpes vulpes', ''), ('', 'human'), ('', ''))
    """
    kinds = {name: kind(name) for name in names}
    if HUMAN in kinds.values():
        return "", HUMAN
    animals = {taxonomy.same(name): name for name, what in kinds.items() if not what}
    if len(animals) > 1:
        return "", SEVERAL
    if animals:
        return next(iter(animals.values())), ""
    what = set(kinds.values())
    if UNNAMED in what or not what:
        return "", ""
    return "", VEHICLE if VEHICLE in what else BLANK


def lineage(name: str, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """What is known of a name: the ranks that are given, else those that the name itself and the bundled table tell.

    Args:
        name: of a family, a genus and species, or whatever people call it.
        given: rank → name.
    """
    found = {rank: text for rank in taxonomy.RANKS if (text := taxonomy.tidy((given or {}).get(rank, "")))}
    family = lineages.accepted(found.get("family") or name, "family")[0]
    if family in lineages.bundled():
        known = {rank: text for rank, text in lineages.bundled()[family].items() if rank not in found}
        found = {**known, **found}
        if "family" not in (given or {}):
            found["family"] = name if taxonomy.same(name) == family else family
    words = (found.get("species") or name).split()
    if "genus" not in found and len(words) > 1 and words[0].istitle() and words[1].islower() and words[1].isalpha():
        found = {"species": f"{words[0]} {words[1]}", **found, "genus": words[0]}
    return found


def covering(times: Iterable[tuple[datetime, K]], spans: Iterable[tuple[datetime, datetime, str]]) -> dict[K, set[str]]:
    """The labels of all spans of time, ends included, that each point in time lies in; points in none are left out."""
    found: dict[K, set[str]] = {}
    waiting = sorted(spans, reverse=True)
    ends: list[tuple[datetime, str]] = []
    now = Counter[str]()
    for time, key in sorted(times, key=lambda pair: pair[0]):
        while waiting and waiting[-1][0] <= time:
            _, end, label = waiting.pop()
            heapq.heappush(ends, (end, label))
            now[label] += 1
        while ends and ends[0][0] < time:
            label = heapq.heappop(ends)[1]
            now[label] -= 1
            if not now[label]:
                del now[label]
        if now:
            found.setdefault(key, set()).update(now)
    return found


def moment(text: str) -> datetime | None:
    """An ISO 8601 date and time, UTC where it names no zone; None where it is none."""
    try:
        found = datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
