"""Saved networks as backbones: cut where told, scaled as told, at other sizes, and refused with a reason."""

import pickle

import numpy as np
import pytest

from raravis import backbones, engine
from raravis.backbones import saved
from raravis.errors import UsageError

pytestmark = pytest.mark.engine


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """`net.keras`: two convolutions, pooling, a classifier; for images of 16 pixels, without scaling."""
    keras = engine.keras()
    keras.utils.set_random_seed(0)
    x = image = keras.Input((16, 16, 3))
    for number in (1, 2):
        x = keras.layers.Conv2D(4 * number, 3, padding="same", activation="relu", name=f"c{number}")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    keras.Model(image, keras.layers.Dense(5)(x)).save(tmp_path / "net.keras")
    monkeypatch.setenv("RARAVIS_WEIGHTS", str(tmp_path))
    return tmp_path


def tell(folder, text):
    (folder / "net.toml").write_text(text, encoding="utf-8")


def features(name, size, images, **options):
    return backbones.extractor(name, size=size, weights="imagenet", **options).predict(images, verbose=0)


def test_it_is_listed_by_its_stem_and_found_by_its_path(folder):
    tell(folder, "mean = 128\nscale = 0.01")
    assert "net" in backbones.names()
    assert "net" in backbones.at_hand()
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype(np.uint8)
    by_path = features(str(folder / "net.keras"), 16, images)
    np.testing.assert_array_equal(features("net", 16, images), by_path)
    assert by_path.shape == (2, 8)


def test_it_is_cut_at_the_layer_that_is_named_and_fed_what_is_stated(folder):
    tell(folder, 'cut = "c1"\nmean = [10, 20, 30]\nscale = [0.1, 0.2, 0.3]\norder = "BGR"')
    images = np.random.default_rng(1).integers(0, 256, (2, 16, 16, 3)).astype(np.float32)
    keras = engine.keras()
    whole = keras.saving.load_model(folder / "net.keras")
    scaled = (images[..., ::-1] - [10, 20, 30]) * [0.1, 0.2, 0.3]
    expected = keras.Model(whole.input, whole.get_layer("c1").output).predict(scaled, verbose=0).mean((1, 2))
    np.testing.assert_allclose(features("net", 16, images), expected, atol=1e-4)
    assert features("net@c2", 16, images).shape == (2, 8)


def test_what_notepad_saved_beside_it_is_read(folder):
    """It puts a byte order mark first."""
    images = np.random.default_rng(1).integers(0, 256, (2, 16, 16, 3)).astype(np.uint8)
    tell(folder, "scale = 0.01")
    expected = features("net", 16, images)
    tell(folder, "\ufeffscale = 0.01")
    np.testing.assert_array_equal(features("net", 16, images), expected)


def test_other_sizes_keep_the_weights_and_none_draws_others(folder):
    tell(folder, "scale = 0.01")
    large = backbones.build("net", size=32, weights="imagenet")
    assert large.input.shape == (None, 32, 32, 3)
    same = backbones.build("net", size=16, weights="imagenet").get_weights()
    other = backbones.build("net", size=16, weights="none").get_weights()
    np.testing.assert_array_equal(large.get_weights()[0], same[0])
    assert np.abs(other[0] - same[0]).max() > 1e-3


def test_a_network_of_ours_is_cut_at_its_embedding_and_scales_itself(tmp_path):
    from raravis import models

    kind = models.options_of("basic_cnn")
    model = models.build(kind(filters=(4, 4)), classes=3, size=16)
    model.save(tmp_path / "model.keras")
    images = np.full((1, 16, 16, 3), 200, np.uint8)
    expected = engine.keras().Model(model.input, model.get_layer("embedding").output).predict(images, verbose=0)
    np.testing.assert_allclose(features(str(tmp_path / "model.keras"), 16, images), expected, atol=1e-5)


def test_the_scaling_of_a_known_network_is_known(folder):
    (folder / "net.keras").rename(folder / "mobilenet_edgetpu_small.keras")
    keras = engine.keras()
    image = keras.Input((1, 1, 3))
    model = keras.Model(image, saved.preprocess("mobilenet_edgetpu_small", image))
    ends = model.predict(np.array([[[[0] * 3]], [[[255] * 3]]], np.float32), verbose=0)[:, 0, 0, 0]
    assert ends == pytest.approx([-1.00787, 1.0], abs=1e-4)


