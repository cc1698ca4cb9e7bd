"""Does a bundle say what its run says? Both are asked about the same images; a bundle that disagrees is not made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis.errors import RunError
from raravis.judge.novelty import Seen

FAR: Final = 1e-4
"""How far a probability may lie from the run's."""
FEATURES_FAR: Final = 1e-3
"""How far the embedding of an image may lie from the run's, as a share of its length."""
IMAGES: Final = 64
"""On which both are compared."""


@dataclass(frozen=True)
class Parity:
    """How far a converted network lies from the run's own.

    Attributes:
        images: on how many.
        what: what they are, in words.
        probability: the largest difference of a probability.
        embedding: the largest distance of an embedding, as a share of its length; None where it tells none.
    """

    images: int
    what: str
    probability: float
    embedding: float | None

    def as_json(self) -> dict[str, Any]:
        """For `bundle.json`."""
        return {
            "images": self.images,
            "of": self.what,
            "probability": self.probability,
            "embedding": self.embedding,
            "bounds": {"probability": FAR, "embedding": FEATURES_FAR},
        }


def compared(wanted: Seen, logits: NDArray[Any], embedding: NDArray[Any] | None, what: str) -> Parity:
    """Hold what a converted network says of images against what the run's own says, both `(n, …)`."""
    apart = np.abs(_softmax(wanted.logits) - _softmax(logits))
    far = None
    if embedding is not None:
        length = np.maximum(np.linalg.norm(wanted.features, axis=1), np.finfo(np.float32).tiny)
        far = float((np.linalg.norm(wanted.features - embedding, axis=1) / length).max(initial=0))
    return Parity(len(logits), what, float(apart.max(initial=0)), far)


def demand(found: Parity, name: str) -> None:
    """Refuse a converted network that lies too far from the run's.

    Raises:
        RunError: it does.
    """
    told = []
    if not found.probability <= FAR:
        told.append(f"a probability is {found.probability:.2g} off, {FAR:g} is allowed")
    if found.embedding is not None and not found.embedding <= FEATURES_FAR:
        told.append(f"an embedding is {found.embedding:.2g} of its length off, {FEATURES_FAR:g} is allowed")
    if told:
        raise RunError(
            f"The {name} disagrees with its run on {found.images} {found.what}: {'; '.join(told)}.\n"
            "Nothing was written. The converter does not know this network well enough; report it, with the recipe."
        )


def _softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    grown = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    found: NDArray[np.float64] = grown / grown.sum(axis=1, keepdims=True)
    return found
