"""What every model's options share."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """The `[model]` table of a recipe; each model file derives its own and adds fields.

    Attributes:
        name: the model's public name, which is the name of its file.
        by_epoch: whether it is trained by the epoch, as the tables beside `[model]` say; one that is not heeds none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    name: str
    by_epoch: ClassVar[bool] = True

    def canonical(self) -> Self:
        """The same with its backbones named as they are listed; loads Keras where there are any."""
        return self

    def check(self) -> None:
        """See that its backbones exist; loads Keras where there are any.

        Raises:
            UsageError: one does not.
        """


def logits(x: Any, classes: int) -> Any:
    """The last layer of every model: a dense layer named `logits`, `float32` `(B, classes)`, no activation."""
    from raravis import engine

    return engine.keras().layers.Dense(classes, name="logits", dtype="float32")(x)
