"""The layer RandAugment: a few operations an image, all of one strength.

Keras has a layer of this name, but it draws the operations once a batch, so that at times (1 batch of 12 when it was
tried) all images of a batch change in the same way; it turns, shifts and brightens to one side only; and its
posterization is the harsher the weaker the rest.
"""

from __future__ import annotations

from typing import Any

from raravis import engine
from raravis.augmentations._operations import OPERATIONS, applied
from raravis.augmentations._per_image import PerImage

keras = engine.keras()


@keras.saving.register_keras_serializable("raravis")
class RandAugment(PerImage):
    """Operations drawn for each image, one after the other, of one strength and random sign (Cubuk et al. 2020).

    Enters and leaves: `(B, H, W, 3)` in 0–255, float32. The identity outside training. Operations: `_operations`.

    Args:
        count: operations an image; one may come twice.
        strength: of each, 0–1; the paper's magnitude over its greatest.
        seed: of operations and signs.
    """

    def __init__(self, count: int = 2, strength: float = 0.5, *, seed: int | None = None, **options: Any) -> None:
        super().__init__(seed=seed, **options)
        self.count, self.strength = count, strength

    def changed(self, images: Any) -> Any:
        """The images, each after its own operations."""
        for _ in range(self.count):
            kind = keras.ops.floor(self.drawn(images, 0, len(OPERATIONS)))
            sign = keras.ops.sign(self.drawn(images, -1, 1))
            images = keras.ops.clip(applied(images, kind, self.strength * sign), 0, 255)
        return images

    def get_config(self) -> dict[str, Any]:
        """What `__init__` takes."""
        return {**super().get_config(), "count": self.count, "strength": self.strength}
