"""The contract of every model, by name, and the study's layers of basic_cnn."""

import numpy as np
import pytest

from raravis import engine, models, registry

pytestmark = pytest.mark.engine

SMALL = {name: {"weights": "none"} for name in ("frozen", "resnet50", "efficientnet_b3")}
SMALL["probe"] = {"backbones": [{"name": "MobileNetV2", "weights": "none"}]}


SMALL["zero_shot"] = {"backbone": "MobileNetV2", "weights": "none"}

OF_RUNS = {"fused"}
"""Made of finished runs, and tested with them."""


def small(name: str, size: int = 32, classes: int = 5):
    engine.keras().utils.set_random_seed(0)
    return models.build(models.options_of(name)(**SMALL.get(name, {})), classes=classes, size=size)


@pytest.mark.parametrize("name", sorted(set(registry.names("raravis.models")) - OF_RUNS))
class TestContract:
    def test_logits_and_embedding(self, name):
        model = small(name)
        assert model.output.shape == (None, 5)
        assert model.layers[-1].name == "logits"
        assert model.get_layer("logits").get_config()["activation"] == "linear"
        assert len(model.get_layer("embedding").output.shape) == 2

    def test_uint8_and_float_in_the_same_range_agree(self, name):
        model = small(name)
        images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
        whole = model.predict(images, verbose=0)
        assert whole.dtype == np.float32
        np.testing.assert_allclose(whole, model.predict(images.astype(np.float32), verbose=0), atol=1e-4)

    def test_saved_and_loaded_agree(self, name, tmp_path):
        model = small(name)
        images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
        model.save(tmp_path / "model.keras")
        loaded = engine.keras().saving.load_model(tmp_path / "model.keras", compile=False)
        np.testing.assert_allclose(loaded.predict(images, verbose=0), model.predict(images, verbose=0), atol=1e-4)

    def test_the_seed_decides_the_weights(self, name):
        for mine, theirs in zip(small(name).get_weights(), small(name).get_weights(), strict=True):
            np.testing.assert_array_equal(mine, theirs)

    def test_something_learns(self, name):
        assert small(name).trainable_variables


def test_basic_cnn_is_the_study_layer_by_layer():
    model = small("basic_cnn", size=224, classes=202)
    kinds = [type(layer).__name__ for layer in model.layers]
    block = ["Conv2D", "BatchNormalization", "MaxPooling2D"]
    assert kinds == ["InputLayer", "Rescaling", *block, *block, "Flatten", "Dropout", "Dense"]
    assert model.get_layer("embedding").output.shape == (None, 54 * 54 * 64)
    assert next(layer.rate for layer in model.layers if type(layer).__name__ == "Dropout") == 0.5
    assert all(layer.activation.__name__ == "relu" for layer in model.layers if type(layer).__name__ == "Conv2D")
    dense = 54 * 54 * 64 * 202 + 202
    convolutions = (3 * 3 * 3 * 32 + 32) + (3 * 3 * 32 * 64 + 64)
    norms = 4 * 32 + 4 * 64
    assert model.count_params() == dense + convolutions + norms


def test_frozen_leaves_only_the_last_layer_to_learn():
    model = small("frozen")
    assert [v.path for v in model.trainable_variables] == ["logits/kernel", "logits/bias"]
    assert model.get_layer("embedding").output.shape == (None, 1280)
