"""How the learning rate goes over a phase: up, evenly, then down by a factor an epoch or along a cosine."""

from __future__ import annotations

from typing import Any

from raravis import engine
from raravis.training import Train

keras = engine.keras()


def schedule(train: Train, learning_rate: float, *, steps: int) -> Any:
    """The rate at each step, counted in batches.

    Args:
        train: its `schedule`, `decay`, `warmup` and `epochs`.
        learning_rate: the highest.
        steps: batches an epoch.

    Returns:
        A Keras `LearningRateSchedule`. The cosine ends at 0 with the last step of the last epoch (Loshchilov and
        Hutter, "SGDR", 2017, without restarts).
    """
    rising = round(train.warmup * steps)
    if train.schedule == "cosine":
        falling = keras.optimizers.schedules.CosineDecay(learning_rate, max(1, train.epochs * steps - rising))
    else:
        falling = keras.optimizers.schedules.ExponentialDecay(learning_rate, steps, train.decay)
    return Warmed(falling, rising) if rising else falling


@keras.saving.register_keras_serializable("raravis")
class Warmed(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[name-defined]
    """Another schedule, begun `rising` steps late; until then its first rate is approached evenly from 0.

    Args:
        falling: the schedule that follows.
        rising: steps.
    """

    def __init__(self, falling: Any, rising: int) -> None:
        super().__init__()
        self.falling, self.rising = falling, rising

    def __call__(self, step: Any) -> Any:
        """The rate of the step after `step` finished ones, float32."""
        step = keras.ops.cast(step, "float32")
        share = keras.ops.minimum((step + 1) / (self.rising + 1), 1.0)
        return share * self.falling(keras.ops.maximum(step - self.rising, 0.0))

    def get_config(self) -> dict[str, Any]:
        """What `__init__` takes."""
        return {"falling": keras.optimizers.schedules.serialize(self.falling), "rising": self.rising}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Warmed:
        """The schedule that `get_config` spoke of."""
        return cls(keras.optimizers.schedules.deserialize(config["falling"]), config["rising"])
