"""No augmentation: every image as it is."""

from __future__ import annotations

from typing import Any


def layers(seed: int) -> list[Any]:
    """No layer, whatever the seed."""
    del seed
    return []
