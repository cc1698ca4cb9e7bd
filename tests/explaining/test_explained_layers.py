"""Which layers have maps, what they are called, and that a tapped network tells what they give."""

import numpy as np
import pytest

from raravis import engine, models
from raravis.errors import RunError, UsageError
from raravis.explaining.layers import Channel, Layer, Tap, mapped, pick, pick_channels, spread, tapped

pytestmark = pytest.mark.engine


def layer(name, side=4, channels=8, answers=True):
    return Layer(name, side, side, channels, answers)


def test_nested_layers_have_their_models_name_before_theirs(by_hand):
    found = mapped(by_hand())
    assert [x.name for x in found] == ["scale", "trunk/first", "trunk/pool", "trunk/second", "trunk/second_relu"]
    assert [(x.height, x.channels, x.answers) for x in found] == [
        (8, 3, False), (8, 4, True), (4, 4, False), (4, 6, False), (4, 6, True),
    ]  # fmt: skip


def test_a_tapped_network_tells_what_its_layers_give_and_is_the_same_network(by_hand):
    model = by_hand()
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3)).astype(np.uint8)
    inside = images[..., ::-1].astype(np.float32) / 255 - 0.5
    maps, logits = Tap(model, mapped(model))(images)
    keras = engine.keras()
    np.testing.assert_allclose(maps["scale"], images / 255, atol=1e-6)
    trunk = model.get_layer("trunk")
    for name in ("first", "second", "second_relu"):
        own = keras.Model(trunk.input, trunk.get_layer(name).output)(inside)
        np.testing.assert_allclose(maps[f"trunk/{name}"], keras.ops.convert_to_numpy(own), atol=1e-5)
    np.testing.assert_allclose(logits, keras.ops.convert_to_numpy(model(images)), atol=1e-5)


def test_what_enters_a_layer_can_be_told_too(by_hand):
    images = np.full((1, 8, 8, 3), (255, 0, 0), np.uint8)
    entering, _ = tapped(by_hand(), entering=["trunk/first"]).predict_on_batch(images)
    np.testing.assert_allclose(np.asarray(entering)[0, 0, 0], (-0.5, -0.5, 0.5), atol=1e-6)


def test_a_network_of_nan_is_refused(by_hand):
    model = by_hand()
    model.get_layer("logits").set_weights([np.full((6, 2), np.nan), np.zeros(2)])
    with pytest.raises(RunError, match="no finite numbers"):
        Tap(model, mapped(model))(np.zeros((1, 8, 8, 3), np.uint8))


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("basic_cnn", ["Conv2D", "Conv2D"]),
        ("compact_cnn", ["ReLU"] * 5),
        ("parallel_cnn", ["Conv2D", "LeakyReLU"]),
        ("parallel_cnn_improved", ["Conv2D", "LeakyReLU"]),
    ],
)
def test_the_spread_goes_from_early_to_late_through_every_size(name, kinds):
    model = models.build(models.options_of(name)(name=name), classes=3, size=64)
    chosen = spread(mapped(model))
    assert [type(model.get_layer(x.name)).__name__ for x in chosen] == kinds
    sides = [x.height for x in chosen]
    assert sides == sorted(set(sides), reverse=True)


def test_the_spread_of_a_pretrained_network_lies_in_its_backbone():
    options = models.options_of("frozen")(name="frozen", backbone="MobileNetV2", weights="none")
    model = models.build(options, classes=3, size=64)
    chosen = spread(mapped(model))
    assert (chosen[0].name, chosen[-1].name) == ("trunk/Conv1_relu", "trunk/out_relu")
    maps, logits = Tap(model, chosen)(np.zeros((2, 64, 64, 3), np.uint8))
    assert {name: values.shape for name, values in maps.items()} == {
        x.name: (2, x.height, x.width, x.channels) for x in chosen
    }
    assert logits.shape == (2, 3)


def test_the_spread_is_short_and_keeps_both_ends():
    known = [layer(str(i), side=2**i) for i in range(9, 0, -1)]
    chosen = spread(known)
    assert len(chosen) == 5
    assert (chosen[0], chosen[-1]) == (known[0], known[-1])
    assert spread([layer("plain", answers=False)]) == (layer("plain", answers=False),)


def test_names_are_picked_with_or_without_the_model_they_lie_in():
    known = (layer("conv"), layer("trunk/conv"), layer("trunk/relu"))
    assert pick(known, ["trunk/relu", " relu", "conv"]) == (known[2], known[0])
    assert pick_channels(known, ["relu:7", "trunk/conv:0", "relu:7"]) == (Channel(known[2], 7), Channel(known[1], 0))


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["rely"], r"no layer with feature maps named 'rely'\. Did you mean 'relu'\?\nKnown: relu, "),
        (["trunk/rely"], r"Did you mean 'trunk/relu'"),
        (["twice"], r"2 layers go by the name 'twice'; give one of them: a/twice, b/twice"),
    ],
)
def test_unknown_layers_are_told_with_the_nearest_first(names, told):
    known = (layer("conv"), layer("trunk/relu"), layer("a/twice"), layer("b/twice"))
    with pytest.raises(UsageError, match=told):
        pick(known, names)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("relu:8", r"no channel 8 in the layer trunk/relu.\nKnown: 8 channels, the nearest is 7"),
        ("relu", r"'relu' was not understood; layer:number was expected \(relu:0\)"),
        ("relu:-1", "not understood"),
        ("relu:x", "not understood"),
        ("conf:1", "Did you mean 'conv'"),
    ],
)
def test_channels_that_cannot_be_are_told(name, told):
    with pytest.raises(UsageError, match=told):
        pick_channels((layer("conv"), layer("trunk/relu")), [name])


def test_a_network_without_maps_is_told():
    keras = engine.keras()
    inputs = keras.Input((4, 4, 3))
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(inputs)), name="flat")
    with pytest.raises(UsageError, match="flat has no layer with feature maps"):
        mapped(model)
