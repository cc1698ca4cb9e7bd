"""What is known of one photograph after identification: the row that every output format writes.

Enters: a path with the model's probabilities, or with the reason why it cannot be read. Leaves: a `Row`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Row:
    """One photograph that was given.

    Attributes:
        file_path: as given, in characters that every UTF-8 reader takes (see `printable`).
        error: why it cannot be read, in words; "" when it was.
        families: the likeliest families, best first; empty when unreadable.
        confidences: their probabilities, 0–1, falling.
    """

    file_path: str
    error: str = ""
    families: tuple[str, ...] = ()
    confidences: tuple[float, ...] = ()


def unreadable(path: str, reason: str) -> Row:
    """Make the row of a photograph that cannot be read; the reason becomes one line."""
    return Row(printable(path), " ".join(printable(reason).split()))


def best(path: str, probabilities: NDArray[np.float32], families: tuple[str, ...], top_k: int) -> Row:
    """Make the row of a photograph from the probability of every family.

    Args:
        path: as given.
        probabilities: `(K,)`, 0–1, in the order of `families`.
        families: the K names; equal probabilities keep their order.
        top_k: how many to keep, all if there are fewer.
    """
    order = np.argsort(-probabilities, kind="stable")[:top_k]
    return Row(
        printable(path),
        families=tuple(families[i] for i in order),
        confidences=tuple(float(probabilities[i]) for i in order),
    )


def printable(text: str) -> str:
    r"""Write bytes of a file name that are no UTF-8 as `\udcXX`, so that one such name spoils no table."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
