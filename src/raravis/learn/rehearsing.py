"""Rehearsals of meeting a new animal: families are kept back, and what is left has to notice them.

Enter: features of labelled images, and the lineage of their families. Leave: for each rehearsal, what every scorer of
`judge.novelty` says of held-out images of the families that stayed and of images of those that were kept back. The head
is fitted anew each time, without them; the network below it is what it is, and may have seen them where it was trained.
Rehearsals are kept in the cache: another recipe on the same features and split has them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis import files, heads
from raravis.judge import novelty
from raravis.judge.novelty import Known, Rehearsed, Seen

NEAR: Final = "near"
BETWEEN: Final = "between"
FAR: Final = "far"
"""What a family that was kept back has among those that stayed: one of its order; of its phylum; none of either."""

REHEARSALS: Final = 5
_VERSION: Final = 1
_ONE_BY_ONE: Final = 0.1
_BY_ORDER: Final = 0.08
"""Shares of the families that one rehearsal keeps back, singly and by whole orders."""

_FEWEST: Final = 8
"""Families below which nothing is rehearsed: too few would stay."""


@dataclass(frozen=True)
class Images:
    """Labelled images as features.

    Attributes:
        features: float32 `(n, D)`, rows of length 1.
        classes: int64 `(n,)`.
    """

    features: NDArray[np.float32]
    classes: NDArray[np.int64]


def rehearse(
    train: Images,
    val: Images,
    ranks: Mapping[str, NDArray[np.str_]],
    options: heads.Options,
    nothing: Sequence[NDArray[np.float32]],
    *,
    seed: int,
    ended: Callable[[], Any] = lambda: None,
) -> list[Rehearsed]:
    """Rehearse `REHEARSALS` times, or never with fewer than eight families.

    A rehearsal that no held-out image would be left for is left out.

    Args:
        train: images that a head and the scorers learn from.
        val: others, held out.
        ranks: `order` and `phylum` of each family, `(K,)`, "" where unknown.
        options: of the head.
        nothing: features of images without an animal, float32 `(m, D)`, rows of length 1, for each rehearsal its own.
        seed: of the choice of families and of the head.
        ended: called after each rehearsal.
    """
    made = []
    for away, blank in zip(kept_back(ranks["order"], ranks["phylum"], seed), nothing, strict=False):
        if away[val.classes].all():
            continue
        key = files.digest(repr((_VERSION, options, seed)), *_bytes(away, train, val, blank, *ranks.values()))
        kept = files.cache("rehearsals") / f"{key[:32]}.npz"
        one = _kept(kept)
        if one is None:
            one = _one(train, val, away, ranks, options, blank, seed)
            _keep(kept, one)
        made.append(one)
        ended()
    return made


def _bytes(*parts: Images | NDArray[Any]) -> Iterator[bytes]:
    for part in parts:
        for array in (part.features, part.classes) if isinstance(part, Images) else (part,):
            yield repr((array.shape, array.dtype.str)).encode()
            yield np.ascontiguousarray(array).tobytes()


def _kept(file: Path) -> Rehearsed | None:
    """A rehearsal of the same images and families, from the cache; None where there is none that can be read."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
            scores: dict[str, dict[str, NDArray[np.float32]]] = {"held": {}, "new": {}}
            for name in held.files:
                side, _, scorer = name.partition("/")
                if scorer:
                    scores[side][scorer] = held[name]
            if not scores["held"].keys() == scores["new"].keys() == set(novelty.names()) - {"combined"}:
                return None
            return Rehearsed(scores["held"], scores["new"], held["kinds"])
    except Exception:  # zipfile and NumPy raise many kinds for one fault: a damaged file
        return None


def _keep(file: Path, one: Rehearsed) -> None:
    arrays = {f"{side}/{name}": v for side in ("held", "new") for name, v in getattr(one, side).items()}
    with files.atomic_path(file) as part, part.open("wb") as stream:
        np.savez(stream, kinds=one.kinds, **arrays)


def kept_back(order: NDArray[np.str_], phylum: NDArray[np.str_], seed: int) -> list[NDArray[np.bool_]]:
    """Which families each rehearsal keeps back, `(K,)` each: a phylum, some orders, some single families.

    The largest phylum always stays, and so does half of every order but those that go as a whole.
    """
    count = len(order)
    if count < _FEWEST:
        return []
    rng = np.random.Generator(np.random.PCG64(seed))
    away = np.zeros((REHEARSALS, count), bool)
    for number, name in enumerate(_smaller(phylum)):
        away[number % REHEARSALS, phylum == name] = True
    spent = np.asarray(away.any(axis=0), np.bool_)
    _deal_orders(away, order, spent, rng)
    for number, family in enumerate(rng.permutation(np.flatnonzero(~away.any(axis=0) | (order == "")))):
        trial = number % REHEARSALS
        single = away[trial] & ~spent
        others = (order == order[family]) & (order != "") if order[family] else np.ones(count, bool)
        if (
            single.sum() < max(_ONE_BY_ONE * count, 1) + _BY_ORDER * count
            and (away[trial] & others).sum() + 1 <= others.sum() / 2
        ):
            away[trial, family] = True
    return [one for one in away if one.any() and (~one).sum() >= 2]


def _smaller(phylum: NDArray[np.str_]) -> list[str]:
    """The known phyla without the one that has most families."""
    names, sizes = np.unique(phylum[phylum != ""], return_counts=True)
    return [str(name) for name in names[np.argsort(-sizes, kind="stable")][1:]]


def _deal_orders(
    away: NDArray[np.bool_], order: NDArray[np.str_], spent: NDArray[np.bool_], rng: np.random.Generator
) -> None:
    """Keep whole orders back, one after another, each in the rehearsal that has the fewest so far."""
    room = max(_BY_ORDER * len(order), 1)
    dealt = np.zeros(len(away))
    for name in rng.permutation(np.unique(order[(order != "") & ~spent])):
        members = order == name
        trial = int(dealt.argmin())
        if dealt[trial] + members.sum() <= room:
            away[trial, members] = True
            dealt[trial] += members.sum()


def _one(
    train: Images,
    val: Images,
    away: NDArray[np.bool_],
    ranks: Mapping[str, NDArray[np.str_]],
    options: heads.Options,
    nothing: NDArray[np.float32],
    seed: int,
) -> Rehearsed:
    there = np.isin(np.flatnonzero(~away), train.classes)
    number = np.full(len(away), -1)
    number[np.flatnonzero(~away)[there]] = np.arange(there.sum())
    learn, hold = number[train.classes] >= 0, number[val.classes] >= 0
    features, classes = train.features[learn], number[train.classes[learn]]
    head = heads.fit(options, features, classes, count=int(there.sum()), seed=seed)
    strange = [images.features[away[images.classes]] for images in (train, val)]
    families = np.concatenate([images.classes[away[images.classes]] for images in (train, val)])
    kinds = [*(_kind(int(family), away, ranks) for family in families), *[novelty.NO_ANIMAL] * len(nothing)]

    def seen(some: NDArray[np.float32]) -> Seen:
        return Seen(some, head.logits(some))

    known = Known(features, classes, int(there.sum()), seen(val.features[hold]))
    return novelty.rehearse(known, seen(np.concatenate([*strange, nothing])), np.array(kinds))


def _kind(family: int, away: NDArray[np.bool_], ranks: Mapping[str, NDArray[np.str_]]) -> str:
    for rank, kind in (("order", NEAR), ("phylum", BETWEEN)):
        name = ranks[rank][family]
        if not name or (ranks[rank][~away] == name).any():
            return kind if name else NEAR
    return FAR
