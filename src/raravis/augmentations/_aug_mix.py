"""The layer AugMix: every image blended with chains of random operations on itself.

Keras has a layer of this name, but it draws its operations in Python, once, while the graph is compiled: every batch
of a training would then meet the same chains, and no seed would decide them.
"""

from __future__ import annotations

from typing import Any

from raravis import engine
from raravis.augmentations._operations import MOVES, OPERATIONS, TONES, moved, toned
from raravis.augmentations._per_image import PerImage

keras = engine.keras()


@keras.saving.register_keras_serializable("raravis")
class AugMix(PerImage):
    """Blend each image with a weighted mean of chains of operations (Hendrycks et al. 2020, without its loss).

    Enters and leaves: `(B, H, W, 3)` in 0–255, float32. The identity outside training. A chain is a movement, a
    tone, or one after the other. Weights of the chains are drawn from Dirichlet(1), that of the image itself from
    Beta(1, 1), for each image anew.

    Args:
        chains: how many.
        most: the greatest strength of an operation, 0–1.
        seed: of everything that is drawn.
    """

    def __init__(self, chains: int = 3, most: float = 0.5, *, seed: int | None = None, **options: Any) -> None:
        super().__init__(seed=seed, **options)
        self.chains, self.most = chains, most

    def changed(self, images: Any) -> Any:
        """The images, each blended with its own chains."""
        drawn = -keras.ops.log(self.drawn(images, 1e-6, 1, self.chains))  # exponential: their shares are Dirichlet(1)
        weights = drawn / keras.ops.sum(drawn, axis=1, keepdims=True)
        own = self.drawn(images, 0, 1)
        mixed = own[:, None, None, None] * images
        for number in range(self.chains):
            share = (1 - own) * weights[:, number]
            mixed = mixed + share[:, None, None, None] * self._chain(images)
        return mixed

    def _chain(self, images: Any) -> Any:
        """A third of the images moved, a third toned, a third both."""
        form = keras.ops.floor(self.drawn(images, 0, 3))
        movement, tone = (self._any(images, names, form, left_out) for names, left_out in ((MOVES, 1), (TONES, 0)))
        made = moved(images, movement, self.most * self.drawn(images, -1, 1))
        return keras.ops.clip(toned(made, tone, self.most * self.drawn(images, -1, 1)), 0, 255)

    def _any(self, images: Any, names: tuple[str, ...], form: Any, left_out: int) -> Any:
        """One of the operations `names` for each image, the identity where its chain's form leaves it out."""
        first = OPERATIONS.index(names[0])
        kind = first + keras.ops.floor(self.drawn(images, 0, len(names)))
        return keras.ops.where(keras.ops.equal(form, left_out), 0.0, kind)

    def get_config(self) -> dict[str, Any]:
        """What `__init__` takes."""
        return {**super().get_config(), "chains": self.chains, "most": self.most}
