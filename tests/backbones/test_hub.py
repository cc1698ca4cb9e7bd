"""Networks of keras-hub: built at their published sizes, filled from files, refused where those are others'."""

from dataclasses import replace

import numpy as np
import pytest

from raravis import backbones, engine
from raravis.backbones import hub
from raravis.errors import OfflineError, UsageError

pytest.importorskip("keras_hub", reason="the extra 'hub' is not installed")
pytestmark = pytest.mark.engine

ONE_OF_EACH = ("clip_vit_base_patch16", "siglip_base_patch16_224", "dinov2_small", "dinov3_vit_small_lvd1689m")
EACH = (*ONE_OF_EACH, "vit_base_patch16_224_imagenet")


@pytest.fixture
def tiny(monkeypatch):
    """The same kinds of networks with two blocks, one head, and images of two by two patches."""
    small = {
        name: replace(preset, layers=2, width=64, size=2 * preset.patch, text=preset.text and (64, 2, 50))
        for name, preset in hub.PRESETS.items()
    }
    monkeypatch.setattr(hub, "PRESETS", small)
    return small


def whole(name):
    preset = hub.PRESETS[name]
    import keras_hub

    return hub._FAMILIES[preset.family].make(keras_hub.models, preset, preset.size)


@pytest.mark.parametrize("name", EACH)
def test_features_of_weights_from_a_file(tiny, name, tmp_path, monkeypatch):
    engine.keras().utils.set_random_seed(1)
    net = whole(name)
    folder = tmp_path / name
    folder.mkdir()
    net.save_weights(folder / hub.WEIGHTS)
    size = tiny[name].size
    images = np.random.default_rng(0).integers(0, 256, (3, size, size, 3)).astype(np.uint8)
    made = backbones.extractor(name, size=size, weights=str(folder / hub.WEIGHTS)).predict(images, verbose=0)
    assert made.shape == (3, 64)
    assert len(np.unique(made.round(4), axis=0)) == 3
    other = backbones.extractor(name, size=size, weights="none").predict(images, verbose=0)
    assert np.abs(made - other).max() > 1e-3
    assert name not in backbones.at_hand()
    monkeypatch.setenv("RARAVIS_WEIGHTS", str(tmp_path))
    assert name in backbones.at_hand()
    again = backbones.extractor(name, size=size, weights="imagenet").predict(images, verbose=0)
    np.testing.assert_allclose(again, made, atol=1e-5)


def test_dino_takes_other_sizes_and_the_rest_says_which(tiny):
    for name in EACH:
        size = tiny[name].size
        if "dino" in name:
            assert backbones.build(name, size=2 * size, weights="none").output.shape == (None, 64)
            with pytest.raises(UsageError, match=f"a multiple of {tiny[name].patch}"):
                backbones.build(name, size=size + 1, weights="none")
        else:
            with pytest.raises(UsageError, match=f"; {size} was expected"):
                backbones.build(name, size=2 * size, weights="none")


def test_weights_of_another_and_damaged_ones_are_refused(tiny, tmp_path):
    name, other = "dinov2_small", "vit_base_patch16_224_imagenet"
    file = tmp_path / hub.WEIGHTS
    whole(other).save_weights(file)
    with pytest.raises(UsageError, match="does not hold weights of dinov2_small"):
        backbones.build(name, size=tiny[name].size, weights=str(file))
    broken = whole(name)
    broken.weights[0].assign(broken.weights[0] * np.nan)
    broken.save_weights(tmp_path / "nan.weights.h5")
    with pytest.raises(UsageError, match=r"nan\.weights\.h5 holds NaN or infinity"):
        backbones.build(name, size=tiny[name].size, weights=str(tmp_path / "nan.weights.h5"))
    file.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(50))
    with pytest.raises(UsageError, match="does not hold weights"):
        backbones.build(name, size=tiny[name].size, weights=str(file))
    with pytest.raises(UsageError, match="is not there"):
        backbones.build(name, size=tiny[name].size, weights=str(tmp_path / "none.h5"))
    (tmp_path / "net.pkl").write_bytes(b"x")
    with pytest.raises(UsageError, match="no weight file that raravis reads"):
        backbones.build(name, size=tiny[name].size, weights=str(tmp_path / "net.pkl"))


def test_offline_says_what_to_do(tiny, monkeypatch):
    def down(*_, **__):
        raise ConnectionError("no network")

    monkeypatch.setattr("kagglehub.model_download", down)
    with pytest.raises(OfflineError, match="into the folder dinov2_small in RARAVIS_WEIGHTS"):
        backbones.build("dinov2_small", size=28, weights="imagenet")


def test_every_preset_is_one_that_keras_hub_knows():
    import keras_hub

    for name, preset in hub.PRESETS.items():
        assert name in getattr(keras_hub.models, hub._FAMILIES[preset.family].kind).presets