@pytest.mark.parametrize(
    ("name", "about", "told"),
    [
        ("net", None, "Nothing says how net.keras wants its images"),
        ("net@c3", "scale = 1", "'c3'"),
        ("net", "scale = 'much'", "scale"),
        ("net", "colour = 1", "colour"),
        ("gone.keras", None, "not there"),
    ],
)
def test_what_cannot_be_used_is_told(folder, name, about, told):
    if about is not None:
        tell(folder, about)
    with pytest.raises(UsageError, match=told):
        backbones.build(name, size=16, weights="imagenet")


@pytest.fixture
def tokens(tmp_path):
    """`tokens.keras`: as many tokens as pixels, then a layer of three outputs, and one of five axes."""
    layers = engine.keras().layers
    image = engine.keras().Input((4, 4, 3))
    x = layers.Reshape((16, 3), name="tokens")(layers.Rescaling(1 / 255)(image))
    last, *_ = layers.LSTM(5, return_state=True, name="several")(x)
    volume = layers.Reshape((1, 1, 1, 5), name="volume")(last)
    engine.keras().Model(image, layers.Flatten(name="flat")(volume)).save(tmp_path / "tokens.keras")
    return tmp_path / "tokens.keras"


def test_tokens_are_averaged_wherever_they_are_used(tokens):
    from raravis import models

    images = np.random.default_rng(2).integers(0, 256, (3, 4, 4, 3)).astype(np.uint8)
    expected = images.reshape(3, 16, 3).mean(1) / 255
    np.testing.assert_allclose(features(f"{tokens}@tokens", 4, images), expected, atol=1e-6)
    options = models.options_of("frozen")(backbone=f"{tokens}@tokens")
    network = models.build(options, classes=2, size=4)
    trunk = engine.keras().Model(network.input, network.get_layer("embedding").output)
    np.testing.assert_allclose(trunk.predict(images, verbose=0), expected, atol=1e-6)


def test_layers_that_give_no_features_cannot_be_cut_at_and_others_can(tokens):
    assert backbones.extractor(f"{tokens}@flat", size=4, weights="imagenet").output.shape == (None, 5)
    with pytest.raises(UsageError, match=r"(?s)tokens\.keras.*'several', which has several outputs.*\(B, D\)"):
        backbones.build(f"{tokens}@several", size=4, weights="imagenet")
    with pytest.raises(UsageError, match=r"'volume', which has one output of shape \(None, 1, 1, 1, 5\)"):
        backbones.build(f"{tokens}@volume", size=4, weights="imagenet")


def test_a_network_of_two_inputs_is_refused(tmp_path):
    layers = engine.keras().layers
    images = [engine.keras().Input((4, 4, 3)) for _ in range(2)]
    engine.keras().Model(images, layers.Rescaling(2.0)(layers.Add()(images))).save(tmp_path / "two.keras")
    with pytest.raises(UsageError, match=r"two\.keras cannot be cut: it takes 2 inputs"):
        backbones.build(str(tmp_path / "two.keras"), size=4, weights="imagenet")


def test_weights_that_are_no_numbers_are_refused(folder):
    tell(folder, "scale = 1")
    model = engine.keras().saving.load_model(folder / "net.keras")
    model.layers[1].kernel.assign(model.layers[1].kernel * np.nan)
    model.save(folder / "net.keras")
    with pytest.raises(UsageError, match=r"net\.keras holds NaN or infinity in c1/kernel: it is damaged"):
        backbones.build("net", size=16, weights="imagenet")


def test_a_pickle_that_calls_itself_keras_is_not_opened(tmp_path):
    (tmp_path / "it.keras").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(UsageError, match=r"no \.keras file, which is a zip archive; it was not opened"):
        backbones.build(str(tmp_path / "it.keras"), size=32, weights="imagenet")


def test_a_damaged_file_and_weights_beside_it_are_refused(folder):
    tell(folder, "scale = 1")
    with pytest.raises(UsageError, match="holds its own weights"):
        backbones.build("net", size=16, weights="other.h5")
    (folder / "net.keras").write_bytes((folder / "net.keras").read_bytes()[:500])
    with pytest.raises(UsageError, match=r"net\.keras cannot be read"):
        backbones.build("net", size=16, weights="imagenet")
