"""The contract of every augmentation pipeline, by name."""

import numpy as np
import pytest

from raravis import augment, engine, registry
from raravis.errors import UsageError

pytestmark = pytest.mark.engine

NAMES = registry.names("raravis.augment")


def through(name: str, images: np.ndarray, seed: int = 0, training: bool = True) -> np.ndarray:
    x = engine.keras().ops.convert_to_tensor(images)
    for layer in augment.layers(name, seed):
        x = layer(x, training=training)
    return engine.keras().ops.convert_to_numpy(x)


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (6, 32, 32, 3)).astype(np.float32)


@pytest.mark.parametrize("name", NAMES)
class TestContract:
    def test_outside_training_it_is_the_identity(self, name, images):
        np.testing.assert_allclose(through(name, images, training=False), images, atol=1e-4)

    def test_shape_and_range_are_kept(self, name, images):
        made = through(name, images)
        assert made.shape == images.shape
        assert made.min() >= 0
        assert made.max() <= 255

    def test_the_seed_decides(self, name, images):
        np.testing.assert_array_equal(through(name, images, seed=3), through(name, images, seed=3))

    def test_every_layer_changes_something_in_training(self, name, images):
        for layer in augment.layers(name, 0):
            made = engine.keras().ops.convert_to_numpy(layer(images, training=True))
            assert np.abs(made - images).max() > 1, layer.name


def test_another_seed_gives_other_images(images):
    assert np.abs(through("one", images, seed=1) - through("one", images, seed=2)).max() > 1


def test_one_is_the_study_pipeline():
    kinds = [type(layer).__name__ for layer in augment.layers("one", 0)]
    assert kinds == ["RandomBrightness", "RandomFlip", "RandomZoom", "RandomErasing"]


def test_cutout_leaves_about_half_of_the_images_whole():
    erasing = augment.layers("one", 0)[-1]
    flat = np.full((400, 16, 16, 3), 10, np.float32)
    made = engine.keras().ops.convert_to_numpy(erasing(flat, training=True))
    touched = (made != 10).any(axis=(1, 2, 3)).mean()
    assert 0.4 < touched < 0.6


def test_an_unknown_pipeline_lists_the_known_ones():
    with pytest.raises(UsageError, match="one"):
        augment.layers("won", 0)
