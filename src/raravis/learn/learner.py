"""What training changes: the network behind its augmentation.

Outside training it is the network alone, so that it can be validated and judged by the same object.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from raravis import engine

keras = engine.keras()


class Learner(keras.Model):  # type: ignore[name-defined]
    """A network behind augmentation layers and, perhaps, a mixer of pairs.

    With a mixer, training batches are `((images, targets), targets)`: the mixer blends both, and the loss and the
    metrics of training are those of the blended targets. All other batches are `(images, targets)`.

    Args:
        network: images `(B, size, size, 3)` in 0–255 → logits `(B, K)`.
        layers: augmentation, in order; the identity outside training.
        mixer: a layer `{"images", "labels"}` → the same, or None.
    """

    def __init__(self, network: Any, layers: Sequence[Any], mixer: Any | None = None) -> None:
        super().__init__(name="learner")
        self._network, self._augmentation, self._mixer = network, list(layers), mixer
        images, targets = (keras.ops.zeros((1, *end.shape[1:])) for end in (network.input, network.output))
        self(images if mixer is None else (images, targets))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Logits; of a training batch with a mixer `{"logits", "targets"}`."""
        images, targets = inputs if isinstance(inputs, tuple | list) else (inputs, None)
        for layer in self._augmentation:
            images = layer(images, training=training)
        if targets is None or self._mixer is None:
            return self._network(images, training=training)
        mixed = self._mixer({"images": images, "labels": targets}, training=training)
        return {"logits": self._network(mixed["images"], training=training), "targets": mixed["labels"]}

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The compiled loss, of blended targets where there are any."""
        if isinstance(y_pred, dict):
            y, y_pred = y_pred["targets"], y_pred["logits"]
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The compiled metrics, against the larger part of each blend."""
        if isinstance(y_pred, dict):
            y, y_pred = y_pred["targets"], y_pred["logits"]
        return super().compute_metrics(x, y, y_pred, sample_weight)
