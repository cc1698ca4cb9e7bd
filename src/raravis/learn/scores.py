"""Macro-F1 as Keras counts along: over all batches, exactly, and by the same rule as `judge`."""

from __future__ import annotations

from typing import Any

from raravis import engine

keras = engine.keras()


@keras.saving.register_keras_serializable("raravis")
class MacroF1(keras.metrics.F1Score):  # type: ignore[name-defined]
    """The mean F1 of the families that have images, 0–1; the predicted family is the one of the largest logit.

    Enter targets, one-hot `(B, K)`, and logits `(B, K)`.
    """

    def __init__(self, name: str = "macro_f1", dtype: Any = None) -> None:
        super().__init__(average=None, name=name, dtype=dtype)

    def result(self) -> Any:
        """The mean so far."""
        there = keras.ops.cast(self.intermediate_weights > 0, self.dtype)
        return keras.ops.sum(super().result() * there) / keras.ops.maximum(keras.ops.sum(there), 1.0)

    def get_config(self) -> dict[str, Any]:
        """What `__init__` takes."""
        return {"name": self.name, "dtype": self.dtype}
