"""Classifiers on features that a frozen backbone gave, one file a name.

The contract of a file:

    Options                                          its settings, `name` and `balance` among them
    GRID                                             settings worth trying, in the order of growing freedom
    fit(options, features, classes, *, count, seed) -> Head

`features` is float32 `(n, D)`, `classes` int64 `(n,)` in 0 … `count` − 1, each with at least one row. Whoever calls
scales the features: every block of them has length 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raravis import registry
from raravis.errors import DataError
from raravis.heads._head import Head, Linear, Options

__all__ = ["Head", "Linear", "Options", "candidates", "fit", "names"]


def names() -> list[str]:
    """The heads that there are."""
    return registry.names(__name__)


def candidates(wanted: Iterable[str | Mapping[str, Any]]) -> tuple[Options, ...]:
    """Every setting worth trying of the heads that are named, and those whose settings are given, as they are.

    Args:
        wanted: names, or settings with the `name` of the head among them.

    Raises:
        UsageError: no such head.
        ValueError: a setting that the head does not have, or of another range.
    """
    made: list[Options] = []
    for one in wanted:
        given = {"name": one} if isinstance(one, str) else dict(one)
        module = registry.load(__name__, str(given.get("name", "")), "head")
        made += [module.Options(**settings) for settings in (module.GRID if isinstance(one, str) else (given,))]
    return tuple(made)


def fit(options: Options, features: NDArray[np.float32], classes: NDArray[np.int64], *, count: int, seed: int) -> Head:
    """Fit the head that `options.name` names; see the module for the contract.

    Raises:
        DataError: a feature is no finite number, or a class has no row.
    """
    if not np.isfinite(features).all():
        raise DataError("Features hold NaN or infinity.\nDelete the cache of embeddings, or look at the weights.")
    if missing := count - len(np.unique(classes)):
        raise DataError(f"{missing} of {count} families have no image to learn from.\nGive each at least one in train.")
    module: Any = registry.load(__name__, options.name, "head")
    found: Head = module.fit(options, features, classes, count=count, seed=seed)
    return found
