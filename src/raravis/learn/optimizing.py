"""Ready to train: a recipe's `[train]` becomes a compiled Keras model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from raravis import engine
from raravis.learn import precision
from raravis.learn.rates import graded
from raravis.learn.schedules import schedule
from raravis.learn.scores import MacroF1
from raravis.training import Train

keras = engine.keras()


def compile(
    learner: Any, train: Train, learning_rate: float, *, steps: int, factors: Sequence[float] | None = None
) -> None:
    """Compile with the optimizer, rate, loss and scores of a recipe's `[train]`, the optimizer's variables made.

    Args:
        learner: what is trained.
        train: the table.
        learning_rate: the highest.
        steps: batches an epoch.
        factors: of the rate of each trainable variable, or None for 1.
    """
    optimizer = _optimizer(learner.trainable_variables, train, schedule(train, learning_rate, steps=steps), factors)
    if precision.policy(train.precision) == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(learner.trainable_variables)
    scores = [keras.metrics.CategoricalAccuracy(name="accuracy")]
    if train.monitor == "val_macro_f1":
        scores.append(MacroF1(name="macro_f1"))
    learner.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=train.label_smoothing),
        metrics=scores,
        auto_scale_loss=False,
    )


def averaged(optimizer: Any) -> dict[int, Any]:
    """The moving average of each variable, by the variable's `id`; empty where the optimizer keeps none."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if not inner.use_ema:
        return {}
    pairs = zip(inner._trainable_variables, inner._model_variables_moving_average, strict=True)
    return {id(variable): average for variable, average in pairs}


def _optimizer(variables: Sequence[Any], train: Train, rate: Any, factors: Sequence[float] | None) -> Any:
    settings: dict[str, Any] = {"learning_rate": rate}
    if train.optimizer == "sgd":
        settings["momentum"] = 0.9
    if train.ema:
        settings |= {"use_ema": True, "ema_momentum": train.ema}
    if train.accumulate > 1:
        settings["gradient_accumulation_steps"] = train.accumulate
    spared = [v for v in variables if train.weight_decay_on == "kernels" and len(v.shape) < 2]
    kinds = {"adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW, "sgd": keras.optimizers.SGD}
    if factors is not None:
        sparing = {id(v) for v in spared}
        decays = [0.0 if id(v) in sparing else train.weight_decay for v in variables]
        kind = kinds["adam" if train.optimizer == "adamw" else train.optimizer]  # the two differ in their decay alone
        return graded(kind, factors, decays, **settings)
    decay = train.weight_decay if train.optimizer == "adamw" else train.weight_decay or None
    optimizer = kinds[train.optimizer](weight_decay=decay, **settings)
    if spared:
        optimizer.exclude_from_weight_decay(var_list=spared)
    return optimizer
