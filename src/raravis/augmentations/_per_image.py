"""The base of raravis' own augmentation layers: the identity outside training, drawn anew for each image in it."""

from __future__ import annotations

from typing import Any

from raravis import engine

keras = engine.keras()


class PerImage(keras.layers.Layer):  # type: ignore[name-defined]
    """A layer that gives images of the same shape, each changed by what is drawn for it alone.

    Enters and leaves: `(B, H, W, 3)` in 0–255, float32; B may be unknown. A class that derives from it says in
    `changed` what happens in training.

    Args:
        seed: of everything that is drawn.
    """

    def __init__(self, *, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, images: Any, training: bool | None = None) -> Any:
        """The images as they are, or changed anew in training; never outside 0–255."""
        images = keras.ops.cast(images, "float32")
        return keras.ops.clip(self.changed(images), 0, 255) if training else images

    def drawn(self, images: Any, low: float, high: float, *more: int) -> Any:
        """Even random numbers of `[low, high)`, float32 `(B, *more)`."""
        return keras.random.uniform((keras.ops.shape(images)[0], *more), low, high, seed=self.generator)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The same shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """What `__init__` takes."""
        return {**super().get_config(), "seed": self.seed}
