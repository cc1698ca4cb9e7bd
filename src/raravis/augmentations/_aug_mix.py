"""The layer AugMix: every image blended with chains of random operations on itself.

Keras has a layer of this name, but it draws its operations in Python, once, while the graph is compiled: every batch
of a training would then meet the same chains, and no seed would decide them.
"""

from __future__ import annotations

from typing import Any

from raravis import engine
from raravis.augmentations._trivial_augment import TrivialAugment

keras = engine.keras()


@keras.saving.register_keras_serializable("raravis")
class AugMix(keras.layers.Layer):  # type: ignore[name-defined]
    """Blend each image with a weighted mean of chains of operations (Hendrycks et al. 2020, without its loss).

    Enters and leaves: `(B, H, W, 3)` in 0–255, float32. The identity outside training. Weights of the chains are drawn
    from Dirichlet(1), that of the image itself from Beta(1, 1), for each image anew.

    Args:
        chains: how many.
        depth: operations a chain.
        most: the greatest strength of an operation, 0–1.
        seed: of everything that is drawn.
    """

    def __init__(
        self, chains: int = 3, depth: int = 2, most: float = 0.5, seed: int | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.chains, self.depth, self.most, self.seed = chains, depth, most, seed
        self.generator = keras.random.SeedGenerator(seed)
        first = 0 if seed is None else seed + 1
        self.operations = [
            [TrivialAugment(most, None if seed is None else first + depth * chain + step) for step in range(depth)]
            for chain in range(chains)
        ]

    def build(self, input_shape: Any) -> None:
        """Build the operations."""
        for operation in (operation for chain in self.operations for operation in chain):
            operation.build(input_shape)

    def call(self, images: Any, training: bool | None = None) -> Any:
        """The images, each blended anew in training."""
        ops = keras.ops
        images = ops.cast(images, "float32")
        if not training:
            return images
        count = ops.shape(images)[0]
        drawn = -ops.log(keras.random.uniform((count, self.chains), 1e-6, 1, seed=self.generator))
        weights = drawn / ops.sum(drawn, axis=1, keepdims=True)
        mixed = ops.zeros_like(images)
        for number, chain in enumerate(self.operations):
            made = images
            for operation in chain:
                made = operation(made, training=True)
            mixed = mixed + weights[:, number, None, None, None] * made
        own = keras.random.uniform((count, 1, 1, 1), 0, 1, seed=self.generator)
        return ops.clip(own * images + (1 - own) * mixed, 0, 255)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The same shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """What `__init__` takes."""
        own = {"chains": self.chains, "depth": self.depth, "most": self.most, "seed": self.seed}
        return {**super().get_config(), **own}
