"""Which families a figure explains, which it lists, and what it asks: confidences enter, numbers and words leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from raravis.explaining.evidence import percent

CLOSE: Final = 0.25
"""A second family is explained too where its confidence is more than this share of the first one's."""
_BARS: Final = 6


def wanted(sure: NDArray[np.float64], asked: int | None) -> list[int]:
    """The families to explain: the surest, and the one that was asked for, else the second one if it comes close.

    Args:
        sure: float64 `(K,)`, the confidence in each family.
        asked: the family to ask for; None for none.
    """
    first, *others = np.argsort(-sure, kind="stable").tolist()
    if asked is not None:
        return [first] if asked == first else [first, asked]
    return [first, others[0]] if others and sure[others[0]] > CLOSE * sure[first] else [first]


def bars(explained: Sequence[int], sure: NDArray[np.float64]) -> list[int]:
    """The surest families; one that was asked for takes the last place where it is not among them."""
    shown: list[int] = np.argsort(-sure, kind="stable")[:_BARS].tolist()
    return shown if explained[-1] in shown else [*shown[: _BARS - 1], explained[-1]]


def question(names: Sequence[str], explained: Sequence[int], sure: NDArray[np.float64], *, asked: bool) -> str:
    """What a figure asks: why this family, and, where another was asked for, why not that one."""
    first, *others = (f"{names[i]} ({percent(sure[i])})" for i in explained)
    return f"Why {first}, and not {others[0]}?" if asked and others else f"Why {first}?"
