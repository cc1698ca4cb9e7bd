"""Backbones: all of Keras' applications, each fed what it was trained on, from weights that are told apart."""

import numpy as np
import pytest

from raravis import backbones, engine
from raravis.backbones._weights import find
from raravis.errors import OfflineError, UsageError

pytestmark = pytest.mark.engine

EXPECTED = {  # what a white and a black pixel become: from the papers' own preprocessing
    "MobileNetV2": (1.0, -1.0),
    "ResNet50V2": (1.0, -1.0),
    "EfficientNetB3": (255.0, 0.0),
    "ConvNeXtBase": (255.0, 0.0),
    "DenseNet121": ((1 - 0.406) / 0.225, -0.406 / 0.225),
    "ResNet50": (255 - 123.68, -123.68),
}


def test_all_of_keras_applications_are_there():
    found = backbones.names()
    assert len(found) >= 38
    assert {
        "ConvNeXtBase",
        "EfficientNetV2B1",
        "MobileNetV3Large",
        "NASNetMobile",
        "VGG16",
        "Xception",
    } <= set(found)


@pytest.mark.parametrize("name", EXPECTED)
def test_preprocessing_is_the_backbones_own(name):
    keras = engine.keras()
    image = keras.Input((2, 2, 3))
    model = keras.Model(image, backbones.preprocess(name, image))
    pixels = np.stack([np.full((2, 2, 3), 255, np.float32), np.zeros((2, 2, 3), np.float32)])
    white, black = model.predict(pixels, verbose=0)[:, 0, 0, -1]
    assert (white, black) == pytest.approx(EXPECTED[name], abs=1e-3)


@pytest.mark.parametrize("name", ["MobileNetV2", "MobileNetV3Small", "EfficientNetV2B0"])
def test_it_can_be_kept_and_read_again(name, tmp_path):
    model = backbones.extractor(name, size=32, weights="none")
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    before = model.predict(images, verbose=0)
    assert before.shape[1] >= 500
    model.save(tmp_path / "it.keras")
    again = engine.keras().saving.load_model(tmp_path / "it.keras", compile=False)
    np.testing.assert_allclose(again.predict(images, verbose=0), before, atol=1e-5)


def test_an_unknown_backbone_names_the_nearest_and_what_lists_all():
    with pytest.raises(UsageError) as told:
        backbones.build("mobilenet-v4", size=32, weights="none")
    assert "MobileNetV2" in str(told.value)
    assert "`raravis backbones` lists all" in str(told.value)
    assert "Xception" not in str(told.value), "the nearest alone"
    with pytest.raises(UsageError, match=r"'zzz'\.\n`raravis backbones` lists all"):
        backbones.build("zzz", size=32, weights="none")


@pytest.mark.parametrize(
    ("given", "listed"),
    [
        ("mobilenet-v2", "MobileNetV2"),
        ("EFFICIENTNET_B3", "EfficientNetB3"),
        ("bioclip-2", "bioclip2"),
        ("BioCLIP", "bioclip"),
        ("DINOv2-small", "dinov2_small"),
        ("MobileNetV2", "MobileNetV2"),
        ("mobilenet-v4", "mobilenet-v4"),
        ("runs/Mobile-Net-V2.keras@out", "runs/Mobile-Net-V2.keras@out"),
    ],
)
def test_a_name_is_known_in_any_spelling(given, listed):
    assert backbones.canonical(given) == listed


def test_what_is_asked_in_another_spelling_is_the_same():
    model = backbones.build("mobilenet-v2", size=32, weights="none")
    assert model.name == backbones.build("MobileNetV2", size=32, weights="none").name
    assert backbones.patch("BioCLIP-2") == backbones.patch("bioclip2") == 14
    image = engine.keras().Input((2, 2, 3))
    assert backbones.preprocess("mobilenet-v2", image).shape == (None, 2, 2, 3)


