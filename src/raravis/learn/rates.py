"""Rates by depth: what lies deep in a pretrained backbone learns more slowly than what lies near its end.

Enters: a model on a backbone and a factor. Leaves: one factor a variable, and an optimizer that heeds them. The update
is scaled, not the gradient, for Adam's steps do not depend on the gradient's scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from raravis import engine, models

keras = engine.keras()

PARTS: Final = 12
"""Parts of a backbone with rates of their own, as many as a small transformer has blocks; so Liu et al., "A ConvNet for
the 2020s", 2022, treat ConvNets."""


def by_depth(model: Any, variables: Sequence[Any], decay: float) -> list[float]:
    """The factor of the rate of each of `variables`: 1 outside the backbone, less and less towards its input.

    The layers of the backbone that hold weights are counted from its input on and cut into `PARTS` equal parts; the
    last has `decay`, the one below `decay`², and so on (Clark et al., "ELECTRA", 2020; Bao et al., "BEiT", 2022).

    Args:
        model: a network on a backbone.
        variables: of the model and of what trains it.
        decay: 0–1.
    """
    held = model.get_layer(models.TRUNK).variables
    layers: dict[str, int] = {}
    for variable in held:
        layers.setdefault(variable.path.rpartition("/")[0], len(layers))
    powers = {
        id(variable): PARTS - PARTS * layers[variable.path.rpartition("/")[0]] // len(layers) for variable in held
    }
    return [decay ** powers.get(id(variable), 0) for variable in variables]


def graded(kind: Any, factors: Sequence[float], decays: Sequence[float], **settings: Any) -> Any:
    """An optimizer of class `kind` whose rate, and with it the decay of weights, is each variable's own.

    Args:
        kind: a Keras optimizer class whose update is proportional to the rate.
        factors: of the rate, for each variable that the optimizer is built for, in order.
        decays: decoupled weight decay of each, relative to its rate.
        settings: for `kind`.
    """

    class Graded(kind):
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            number = self._get_variable_index(variable)
            rate = keras.ops.cast(learning_rate, variable.dtype) * factors[number]
            if decays[number]:
                self.assign_sub(variable, variable * (rate * decays[number]))
            super().update_step(gradient, variable, rate)

    return Graded(**settings)
