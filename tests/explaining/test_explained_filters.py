"""The first filters: found wherever they are, in the photograph's own colours."""

import io

import numpy as np
import pytest
from PIL import Image

from raravis import drawing, engine
from raravis.explaining import filters
from raravis.explaining.filters import Filters

pytestmark = pytest.mark.engine


def test_hand_set_filters_are_found_in_the_nested_model_and_seen_in_rgb(by_hand):
    found = filters.first(by_hand(), 8)
    assert found.layer == "trunk/first"
    expected = np.zeros((3, 3, 3, 4))
    expected[1, 1, 0, 0] = 2
    expected[1, 1, 2, 1] = 1
    expected[:, 0, 1, 3], expected[:, 2, 1, 3] = -1, 1
    np.testing.assert_allclose(found.weights, expected, atol=1e-5)
    np.testing.assert_allclose(found.strength, [2 / 6**0.5, 1 / 6**0.5, 0, 1], atol=1e-5)


def test_pictures_show_what_adds_bright_and_what_takes_away_dark(by_hand):
    red, blue, nothing, edge = filters.pictures(filters.first(by_hand(), 8))
    assert red[1, 1].tolist() == [255, 128, 128]
    assert red[0, 0].tolist() == [128, 128, 128]
    assert blue[1, 1].tolist() == [128, 128, 255]
    assert set(np.unique(nothing)) == {128}
    assert edge[:, 0].tolist() == [[128, 0, 128]] * 3
    assert edge[:, 2].tolist() == [[128, 255, 128]] * 3


def test_alike_filters_stand_together_and_faint_ones_last():
    rng = np.random.default_rng(1)
    one, other = rng.normal(size=(2, 3, 3, 3))
    noise = lambda: rng.normal(size=(3, 3, 3)) * 0.01  # noqa: E731
    kinds = [one, other, 0 * one, one + noise(), 2 * other + noise(), 3 * one + noise()]
    order = filters.order(Filters("conv", np.stack(kinds, axis=-1).astype(np.float32))).tolist()
    assert order[-1] == 2
    assert {*order[:3]} in ({0, 3, 5}, {1, 4, order[2]})
    assert abs(order.index(1) - order.index(4)) == 1


@pytest.mark.parametrize("count", [1, 2, 40])
def test_the_figure_shows_every_filter(count):
    weights = np.zeros((3, 3, 3, count), np.float32)
    weights[1, 1, 0] = 1
    drawn = np.asarray(Image.open(io.BytesIO(drawing.png(filters.figure(Filters("a/conv", weights))))).convert("RGB"))
    red = (drawn == (255, 128, 128)).all(-1)
    assert red.sum() == pytest.approx(count * 88 * 88 / 9, rel=0.05)


def test_a_network_that_looks_at_no_three_colours_has_none():
    keras = engine.keras()
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(2, 3)(keras.layers.DepthwiseConv2D(3, depth_multiplier=2)(inputs))
    assert filters.first(keras.Model(inputs, x), 8) is None
