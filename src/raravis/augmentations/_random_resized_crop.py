"""The layer RandomResizedCrop: another part of every image, as large as the image was."""

from __future__ import annotations

import math
from typing import Any

from raravis import engine

keras = engine.keras()


@keras.saving.register_keras_serializable("raravis")
class RandomResizedCrop(keras.layers.Layer):  # type: ignore[name-defined]
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
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.scale, self.ratio, self.seed = tuple(scale), tuple(ratio), seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, images: Any, training: bool | None = None) -> Any:
        """The images, each cut anew in training."""
        ops = keras.ops
        images = ops.cast(images, "float32")
        if not training:
            return images
        count, height, width = ops.shape(images)[0], images.shape[1], images.shape[2]

        def drawn(low: float, high: float) -> Any:
            return keras.random.uniform((count,), low, high, seed=self.generator)

        area = drawn(*self.scale)
        wide = ops.exp(drawn(math.log(self.ratio[0]), math.log(self.ratio[1])))
        across, down = ops.minimum(ops.sqrt(area * wide), 1.0), ops.minimum(ops.sqrt(area / wide), 1.0)
        left, top = (drawn(0.0, 1.0) * (1 - part) for part in (across, down))
        none = ops.zeros_like(area)
        boxes = ops.stack([across, none, left * (width - 1), none, down, top * (height - 1), none, none], axis=-1)
        return ops.image.affine_transform(images, boxes, interpolation="bilinear", fill_mode="nearest")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The same shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """What `__init__` takes."""
        return {**super().get_config(), "scale": self.scale, "ratio": self.ratio, "seed": self.seed}
