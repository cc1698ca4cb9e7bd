"""The layer TrivialAugment: one operation an image, drawn with its strength."""

from __future__ import annotations

import math
from typing import Any

from raravis import engine

keras = engine.keras()

OPERATIONS = (
    "identity",
    "rotate",
    "shear_x",
    "shear_y",
    "shift_x",
    "shift_y",
    "brightness",
    "contrast",
    "colour",
    "sharpness",
    "posterize",
    "solarize",
    "autocontrast",
)


@keras.saving.register_keras_serializable("raravis")
class TrivialAugment(keras.layers.Layer):  # type: ignore[name-defined]
    """One of `OPERATIONS` for each image, of a strength drawn evenly from nothing to all (Müller and Hutter 2021).

    Enters and leaves: `(B, H, W, 3)` in 0–255, float32. The identity outside training. Every operation is computed for
    the batch and chosen by image, so that one graph serves all; those that move pixels share one affine map.

    Args:
        most: the greatest strength, 0–1.
        seed: of operations, strengths and signs.
    """

    def __init__(self, most: float = 1.0, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.most, self.seed = most, seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, images: Any, training: bool | None = None) -> Any:
        """The images, each changed by one operation in training."""
        ops = keras.ops
        images = ops.cast(images, "float32")
        if not training:
            return images
        count = ops.shape(images)[0]
        chosen = ops.floor(keras.random.uniform((count,), 0, len(OPERATIONS), seed=self.generator))
        strength = keras.random.uniform((count,), 0, self.most, seed=self.generator)
        sign = ops.sign(keras.random.uniform((count,), -1, 1, seed=self.generator))

        def only(name: str) -> Any:
            return ops.cast(ops.equal(chosen, OPERATIONS.index(name)), "float32")

        moved = self._moved(images, only, strength * sign)
        found = moved
        for name, made in self._coloured(images, strength, sign).items():
            found = ops.where(only(name)[:, None, None, None] > 0, made, found)
        return ops.clip(found, 0, 255)

    def _moved(self, images: Any, only: Any, amount: Any) -> Any:
        """Rotated up to 30°, sheared up to 0.3, shifted by up to a seventh of the side, about the middle."""
        ops = keras.ops
        height, width = images.shape[1], images.shape[2]
        angle = only("rotate") * amount * math.radians(30)
        cos, sin = ops.cos(angle), ops.sin(angle)
        a, b = cos, sin + only("shear_x") * amount * 0.3
        c, d = -sin + only("shear_y") * amount * 0.3, cos
        x, y = (width - 1) / 2, (height - 1) / 2
        right = x - a * x - b * y + only("shift_x") * amount * width / 7
        down = y - c * x - d * y + only("shift_y") * amount * height / 7
        none = ops.zeros_like(a)
        maps = ops.stack([a, b, right, c, d, down, none, none], axis=-1)
        return ops.image.affine_transform(
            images, maps, interpolation="bilinear", fill_mode="constant", fill_value=127.5
        )

    def _coloured(self, images: Any, strength: Any, sign: Any) -> dict[str, Any]:
        ops = keras.ops
        strength, sign = strength[:, None, None, None], sign[:, None, None, None]
        factor = 1 + 0.9 * strength * sign
        grey = ops.sum(images * ops.convert_to_tensor([0.299, 0.587, 0.114], "float32"), axis=-1, keepdims=True)
        middle = ops.mean(grey, axis=(1, 2, 3), keepdims=True)
        blurred = ops.average_pool(images, 3, strides=1, padding="same")
        step = ops.power(2.0, ops.floor(strength * 6))
        low, high = (take(images, axis=(1, 2), keepdims=True) for take in (ops.min, ops.max))
        return {
            "brightness": images * factor,
            "contrast": middle + (images - middle) * factor,
            "colour": grey + (images - grey) * factor,
            "sharpness": blurred + (images - blurred) * factor,
            "posterize": ops.floor(images / step) * step,
            "solarize": ops.where(images >= 255 * (1 - strength), 255 - images, images),
            "autocontrast": (images - low) * 255 / ops.maximum(high - low, 1.0),
        }

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The same shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """What `__init__` takes."""
        return {**super().get_config(), "most": self.most, "seed": self.seed}
