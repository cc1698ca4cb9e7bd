"""Where the evidence lies: every method by name, on networks whose evidence is known."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

from raravis import engine, models
from raravis.errors import RunError, UsageError
from raravis.explaining import attribution, places, sanity
from raravis.explaining.cut import cut
from raravis.explaining.gradients import gradient
from raravis.explaining.places import Box
from raravis.models import fused, probe

pytestmark = pytest.mark.engine

METHODS = attribution.names()
CAMS = [name for name in METHODS if "cam" in name]


def peak(values):
    """Row and column of the highest place, as shares of the side."""
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    return row / len(values), column / len(values)


def in_the_corner(values):
    """Whether the evidence lies in the upper left quarter, nearly all of it."""
    half = len(values) // 2
    return max(peak(values)) < 0.45 and values[:half, :half].sum() > 0.6 * values.sum()


def tokens(size=32):
    """A network that cuts the image into tokens."""
    keras = engine.keras()
    inputs = keras.Input((size, size, 3))
    x = keras.layers.Conv2D(8, 8, strides=8)(keras.layers.Rescaling(1 / 255)(inputs))
    x = keras.layers.Reshape((-1, 8))(x)
    x = keras.layers.Dense(8, activation="tanh")(x)
    x = keras.layers.GlobalAveragePooling1D(name="embedding")(x)
    return keras.Model(inputs, keras.layers.Dense(3, name="logits")(x), name="tokens")


def test_the_methods_that_there_are():
    assert METHODS == ["grad_cam", "grad_cam_pp", "gradient", "hires_cam", "occlusion"]
    assert {attribution.DEFAULT, attribution.ANYWHERE} <= set(METHODS)
    assert all(line.endswith(".") for line in attribution.summaries().values())


@pytest.mark.parametrize("method", METHODS)
class TestEveryMethod:
    def test_the_evidence_lies_where_it_was_put(self, method, sees_red, red_corner):
        network, picture = sees_red(), red_corner()
        found = attribution.explain(network, picture, 0, method=method)
        assert found.shape == (32, 32)
        assert found.dtype == np.float32
        assert (found.min(), found.max()) == (pytest.approx(0, abs=0.5), 1)
        assert in_the_corner(found)
        turned = attribution.explain(network, picture[::-1, ::-1], 0, method=method)
        assert in_the_corner(turned[::-1, ::-1])

    def test_it_depends_on_the_family(self, method, sees_red, red_corner):
        picture = red_corner()
        picture[20:30, 20:30] = (20, 20, 230)
        ready = attribution.prepare(method, sees_red())
        assert max(peak(ready(picture, 0))) < 0.5 < min(peak(ready(picture, 1)))

    def test_it_changes_with_the_weights_and_comes_back_with_them(self, method, sees_red, red_corner):
        network, picture = sees_red(families=4), red_corner()
        ready = attribution.prepare(method, network)
        before = ready(picture, 0)
        with sanity.shuffled(network.weights, 1):
            assert sanity.alike(before, ready(picture, 0)) < 0.5
        np.testing.assert_allclose(ready(picture, 0), before, atol=1e-6)

    def test_its_places_matter_more_than_others(self, method, sees_red, red_corner):
        network = sees_red()
        found = sanity.check(network, attribution.prepare(method, network), red_corner(), 0)
        assert found.deletion < found.random_deletion
        assert found.insertion > found.random_insertion
        assert not found.faults

    def test_one_colour_has_no_places(self, method, sees_red):
        red = np.full((32, 32, 3), (200, 0, 0), np.uint8)
        found = attribution.explain(sees_red(), red, 0, method=method)
        assert not found.any()

    def test_one_family_only(self, method, sees_red, red_corner):
        found = attribution.explain(sees_red(families=1), red_corner(), 0, method=method)
        assert in_the_corner(found)

    def test_a_family_that_nothing_speaks_for(self, method, sees_red, red_corner):
        network = sees_red()
        network.get_layer("logits").set_weights([np.zeros((3, 2)), np.zeros(2)])
        assert not attribution.explain(network, red_corner(), 0, method=method).any()

    @pytest.mark.parametrize("family", [-1, 2])
    def test_an_unknown_family(self, method, sees_red, red_corner, family):
        with pytest.raises(UsageError, match=f"no family number {family}; the network has 2"):
            attribution.explain(sees_red(), red_corner(), family, method=method)

    def test_pixels_of_another_shape(self, method, sees_red):
        with pytest.raises(UsageError, match=r"uint8 \(32, 32, 3\) was expected"):
            attribution.explain(sees_red(), np.zeros((16, 32, 3), np.uint8), 0, method=method)

    def test_a_network_of_nan(self, method, sees_red, red_corner):
        network = sees_red()
        network.get_layer("logits").set_weights([np.full((3, 2), np.nan), np.zeros(2)])
        with pytest.raises(RunError, match="no finite numbers"):
            attribution.explain(network, red_corner(), 0, method=method)


def test_an_unknown_method(sees_red):
    with pytest.raises(UsageError, match="Did you mean 'grad_cam'"):
        attribution.prepare("gradcam", sees_red())


def test_hirescam_adds_up_to_the_score_of_a_network_that_pools_and_weighs(sees_red, red_corner):
    """Its faithfulness: the map's mean is the difference of both logits, as the biases are 0."""
    network, picture = sees_red(), red_corner()
    parts = cut(network)
    maps, logits = (np.asarray(x) for x in parts.front.predict_on_batch(picture[None]))
    (slope,) = gradient(parts.back)([maps], np.array([[1, -1]], np.float32))
    assert (maps * slope).sum() == pytest.approx(logits[0, 0] - logits[0, 1], rel=1e-4)
    whole = places.laid((maps * slope)[0].sum(-1), Box(), 32)
    assert whole.mean() == pytest.approx(logits[0, 0] - logits[0, 1], rel=0.02)


