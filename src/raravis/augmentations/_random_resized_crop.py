"""The layer RandomResizedCrop: another part of every image, as large as the image was."""

from __future__ import annotations

import math
from typing import Any

from raravis import engine
from raravis.augmentations._per_image import PerImage

keras = engine.keras()


@keras.saving.register_keras_serializable("raravis")
class RandomResizedCrop(PerImage):
    """Cut a random box out of each image and stretch it to the size of the image (Szegedy et al. 2015).

    Enters and leaves: `(B, H, W, 3)` in 0–255, float32. The identity outside training.

    Args:
        scale: least and largest share of the area.
        ratio: least and largest width over height of the box, relative to those of the image; drawn evenly in the log.
        seed: of the boxes.
    """

    def __init__(
        self,
        scale: tuple[float, float] = (0.35, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
        *,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(seed=seed, **options)
        self.scale, self.ratio = (scale[0], scale[1]), (ratio[0], ratio[1])

    def changed(self, images: Any) -> Any:
        """The images, each cut anew; a box that would be longer than the image is cut to it."""
        ops = keras.ops
        height, width = images.shape[1], images.shape[2]
        area = self.drawn(images, *self.scale)
        wide = ops.exp(self.drawn(images, math.log(self.ratio[0]), math.log(self.ratio[1])))
        across, down = ops.minimum(ops.sqrt(area * wide), 1.0), ops.minimum(ops.sqrt(area / wide), 1.0)
        left, top = (self.drawn(images, 0, 1) * (1 - part) for part in (across, down))
        none = ops.zeros_like(area)
        boxes = ops.stack([across, none, left * (width - 1), none, down, top * (height - 1), none, none], axis=-1)
        return ops.image.affine_transform(images, boxes, interpolation="bilinear", fill_mode="nearest")

    def get_config(self) -> dict[str, Any]:
        """What `__init__` takes."""
        return {**super().get_config(), "scale": self.scale, "ratio": self.ratio}
