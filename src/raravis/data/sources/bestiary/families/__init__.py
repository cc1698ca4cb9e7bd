"""The families that the bestiary draws: one file a family, with its plan, its species and its lineage in `FAMILY`.

Adding a family is adding a file; files with a leading underscore hold what several families share.
"""

from __future__ import annotations

from functools import lru_cache

from raravis import registry
from raravis.data.sources.bestiary._family import Family


@lru_cache(maxsize=1)
def all_families() -> tuple[Family, ...]:
    """Every family, by name."""
    found: list[Family] = [registry.load(__name__, name, "family").FAMILY for name in registry.names(__name__)]
    return tuple(found)