def test_several_backbones_and_views_are_laid_where_they_look(sees_red, red_corner):
    keras = engine.keras()
    views = ("whole", "mirrored", "top_left", "bottom_right")
    options = probe.Options(backbones=({"name": "one", "views": views}, {"name": "two", "size": 24}))
    extractors = []
    for size in (32, 24):
        network = sees_red(size)
        extractors.append(keras.Model(network.input, network.get_layer("embedding").output))
    made = probe.joined(options, extractors, size=32, head=keras.layers.Dense(2, name="logits"))
    weights = np.zeros((6, 2), np.float32)
    weights[[0, 3], 0], weights[[1, 4], 1] = 20, 20
    made.get_layer("logits").set_weights([weights, np.zeros(2)])
    network = fused.joined([made, sees_red()], [0.7, 0.3], size=32)
    parts = cut(network)
    assert [tuple(x.shape[1:]) for x in parts.front.outputs] == [(16, 16, 3)] * 4 + [(12, 12, 3), (16, 16, 3), (2,)]
    found = places.boxes(parts.frames, 32)
    ends = [(round(b.left, 2), round(b.right, 2), round(b.top, 2), round(b.bottom, 2)) for b in found]
    whole, part = (0.0, 1.0, 0.0, 1.0), 26 / 32
    assert ends == [
        whole, (1.0, 0.0, 0.0, 1.0), (0.0, round(part, 2), 0.0, round(part, 2)),
        (round(1 - part, 2), 1.0, round(1 - part, 2), 1.0), whole, whole,
    ]  # fmt: skip
    for method in CAMS:
        assert in_the_corner(attribution.explain(network, red_corner(), 0, method=method)), method


def test_it_adds_up_behind_features_of_length_1_too(sees_red, red_corner):
    keras = engine.keras()
    backbone = sees_red()
    extractor = keras.Model(backbone.input, backbone.get_layer("embedding").output)
    head = keras.layers.Dense(2, name="logits")
    network = probe.joined(probe.Options(backbones=("one",)), [extractor], size=32, head=head)
    parts = cut(network)
    maps, logits = (np.asarray(x) for x in parts.front.predict_on_batch(red_corner()[None]))
    np.testing.assert_allclose(logits, np.asarray(network.predict_on_batch(red_corner()[None])), rtol=1e-5)
    (slope,) = gradient(parts.back)([maps], np.array([[1, -1]], np.float32))
    assert (maps * slope).sum() == pytest.approx(logits[0, 0] - logits[0, 1], rel=1e-4)