def test_a_size_that_a_backbone_cannot_take_is_told():
    with pytest.raises(UsageError, match=r"(?s)InceptionV3.*16.*data\.size"):
        backbones.build("InceptionV3", size=16, weights="none")


@pytest.fixture
def weight_file(tmp_path):
    file = tmp_path / "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
    model = engine.keras().applications.MobileNetV2(weights=None, include_top=False, input_shape=(32, 32, 3))
    weights = tmp_path / "mobilenetv2_notop.weights.h5"
    model.save_weights(weights)
    weights.rename(file.with_name(file.stem + ".weights.h5"))
    return file.with_name(file.stem + ".weights.h5"), model


def test_weights_come_from_a_file_and_from_the_folder(weight_file, monkeypatch):
    file, source = weight_file
    monkeypatch.setenv("RARAVIS_WEIGHTS", str(file.parent))
    for weights in (str(file), "imagenet"):
        built = backbones.build("MobileNetV2", size=32, weights=weights)
        np.testing.assert_array_equal(built.get_weights()[0], source.get_weights()[0])


@pytest.mark.parametrize(
    ("file", "owner"),
    [
        ("mobilenet_v2_weights_tf_kernels_1.0_224_no_top.h5", "MobileNetV2"),
        ("mobilenet_1_0_224_tf_no_top.h5", "MobileNet"),
        ("weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5", "MobileNetV3Large"),
        ("resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5", "ResNet50V2"),
        ("resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5", "ResNet50"),
        ("efficientnetv2-b1_notop.h5", "EfficientNetV2B1"),
        ("efficientnetb3_notop.h5", "EfficientNetB3"),
        ("NASNet-mobile-no-top.h5", "NASNetMobile"),
    ],
)
def test_a_file_belongs_to_one_backbone(file, owner, tmp_path, monkeypatch):
    monkeypatch.setenv("RARAVIS_WEIGHTS", str(tmp_path))
    (tmp_path / file).touch()
    names = list(backbones.names())
    assert {name for name in names if find(name, names)} == {owner}


def test_files_with_a_top_are_passed_over(tmp_path, monkeypatch):
    monkeypatch.setenv("RARAVIS_WEIGHTS", str(tmp_path))
    (tmp_path / "mobilenetv2_1.0_224_imagenet_full.weights.h5").touch()
    assert find("MobileNetV2", list(backbones.names())) is None


@pytest.mark.parametrize("content", [b"", b"text", b"\x89HDF\r\n\x1a\n" + b"\0" * 64])
def test_a_damaged_file_is_one_clear_error(content, tmp_path):
    file = tmp_path / "broken.weights.h5"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="does not hold weights of MobileNetV2"):
        backbones.build("MobileNetV2", size=32, weights=str(file))


def test_weights_of_another_architecture_are_refused(weight_file):
    with pytest.raises(UsageError, match="does not hold weights of VGG16"):
        backbones.build("VGG16", size=32, weights=str(weight_file[0]))


@pytest.mark.parametrize("number", [np.nan, -np.inf])
def test_weights_that_are_no_numbers_are_refused(weight_file, number):
    file, model = weight_file
    values = model.get_weights()
    values[-1][3] = number
    model.set_weights(values)
    model.save_weights(file)
    with pytest.raises(UsageError, match=rf"{file.name} holds NaN or infinity in \S+: it is damaged"):
        backbones.build("MobileNetV2", size=32, weights=str(file))


@pytest.mark.parametrize("name", ["gone.h5", "weights.pt"])
def test_no_file_or_a_format_that_could_execute(name, tmp_path):
    if name.endswith(".pt"):
        (tmp_path / name).touch()
    with pytest.raises(UsageError, match=name):
        backbones.build("MobileNetV2", size=32, weights=str(tmp_path / name))


def test_offline_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.delenv("RARAVIS_WEIGHTS", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")  # nothing listens there
    with pytest.raises(OfflineError, match=r"(?s)MobileNetV2.*RARAVIS_WEIGHTS"):
        backbones.build("MobileNetV2", size=224, weights="imagenet")
