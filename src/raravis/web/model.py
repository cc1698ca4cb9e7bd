"""What the server knows of its model: a predictor enters, with whatever more it can tell; one plain face leaves.

A bundle names lineages, shows where the evidence lies, and knows its nearest training photographs. A run tells
families and verdicts alone. The rest of this room need not know which of them it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from raravis.data.decode import Fit
from raravis.serve.predictor import Answer, Predictor


class Near(Protocol):
    """One training photograph that looks like the one that was given."""

    @property
    def family(self) -> str:
        """Its family."""

    @property
    def image_id(self) -> str:
        """SHA-256 of its bytes."""

    @property
    def similarity(self) -> float:
        """Cosine of the two features, at most 1."""

    @property
    def license(self) -> str:
        """Under which it may be shown; "" where nothing is known."""

    @property
    def rights_holder(self) -> str:
        """Whose it is; "" where nothing is known."""

    @property
    def thumbnail(self) -> bytes | None:
        """A small JPEG, if the bundle's maker put one in."""


@dataclass(frozen=True)
class Model:
    """One model, ready to be asked by `at_once` threads at a time.

    Attributes:
        predictor: it itself.
        name: what people call it.
        digest: what tells it from every other; "" where nothing does.
        about: what it tells of itself, JSON-able.
    """

    predictor: Predictor
    name: str = "raravis"
    digest: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, predictor: Predictor, name: str) -> Model:
        """Take what a predictor can tell of itself, and let it read all that it will be asked for.

        Raises:
            RunError: a part of it is damaged.
        """
        if prepare := getattr(predictor, "prepare", None):
            prepare()
        return cls(predictor, name, getattr(predictor, "digest", ""), getattr(predictor, "about", {}))

    @property
    def families(self) -> tuple[str, ...]:
        """The families it knows, sorted."""
        return self.predictor.families

    @property
    def at_once(self) -> int:
        """How many threads may ask at a time."""
        return int(getattr(self.predictor, "at_once", 1))

    @property
    def size(self) -> int:
        """Height and width of its images."""
        return self.predictor.size

    @property
    def fit(self) -> Fit:
        """How an image is made square for it."""
        return self.predictor.fit

    def answer(self, batch: NDArray[np.uint8]) -> Answer:
        """Say what RGB `uint8` `(B, size, size, 3)` show."""
        return self.predictor.answer(batch)

    def lineage(self, family: str) -> dict[str, str]:
        """Rank → name from the kingdom down to the family, as far as known."""
        known = getattr(self.predictor, "lineage", None)
        return {rank: name for rank, name in known(family).items() if name} if known else {}

    @property
    def has_heat(self) -> bool:
        """Whether it shows where the evidence lies."""
        return self.heat(np.zeros((0, self.size, self.size, 3), np.uint8), np.zeros(0, np.int64)) is not None

    def heat(self, batch: NDArray[np.uint8], classes: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Where the evidence for a family lies: float32 `(B, h, w)`, 0–1; None where the model cannot tell."""
        known = getattr(self.predictor, "heat", None)
        return cast("NDArray[np.float32] | None", known(batch, classes)) if known else None

    def nearest(self, features: NDArray[np.float32] | None, count: int) -> list[list[Near]]:
        """The training photographs that look most alike, the most alike first; [] where the model keeps none."""
        known = getattr(self.predictor, "nearest", None)
        return known(features, count) if known and features is not None else []
