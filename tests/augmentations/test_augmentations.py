"""The contract of every augmentation pipeline, by name."""

import numpy as np
import pytest

from raravis import augmentations, engine, registry
from raravis.errors import UsageError

pytestmark = pytest.mark.engine

NAMES = registry.names("raravis.augmentations")


def through(name: str, images: np.ndarray, seed: int = 0, training: bool = True) -> np.ndarray:
    x = engine.keras().ops.convert_to_tensor(images)
    for layer in augmentations.layers(name, seed):
        x = layer(x, training=training)
    return engine.keras().ops.convert_to_numpy(x)


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (12, 32, 32, 3)).astype(np.float32)


@pytest.mark.parametrize("name", NAMES)
class TestContract:
    def test_outside_training_it_is_the_identity(self, name, images):
        np.testing.assert_allclose(through(name, images, training=False), images, atol=1e-4)

    def test_shape_and_range_are_kept(self, name, images):
        made = through(name, images)
        assert made.shape == images.shape
        assert made.min() >= -1e-3  # bilinear interpolation rounds
        assert made.max() <= 255 + 1e-3

    def test_the_seed_decides(self, name, images):
        np.testing.assert_array_equal(through(name, images, seed=3), through(name, images, seed=3))

    def test_every_layer_changes_something_in_training(self, name, images):
        for layer in augmentations.layers(name, 0):
            made = engine.keras().ops.convert_to_numpy(layer(images, training=True))
            assert np.abs(made - images).max() > 1, layer.name


@pytest.mark.parametrize("name", [name for name in NAMES if name != "none"])
class TestInTraining:
    """As training uses them: compiled, on batches of any length."""

    def test_copies_of_one_image_in_a_batch_come_out_different(self, name, images):
        made = through(name, np.repeat(images[:1], 32, axis=0))
        found = len({image.tobytes() for image in made})
        assert found == 2 if name == "flip" else found > 8

    def test_compiled_batches_differ_from_each_other_and_the_last_may_be_short(self, name, images):
        made = augmentations.layers(name, 0)

        class Training(engine.keras().Model):
            def __init__(self):
                super().__init__()
                self.made = made

            def call(self, x):
                for layer in self.made:
                    x = layer(x, training=True)
                return x

        model = Training()
        batch = np.repeat(images[:1], 32, axis=0)
        first, second = model.predict_on_batch(batch), model.predict_on_batch(batch)
        assert np.abs(first - second).max() > 1
        assert model.predict_on_batch(batch[:5]).shape == (5, 32, 32, 3)


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
class TestMixer:
    def blended(self, name, images, seed=0, training=True):
        labels = np.eye(len(images), dtype=np.float32)
        made = augmentations.mixer(name, seed)({"images": images, "labels": labels}, training=training)
        return tuple(engine.keras().ops.convert_to_numpy(made[key]) for key in ("images", "labels"))

    def test_outside_training_it_is_the_identity(self, name, images):
        made, labels = self.blended(name, images, training=False)
        np.testing.assert_allclose(made, images, atol=1e-4)
        np.testing.assert_array_equal(labels, np.eye(len(images)))

    def test_labels_tell_how_much_of_which_image_there_is(self, name):
        """Image i is of the one value i: the blend's mean is that of its labels."""
        flat = np.ones((8, 64, 64, 3), np.float32) * 30 * np.arange(8, dtype=np.float32)[:, None, None, None]
        made, labels = self.blended(name, flat)
        np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-5)
        tolerance = 1e-2 if name == "mixup" else 12  # a box of whole pixels against its exact area
        np.testing.assert_allclose(made.mean(axis=(1, 2, 3)), labels @ (30 * np.arange(8)), atol=tolerance)
        assert made.min() >= 0
        assert made.max() <= 210

    def test_the_seed_decides(self, name, images):
        for mine, theirs in zip(self.blended(name, images, 3), self.blended(name, images, 3), strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_no_mixer_is_none_and_an_unknown_one_is_told():
    assert augmentations.mixer("none", 0) is None
    with pytest.raises(UsageError, match="mixup"):
        augmentations.mixer("mixap", 0)


def test_another_seed_gives_other_images(images):
    assert np.abs(through("one", images, seed=1) - through("one", images, seed=2)).max() > 1


def test_one_is_the_study_pipeline():
    kinds = [type(layer).__name__ for layer in augmentations.layers("one", 0)]
    assert kinds == ["RandomBrightness", "RandomFlip", "RandomZoom", "RandomErasing"]


def test_cutout_leaves_about_half_of_the_images_whole():
    erasing = augmentations.layers("one", 0)[-1]
    flat = np.full((400, 16, 16, 3), 10, np.float32)
    made = engine.keras().ops.convert_to_numpy(erasing(flat, training=True))
    touched = (made != 10).any(axis=(1, 2, 3)).mean()
    assert 0.4 < touched < 0.6


def test_an_unknown_pipeline_lists_the_known_ones():
    with pytest.raises(UsageError, match="one"):
        augmentations.layers("won", 0)


def kinds(name: str) -> list[str]:
    return [type(layer).__name__ for layer in augmentations.layers(name, 0)]


def test_the_study_pipelines_are_what_it_names():
    assert set(kinds("two")) == {"RandomErasing", "RandomGrayscale", "RandomFlip", "RandomGaussianBlur"}
    assert set(kinds("three")) == {*kinds("one"), *kinds("two")}
    moving = {"RandomRotation", "RandomTranslation", "RandomShear", "RandomZoom", "RandomFlip"}
    assert set(kinds("rotation")) == moving


def test_every_layer_that_the_study_tried_is_in_some_pipeline():
    tried = "Brightness Flip GaussianBlur Rotation Zoom Erasing Grayscale Sharpness"
    used = {kind for name in NAMES for kind in kinds(name)}
    assert {f"Random{layer}" for layer in tried.split()} | {"RandAugment", "AugMix"} <= used


def test_a_crop_is_a_part_of_the_image_in_its_order():
    """On a ramp every crop is a ramp of the same direction, within the range of the image."""
    ramp = np.broadcast_to(np.linspace(0, 255, 64, dtype=np.float32)[None, None, :, None], (16, 64, 64, 3))
    layer = augmentations.layers("crop", 0)[0]
    made = engine.keras().ops.convert_to_numpy(layer(ramp, training=True))
    across = made[:, 32, :, 0]
    assert (np.diff(across, axis=1) >= -1e-3).all()
    spans = across[:, -1] - across[:, 0]
    assert spans.min() < 200
    assert spans.max() <= 255
    assert len(np.unique(spans.round())) > 8
