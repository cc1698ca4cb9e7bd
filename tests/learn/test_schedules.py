"""The rate over a phase: where it begins, how it rises, where it ends."""

import numpy as np
import pytest

from raravis import engine
from raravis.learn.schedules import schedule
from raravis.training import Train

pytestmark = pytest.mark.engine

STEPS = 10


def rates(**changes) -> np.ndarray:
    train = Train(epochs=4, **changes)
    falling = schedule(train, 0.2, steps=STEPS)
    return np.array([float(falling(step)) for step in range(4 * STEPS + 1)])


def test_exponential_falls_by_the_factor_an_epoch():
    np.testing.assert_allclose(rates(decay=0.5)[::STEPS], 0.2 * 0.5 ** np.arange(5), rtol=1e-5)


def test_cosine_is_half_way_down_in_the_middle_and_ends_at_nothing():
    found = rates(schedule="cosine")
    np.testing.assert_allclose(found[[0, 2 * STEPS, 4 * STEPS]], [0.2, 0.1, 0.0], atol=1e-7)


@pytest.mark.parametrize("kind", ["cosine", "exponential"])
def test_it_first_rises_evenly(kind):
    found = rates(schedule=kind, warmup=1.5)
    assert found[0] > 0
    np.testing.assert_allclose(np.diff(found[:15]), 0.2 / 16, rtol=1e-4)
    assert found.argmax() == 15
    assert found[15] == pytest.approx(0.2)
    assert (np.diff(found[15:]) < 0).all()
    if kind == "cosine":
        assert found[-1] == pytest.approx(0, abs=1e-7)


def test_a_warmed_schedule_reads_back_the_same():
    schedules = engine.keras().optimizers.schedules
    made = schedule(Train(warmup=1, schedule="cosine"), 0.2, steps=STEPS)
    again = schedules.deserialize(schedules.serialize(made))
    assert float(again(25)) == pytest.approx(float(made(25)))