@pytest.mark.parametrize(
    "name", ["basic_cnn", "compact_cnn", "modern_cnn", "parallel_cnn", "parallel_cnn_improved", "small_cnn"]
)
def test_both_parts_of_a_network_are_the_network(name):
    network = models.build(models.options_of(name)(name=name), classes=3, size=48)
    images = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 3)).astype(np.uint8)
    parts = cut(network)
    *maps, logits = (np.asarray(x) for x in parts.front.predict_on_batch(images))
    assert maps
    again = parts.back.predict_on_batch(maps[0] if len(maps) == 1 else maps)
    np.testing.assert_allclose(np.asarray(again), logits, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(logits, np.asarray(network.predict_on_batch(images)), rtol=1e-3, atol=1e-4)


def test_what_is_pooled_and_becomes_a_map_again_is_not_the_end():
    """As squeeze and excitation do."""
    keras = engine.keras()
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="early")(inputs)
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = keras.layers.Multiply()([x, keras.layers.Dense(4, activation="sigmoid")(gate)])
    x = keras.layers.Flatten()(keras.layers.Conv2D(5, 3, name="late")(x))
    assert [x.shape[1:] for x in cut(keras.Model(inputs, keras.layers.Dense(2)(x))).front.outputs] == [(4, 4, 5), (2,)]


@pytest.mark.parametrize("method", METHODS)
def test_a_network_of_tokens_has_no_maps_but_evidence(method):
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    if method in CAMS:
        with pytest.raises(UsageError, match="'gradient' or 'occlusion'"):
            attribution.prepare(method, tokens())
    else:
        assert attribution.explain(tokens(), picture, 1, method=method).max() == 1


def test_gradients_are_those_of_small_steps(by_hand):
    network = by_hand()
    image = np.random.default_rng(2).uniform(0, 255, (1, 8, 8, 3)).astype(np.float32)
    toward = np.array([[1, -0.5]], np.float32)
    (found,) = gradient(network)([image], toward)
    step = np.random.default_rng(3).normal(0, 0.5, image.shape).astype(np.float32)
    up, down = (float((np.asarray(network.predict_on_batch(image + s)) * toward).sum()) for s in (step, -step))
    assert float((found * step).sum()) == pytest.approx((up - down) / 2, rel=0.02, abs=1e-4)


@pytest.mark.parametrize("size", [16, 31])
@pytest.mark.parametrize("box", [Box(), Box(1, 0, 0, 1), Box(0.2, 1, 0, 0.8)])
def test_a_map_keeps_its_sum_wherever_it_is_laid(size, box):
    values = np.random.default_rng(0).random((5, 4)).astype(np.float32)
    laid = places.laid(values, box, size)
    assert laid.mean() == pytest.approx(values.sum(), rel=0.1)
    assert (laid > 0).mean() == pytest.approx(box.area, rel=0.15)


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_other_backends(backend, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    script = tmp_path / "other.py"
    script.write_text(OTHER)
    done = subprocess.run(
        [sys.executable, script], env={**os.environ, "KERAS_BACKEND": backend}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [backend, *METHODS]


OTHER = """
import numpy as np
from raravis import engine
from raravis.explaining import attribution, sanity
keras = engine.keras()
print(keras.backend.backend())
inputs = keras.Input((16, 16, 3))
x = keras.layers.Conv2D(2, 1, activation="relu", name="colours")(keras.layers.Rescaling(1 / 255)(inputs))
x = keras.layers.Dropout(0.9)(keras.layers.BatchNormalization()(x))
x = keras.layers.GlobalAveragePooling2D(name="embedding")(x)
network = keras.Model(inputs, keras.layers.Dense(2, name="logits")(x))
colours = np.array([[1, -0.5], [-0.5, -0.5], [-0.5, 1]], np.float32).reshape(1, 1, 3, 2)
network.get_layer("colours").set_weights([colours, np.zeros(2)])
network.get_layer("logits").set_weights([np.eye(2) * 60, np.zeros(2)])
picture = np.random.default_rng(0).integers(90, 120, (16, 16, 1)).repeat(3, axis=2).astype(np.uint8)
picture[1:5, 1:5] = (230, 20, 20)
for name in attribution.names():
    ready = attribution.prepare(name, network)
    found = ready(picture, 0)
    assert found.max() == 1 and max(np.unravel_index(found.argmax(), found.shape)) < 8, name
    with sanity.shuffled([network.get_layer("colours").kernel], 3):
        assert np.abs(ready(picture, 0) - found).max() > 0.1, name
    np.testing.assert_allclose(ready(picture, 0), found, atol=1e-5)
    print(name)
"""
