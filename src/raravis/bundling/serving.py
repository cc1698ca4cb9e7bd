"""A trained network as it is served: images as bytes enter; logits, embedding and perhaps evidence leave."""

from __future__ import annotations

from typing import Any

from raravis import engine
from raravis.explaining import shares


def serving(network: Any) -> tuple[Any, str]:
    """The network with all that a bundle tells, as one graph for inference.

    Args:
        network: RGB 0–255 `(B, size, size, 3)` → logits, with a layer `embedding`.

    Returns:
        A Keras model: RGB `uint8` `(B, size, size, 3)` → a list: logits float32 `(B, K)`, embedding float32 `(B, D)`,
        and, where it can be told, evidence float32 `(B, h, w, K)`. With it, why there is no evidence, or "".
    """
    keras = engine.keras()
    plan, why = shares.plan(network)
    plain = keras.Model(network.input, [network.output, network.get_layer("embedding").output])
    shapes = [one.shape[1:] for one in plain.outputs]
    if plan is not None:
        shapes.append((*plan.shape, shapes[0][0]))

    class Telling(keras.Layer):  # type: ignore[name-defined]
        """Passes the network once; what is computed inside a layer needs no names of its own."""

        def __init__(self) -> None:
            super().__init__(name="telling", dtype="float32", trainable=False)
            self.network = network

        def call(self, images: Any) -> list[Any]:
            images = keras.ops.cast(images, "float32")
            found = plain(images, training=False) if plan is None else plan.told(images)
            return [keras.ops.cast(one, "float32") for one in found]

        def compute_output_spec(self, images: Any) -> list[Any]:
            return [keras.KerasTensor((None, *shape), "float32") for shape in shapes]

    image = keras.Input(network.input.shape[1:], name="image", dtype="uint8")
    return keras.Model(image, Telling()(image)), why
