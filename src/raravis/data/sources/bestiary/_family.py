"""What a family is to the generator: its lineage, its species with their traits, and the plan that draws them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from raravis.data.sources.bestiary._parts import Part

Traits = Mapping[str, Any]
Plan = Callable[[np.random.Generator, Traits], Sequence[Part]]
Shadow = Literal["ground", "drop", "none"]


@dataclass(frozen=True)
class Species:
    """One species.

    Attributes:
        name: genus and species, lower case, with one blank.
        traits: what sets it apart; the family's plan knows the keys.
    """

    name: str
    traits: Traits


@dataclass(frozen=True)
class Family:
    """One family.

    Attributes:
        lineage: kingdom, phylum, class, order and family, lower case, divided by blanks.
        plan: draws one animal in model units, looking right.
        habitats: where it may be seen, names of `_habitats`.
        images: how many the whole sample holds.
        species: two to four.
        shadow: on the ground below it, behind it (seen from above), or none (in water or air).
        turn: the largest turn of the picture plane in radians.
    """

    lineage: str
    plan: Plan
    habitats: tuple[str, ...]
    images: int
    species: tuple[Species, ...]
    shadow: Shadow = "ground"
    turn: float = 0.08

    @property
    def ranks(self) -> dict[str, str]:
        """Kingdom, phylum, class, order and family by name of rank."""
        return dict(zip(("kingdom", "phylum", "class", "order", "family"), self.lineage.split(), strict=True))

    @property
    def name(self) -> str:
        """The family's own name."""
        return self.lineage.split()[-1]


def species(name: str, **traits: Any) -> Species:
    """A `Species` with its traits as keywords."""
    return Species(name, traits)
