"""The operations of raravis' own layers, one by one, and those layers as Keras meets them."""

import numpy as np
import pytest

from raravis import augmentations, engine
from raravis.augmentations import _operations as bank

pytestmark = pytest.mark.engine

KINDS = np.arange(len(bank.OPERATIONS), dtype=np.float32)


def done(images: np.ndarray, name: str, amount: float) -> np.ndarray:
    """The one image after the one operation."""
    kind = np.array([bank.OPERATIONS.index(name)], np.float32)
    keras = engine.keras()
    batch = keras.ops.convert_to_tensor(images[None])
    made = bank.applied(batch, keras.ops.convert_to_tensor(kind), keras.ops.convert_to_tensor([np.float32(amount)]))
    return keras.ops.convert_to_numpy(made)[0]


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).uniform(20, 200, (30, 30, 3)).astype(np.float32)


def test_each_image_of_a_batch_gets_its_own_operation_and_no_other(image):
    keras = engine.keras()
    batch = np.repeat(image[None], len(KINDS), axis=0)
    amounts = np.full(len(KINDS), 0.7, np.float32)
    made = keras.ops.convert_to_numpy(bank.applied(*map(keras.ops.convert_to_tensor, (batch, KINDS, amounts))))
    for name, changed in zip(bank.OPERATIONS, made, strict=True):
        np.testing.assert_allclose(changed, done(image, name, 0.7), atol=1e-3)
        assert (np.abs(changed - image).max() > 1) == (name != "identity"), name


@pytest.mark.parametrize("name", [name for name in bank.OPERATIONS if name != "autocontrast"])
def test_no_strength_is_no_change(name, image):
    np.testing.assert_allclose(done(image, name, 0.0), image, atol=1e-3)


def test_movements_go_as_far_as_they_say_and_both_ways():
    ball = np.zeros((31, 31, 3), np.float32)
    ball[15, 25] = 255
    for name, amount, row, column in (
        ("shift_x", 0.5, 15, 20),  # 31 / 6 pixels
        ("shift_y", -0.5, 20, 25),
        ("rotate", 1.0, None, None),
        ("rotate", -1.0, None, None),
    ):
        made = done(ball, name, amount)[..., 0]
        made[np.abs(made - bank.GREY) < 1] = 0
        found = np.unravel_index(made.argmax(), made.shape)
        if row is not None:
            assert np.abs(np.subtract(found, (row, column))).max() <= 1, name
        else:
            angle = np.degrees(np.arctan2(found[0] - 15, found[1] - 15))
            assert abs(abs(angle) - 30) < 5
    left, right = (done(ball, "rotate", amount)[..., 0] for amount in (1.0, -1.0))
    np.testing.assert_allclose(left, right[::-1], atol=0.1)


def test_tones_are_what_they_are_called(image):
    grey = image @ np.array([0.299, 0.587, 0.114], np.float32)
    np.testing.assert_allclose(done(image, "brightness", -0.5), image * 0.55, rtol=1e-4)
    np.testing.assert_allclose(done(image, "contrast", -1.0), 0.1 * image + 0.9 * grey.mean(), rtol=1e-4)
    np.testing.assert_allclose(done(image, "colour", -1.0), 0.1 * image + 0.9 * grey[..., None], rtol=1e-4)
    assert np.diff(done(image, "sharpness", -1.0), axis=0).std() < np.diff(image, axis=0).std()
    assert np.diff(done(image, "sharpness", 1.0), axis=0).std() > np.diff(image, axis=0).std()
    np.testing.assert_array_equal(done(image, "posterize", 1.0), np.floor(image / 16) * 16)
    np.testing.assert_allclose(done(image, "solarize", -0.5), np.where(image >= 128, 255 - image, image), atol=1e-4)
    stretched = done(image, "autocontrast", 0.1)
    np.testing.assert_allclose(stretched.min(axis=(0, 1)), 0, atol=1e-3)
    np.testing.assert_allclose(stretched.max(axis=(0, 1)), 255, atol=1e-3)


@pytest.mark.parametrize("name", ["augmix", "crop", "randaugment", "trivial"])
def test_a_layer_made_from_its_configuration_draws_the_same(name, image):
    keras = engine.keras()
    layer = augmentations.layers(name, 7)[0]
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    batch = np.repeat(image[None], 6, axis=0)
    mine, theirs = (keras.ops.convert_to_numpy(one(batch, training=True)) for one in (layer, again))
    np.testing.assert_array_equal(mine, theirs)


def test_randaugment_draws_its_operations_for_each_image_in_every_batch(image):
    """Keras' own layer draws them once a batch, so that now and then no two images of a batch differ."""
    layer = augmentations.layers("randaugment", 0)[0]
    batch = np.repeat(image[None], 24, axis=0)
    for _ in range(8):
        made = engine.keras().ops.convert_to_numpy(layer(batch, training=True))
        assert len({one.tobytes() for one in made}) > 8


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_a_mixer_works_inside_a_functional_model_of_unknown_batch_size(name):
    keras = engine.keras()
    rng = np.random.default_rng(0)
    given = {
        "images": rng.uniform(0, 255, (22, 16, 16, 3)).astype(np.float32),
        "labels": np.eye(4, dtype=np.float32)[rng.integers(0, 4, 22)],
    }
    ends = {key: keras.Input(value.shape[1:], name=key) for key, value in given.items()}
    mixed = augmentations.mixer(name, 0)(ends)
    scores = keras.layers.Dense(4, activation="softmax")(keras.layers.GlobalAveragePooling2D()(mixed["images"]))
    model = keras.Model(ends, {"scores": scores, "labels": mixed["labels"], "images": mixed["images"]})

    class Learner(keras.Model):
        def __init__(self):
            super().__init__()
            self.model = model

        def call(self, inputs, training=None):
            return self.model(inputs, training=training)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return keras.ops.mean(keras.losses.categorical_crossentropy(y_pred["labels"], y_pred["scores"]))

    learner = Learner()
    learner.compile("adam")
    losses = learner.fit(given, batch_size=8, epochs=1, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    blended = {key: keras.ops.convert_to_numpy(value) for key, value in model(given, training=True).items()}
    np.testing.assert_allclose(blended["labels"].sum(axis=1), 1, atol=1e-5)
    assert (blended["labels"].max(axis=1) < 0.99).any()
    assert blended["images"].min() >= 0
    assert blended["images"].max() <= 255
    plain = learner.predict(given, batch_size=8, verbose=0)
    np.testing.assert_array_equal(plain["images"], given["images"])
    np.testing.assert_array_equal(plain["labels"], given["labels"])
