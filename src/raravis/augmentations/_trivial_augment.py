"""The layer TrivialAugment: one operation an image, drawn with its strength."""

from __future__ import annotations

from typing import Any

from raravis import engine
from raravis.augmentations._operations import OPERATIONS, applied
from raravis.augmentations._per_image import PerImage

keras = engine.keras()


@keras.saving.register_keras_serializable("raravis")
class TrivialAugment(PerImage):
    """One operation for each image, of a strength drawn evenly from nothing to all (Müller and Hutter 2021).

    Enters and leaves: `(B, H, W, 3)` in 0–255, float32. The identity outside training. Operations: `_operations`.
    """

    def changed(self, images: Any) -> Any:
        """The images, each after one operation."""
        kind = keras.ops.floor(self.drawn(images, 0, len(OPERATIONS)))
        return applied(images, kind, self.drawn(images, -1, 1))
