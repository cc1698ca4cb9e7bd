"""One photograph, or one animal in it, that a person is asked to look at, and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from raravis.credits import Rights
from raravis.data import boxes
from raravis.data.boxes import Sides

CANDIDATES = 5
"""Families offered with each photograph."""


@dataclass(frozen=True)
class Item:
    """A photograph in a review, or an animal in one.

    Attributes:
        file_path: as the user wrote it, or relative to the root of DATA.
        file: where it lies.
        told: what the model says it shows.
        confidence: the model's, 0–1.
        verdict: `identified`, `uncertain`, `unfamiliar`, or `label in doubt`; "" where nothing is known of it.
        reason: why a person should look, in words.
        priority: 0–1; higher is sooner.
        label: what it is labelled with now; "" for a photograph without a label.
        split: the side of the split that it is on; "" for one that is on none.
        candidates: families that it may be, the likeliest first, with probabilities 0–1.
        image_id: SHA-256 of the file's bytes; "" where it has not been read yet.
        alike: how many more photographs, as doubtful, look the same; they are left to be settled by this one.
        rights: whose it is, as its data tell; None for a photograph that is of no data.
        box: the part of the photograph that is meant; None for all of it.
    """

    file_path: str
    file: Path
    told: str
    confidence: float
    verdict: str
    reason: str
    priority: float
    label: str = ""
    split: str = ""
    candidates: tuple[tuple[str, float], ...] = ()
    image_id: str = ""
    alike: int = 0
    rights: Rights | None = None
    box: Sides | None = None

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return boxes.name(self.file_path, self.bbox)

    @property
    def bbox(self) -> str:
        """The box as the table tells it; "" for all of the photograph."""
        return boxes.written(self.box)
