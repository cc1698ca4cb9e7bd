"""What one step changes: rates of each variable, decay where it belongs, averages, batches taken together."""

import numpy as np
import pytest

from raravis import engine
from raravis.learn.optimizing import averaged, compile
from raravis.learn.scores import MacroF1
from raravis.training import Train

pytestmark = pytest.mark.engine

INPUTS = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32)
TARGETS = np.eye(3, dtype=np.float32)[np.arange(8) % 3]


def network():
    keras = engine.keras()
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(3)])


def stepped(train: Train, steps: int = 1, factors=None, batches=((INPUTS, TARGETS),)) -> list[np.ndarray]:
    model = network()
    compile(model, train, train.learning_rate, steps=100, factors=factors)
    before = model.get_weights()
    for _ in range(steps):
        for inputs, targets in batches:
            model.train_on_batch(inputs, targets)
    return [after - was for after, was in zip(model.get_weights(), before, strict=True)]


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_each_variable_moves_by_its_own_rate(optimizer):
    train = Train(optimizer=optimizer, learning_rate=1e-2, decay=1, weight_decay=0.1)
    plain = stepped(train)
    factors = [0.5, 1.0, 0.0, 0.25]
    for mine, whole, factor in zip(stepped(train, factors=factors), plain, factors, strict=True):
        np.testing.assert_allclose(mine, factor * whole, rtol=1e-3, atol=1e-6)


def test_rates_of_one_are_the_plain_optimizer_also_averaged_and_accumulated():
    train = Train(optimizer="adamw", weight_decay=0.1, weight_decay_on="kernels", ema=0.9, accumulate=2)
    for mine, plain in zip(stepped(train, 5, [1.0] * 4), stepped(train, 5), strict=True):
        np.testing.assert_allclose(mine, plain, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("factors", [None, [1.0] * 4])
def test_biases_are_spared_where_kernels_decay(factors):
    strong = {"optimizer": "adamw", "learning_rate": 1e-2, "weight_decay": 10.0}
    plain = stepped(Train(**{**strong, "weight_decay": 0.0}), 2)
    kernels = stepped(Train(**strong, weight_decay_on="kernels"), 2, factors)
    moved = [np.abs(mine - was).max() for mine, was in zip(kernels, plain, strict=True)]
    assert min(moved[0::2]) > 0.01
    everything = stepped(Train(**strong), 2, factors)
    assert np.abs(everything[1] - plain[1]).max() > np.abs(kernels[1] - plain[1]).max()


def test_two_halves_accumulated_are_one_whole_batch():
    halves = ((INPUTS[:4], TARGETS[:4]), (INPUTS[4:], TARGETS[4:]))
    apart = stepped(Train(optimizer="sgd", learning_rate=0.1, decay=1, accumulate=2), 3, batches=halves)
    for mine, whole in zip(apart, stepped(Train(optimizer="sgd", learning_rate=0.1, decay=1), 3), strict=True):
        np.testing.assert_allclose(mine, whole, rtol=1e-4, atol=1e-6)


def test_the_average_follows_the_weights():
    model, keeps = network(), 0.5
    compile(model, Train(optimizer="sgd", learning_rate=0.5, ema=keeps), 0.5, steps=100)
    expected = None
    for _ in range(3):
        model.train_on_batch(INPUTS, TARGETS)
        now = model.get_weights()[0]
        expected = now if expected is None else keeps * expected + (1 - keeps) * now
    kernel = model.trainable_variables[0]
    np.testing.assert_allclose(averaged(model.optimizer)[id(kernel)].numpy(), expected, rtol=1e-5)
    assert np.abs(expected - model.get_weights()[0]).max() > 1e-3


def test_without_ema_nothing_is_averaged():
    model = network()
    compile(model, Train(), 1e-3, steps=1)
    assert averaged(model.optimizer) == {}


def test_float16_scales_its_loss_and_still_averages():
    model = network()
    compile(model, Train(precision="mixed_float16", ema=0.9), 1e-3, steps=1)
    model.train_on_batch(INPUTS, TARGETS)
    assert type(model.optimizer).__name__ == "LossScaleOptimizer"
    assert len(averaged(model.optimizer)) == 4


def test_macro_f1_is_that_of_the_judge():
    from raravis.judge import metrics

    random = np.random.default_rng(3)
    truth = np.array([0] * 9 + [1] * 5 + [2] * 2)  # the family d has no image, but is named
    logits = random.normal(size=(16, 4)).astype(np.float32)
    logits[np.arange(16), truth] += 1
    score = MacroF1()
    for part in (slice(0, 7), slice(7, 16)):
        score.update_state(np.eye(4, dtype=np.float32)[truth[part]], logits[part])
    odds = np.exp(logits.astype(np.float64))
    judged = metrics.judge(odds / odds.sum(1, keepdims=True), truth, ("a", "b", "c", "d"), resamples=2)
    assert float(score.result()) == pytest.approx(judged["macro_f1"], abs=1e-5)
