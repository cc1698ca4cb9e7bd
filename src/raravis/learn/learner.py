"""What training changes: the network behind its augmentation, and what its loss asks of it beside the families.

Outside training it is the network alone, so that it can be validated and judged by the same object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raravis import engine
from raravis.errors import RecipeError

keras = engine.keras()


class Learner(keras.Model):  # type: ignore[name-defined]
    """A network behind augmentation layers and, perhaps, a mixer of pairs.

    With a mixer, training batches are `((images, targets), targets)`: the mixer blends both, and the loss and the
    metrics of training are those of the blended targets. All other batches are `(images, targets)`.

    Args:
        network: images `(B, size, size, 3)` in 0–255 → logits `(B, K)`.
        layers: augmentation, in order; the identity outside training.
        mixer: a layer `{"images", "labels"}` → the same, or None.
        shift: float32 `(K,)`, added to the logits in the loss of training, or None.
        lineage: float32 `(K, R)` for each rank, families to taxa: a head for each learns from the layer `embedding`.
        auxiliary: weight of the mean loss of these heads.
        sizes: the sides at which training may see images (`see`), beside the network's own.

    Raises:
        RecipeError: the network cannot see images of such a size.
    """

    def __init__(
        self,
        network: Any,
        layers: Sequence[Any] = (),
        mixer: Any | None = None,
        *,
        shift: NDArray[np.float32] | None = None,
        lineage: Mapping[str, NDArray[np.float32]] | None = None,
        auxiliary: float = 0.0,
        sizes: Sequence[int] = (),
    ) -> None:
        super().__init__(name="learner")
        self._network, self._augmentation, self._mixer = network, list(layers), mixer
        self._shift, self._auxiliary = shift, auxiliary
        self._taxa = [np.asarray(matrix) for matrix in (lineage or {}).values()]
        self._heads = [keras.layers.Dense(matrix.shape[1], name=rank) for rank, matrix in (lineage or {}).items()]
        trained = network
        if self._heads:
            embedding = network.get_layer("embedding").output
            trained = keras.Model(network.input, [network.output, embedding])
            for head in self._heads:
                head.build(embedding.shape)
        own = network.input.shape[1]
        self._at = {str(size): trained if size == own else _resized(trained, size) for size in (own, *sizes)}
        self._size = own
        images, targets = (keras.ops.zeros((1, *end.shape[1:])) for end in (network.input, network.output))
        self(images if mixer is None else (images, targets))

    def see(self, size: int | None) -> None:
        """Train on images of this size from now on, None for the network's own. Compile anew afterwards."""
        self._size = size or self._network.input.shape[1]

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Logits; of a training batch with a mixer or heads for ranks `{"logits"}` with `"targets"` and `"ranks"`."""
        images, targets = inputs if isinstance(inputs, tuple | list) else (inputs, None)
        if training and self._size != images.shape[1]:
            images = keras.ops.image.resize(keras.ops.cast(images, "float32"), (self._size, self._size), antialias=True)
        for layer in self._augmentation:
            images = layer(images, training=training)
        made = {}
        if targets is not None and self._mixer is not None:
            mixed = self._mixer({"images": images, "labels": targets}, training=training)
            images, made["targets"] = mixed["images"], mixed["labels"]
        if not training:
            return self._network(images, training=training)
        given = self._at[str(self._size)](images, training=training)
        if self._heads:
            given, embedding = given
            made["ranks"] = [head(embedding) for head in self._heads]
        return {**made, "logits": given} if made else given

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The compiled loss, of blended targets where there are any, and the share of the heads for ranks."""
        made = y_pred if isinstance(y_pred, dict) else {"logits": y_pred}
        y, logits = made.get("targets", y), made["logits"]
        if training and self._shift is not None:
            logits = logits + self._shift
        loss = super().compute_loss(x, y, logits, sample_weight, training)
        for taxa, given in zip(self._taxa, made.get("ranks", []), strict="ranks" in made):
            loss = loss + self._auxiliary / len(self._taxa) * _of_rank(keras.ops.matmul(y, taxa), given, sample_weight)
        return loss

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The compiled metrics, against the larger part of each blend."""
        if isinstance(y_pred, dict):
            y, y_pred = y_pred.get("targets", y), y_pred["logits"]
        return super().compute_metrics(x, y, y_pred, sample_weight)


def _of_rank(targets: Any, logits: Any, weights: Any) -> Any:
    """Mean cross-entropy of targets `(B, R)`; a row of zeros costs nothing."""
    losses = -keras.ops.sum(targets * keras.ops.log_softmax(logits), axis=-1)
    return keras.ops.mean(losses if weights is None else losses * weights)


def _resized(network: Any, size: int) -> Any:
    """The same layers, and with them the same weights, on images of another size."""
    images = keras.Input((size, size, network.input.shape[-1]), name="image")
    try:
        return keras.models.clone_model(network, input_tensors=images, clone_function=lambda layer: layer)
    except ValueError as error:
        raise RecipeError(
            f"train.sizes: {network.name} cannot see images of {size} pixels with the weights for "
            f"{network.input.shape[1]}.\nLeave train.sizes out, or take a model that pools over the whole image."
        ) from error
