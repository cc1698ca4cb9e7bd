"""modern_cnn: its size, its blocks that begin as nothing, and weights that serve every size."""

import numpy as np
import pytest

from raravis import engine, models

pytestmark = pytest.mark.engine


def made(size: int = 64, **options):
    engine.keras().utils.set_random_seed(0)
    return models.build(models.options_of("modern_cnn")(**options), classes=5, size=size)


def test_every_stage_halves_the_side_and_the_stem_quarters_it():
    model = made(64, stem=(4, 6), filters=(8, 10, 12), blocks=(1, 2, 1))
    sums = [layer.output.shape[1:] for layer in model.layers if type(layer).__name__ == "Add"]
    assert sums == [(8, 8, 8), (4, 4, 10), (4, 4, 10), (2, 2, 12)]
    assert model.get_layer("embedding").output.shape == (None, 12)


def test_a_side_that_does_not_divide_is_taken():
    assert made(50).predict(np.zeros((1, 50, 50, 3), np.uint8), verbose=0).shape == (1, 5)


def test_blocks_begin_as_their_shortcuts():
    model = made(32, filters=(8,), blocks=(2,), stem=(4, 8))
    first, second = (layer for layer in model.layers if type(layer).__name__ == "Add")
    inner = engine.keras().Model(model.input, [first.output, second.output])
    before, after = inner.predict(np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)), verbose=0)
    np.testing.assert_allclose(after, np.maximum(before, 0), atol=1e-5)


def test_deeper_blocks_are_left_out_more_often_and_whole():
    model = made(32, filters=(8, 8), blocks=(2, 2), drop_path=0.4)
    dropped = [layer for layer in model.layers if getattr(layer, "noise_shape", None) is not None]
    np.testing.assert_allclose([layer.rate for layer in dropped], [0.1, 0.2, 0.3, 0.4])
    given = np.array(dropped[-1](np.ones((64, 2, 2, 8), np.float32), training=True)).reshape(64, -1)
    assert set(np.round(given.mean(axis=1), 3)) == {0.0, np.float32(1.667)}


def test_the_same_weights_serve_every_size():
    small, large = made(32), made(64)
    large.set_weights(small.get_weights())
    grey = np.full((1, 64, 64, 3), 90, np.uint8)
    assert large.predict(grey, verbose=0).shape == small.predict(grey[:, :32, :32], verbose=0).shape
