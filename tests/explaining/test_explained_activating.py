"""Which images excite a channel most, counted by hand."""

import numpy as np
import pytest

from raravis.explaining import activating
from raravis.explaining.activating import Answers, most_unusual
from raravis.explaining.layers import Tap, mapped, pick
from raravis.learn.batches import Resident

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def images():
    """Thirty pictures of one colour each; no two are equally red or equally blue."""
    rng = np.random.default_rng(3)
    colours = np.stack([rng.permutation(np.arange(130, 190, 2)) for _ in range(3)], axis=1)
    return np.broadcast_to(colours[:, None, None], (30, 8, 8, 3)).astype(np.uint8)


@pytest.mark.parametrize("batch_size", [4, 32])
def test_the_red_channel_gets_the_reddest_images(by_hand, images, batch_size):
    model = by_hand()
    layers = pick(mapped(model), ["first", "second_relu"])
    rows = np.arange(29, -1, -1)
    found = activating.answers(model, layers, Resident(images), rows, batch_size=batch_size, quiet=True)
    first = found["trunk/first"]
    by_red, by_blue = (np.argsort(-images[:, 0, 0, c].astype(int))[: activating.KEPT] for c in (0, 2))
    assert first.rows[:, 0].tolist() == by_red.tolist()
    assert first.rows[:, 1].tolist() == by_blue.tolist()
    assert first.silent.tolist()[:3] == [False, False, True]
    assert first.images == 30
    maps, _ = Tap(model, layers)(images)
    for name, answers in found.items():
        means = maps[name].mean(axis=(1, 2))
        np.testing.assert_allclose(answers.mean, means.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(answers.spread, means.std(axis=0), atol=1e-5)
        np.testing.assert_allclose(answers.best, -np.sort(-means, axis=0)[: activating.KEPT], atol=1e-5)
        picked = np.take_along_axis(means, answers.rows, 0)
        np.testing.assert_allclose(picked, answers.best, atol=1e-5)


def test_of_equal_answers_the_earlier_image_comes_first(by_hand):
    model = by_hand()
    alike = Resident(np.zeros((12, 8, 8, 3), np.uint8))
    rows = np.arange(12)[::-1]
    found = activating.answers(model, mapped(model)[:1], alike, rows, batch_size=5, quiet=True)["scale"]
    assert found.rows[:, 0].tolist() == rows[: activating.KEPT].tolist()
    assert found.silent.all()


def test_photographs_choose_channels_in_turns():
    none = np.empty((0, 4))
    usual = Answers(9, np.array([10.0, 1, 1, 5]), np.array([5.0, 1, 1, 0]), none, none.astype(int))
    given = np.array([[20, 4, 3, 99], [20, 9, 0, 99]], np.float32)
    np.testing.assert_allclose(usual.unusual(given), [[2, 3, 2, 0], [2, 8, -1, 0]])
    assert most_unusual(usual, given, 9) == [(1, 0), (0, 0), (2, 0)]
    assert most_unusual(usual, given[::-1], 2) == [(1, 0), (0, 0)]
    assert most_unusual(usual, given[:0], 2) == []
