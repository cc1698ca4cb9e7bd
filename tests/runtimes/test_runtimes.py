"""Runtimes: each gives what Keras gives, whatever stands in the network, and says clearly when it cannot."""

import gc
import os
import subprocess
import sys
import weakref

import numpy as np
import pytest

from raravis import engine, runtimes
from raravis.errors import UsageError
from raravis.runtimes import onnxruntime, openvino

pytestmark = pytest.mark.engine

OTHERS = ("onnxruntime", "openvino")
SIDE = 16


def at_hand(name: str) -> None:
    if name not in runtimes.at_hand():
        pytest.skip(f"the runtime {name} is not installed")
    if name != "keras" and engine.keras().backend.backend() != "tensorflow":
        pytest.skip("conversion starts from the TensorFlow backend")


def pixels(count: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, SIDE, SIDE, 3)).astype(dtype)


def network(activation: str = "relu"):
    """All that networks at hand are made of, small: constants, normalization, padding, groups, residue, pooling."""
    keras = engine.keras()
    layers = keras.layers
    image = keras.Input((SIDE, SIDE, 3), name="image")
    x = image[..., ::-1] - keras.ops.convert_to_tensor(np.array([103.9, 116.8, 123.7], np.float32))
    x = layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[900.0, 950.0, 1000.0])(x)
    x = layers.ZeroPadding2D(1)(x)
    x = skip = layers.Conv2D(8, 3, strides=2, activation=activation)(x)
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.Conv2D(8, 3, padding="same", groups=4)(x)
    x = layers.BatchNormalization()(x)
    x = layers.Activation(activation)(layers.Add()([x, skip]))
    trunk = keras.Model(image, x, name="trunk")
    outer = keras.Input((SIDE, SIDE, 3), name="image")
    model = keras.Model(outer, layers.GlobalAveragePooling2D()(trunk(outer)))
    random = np.random.default_rng(0)
    model.set_weights([w + random.uniform(0, 0.5, w.shape).astype(np.float32) for w in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def model():
    return network()


@pytest.fixture(scope="module")
def runners(model):
    return {}


def runner(runners, model, name: str):
    """Converted once for all tests of this file."""
    at_hand(name)
    if name not in runners:
        runners[name] = runtimes.prepare(name, model)
    return runners[name]


def test_keras_is_always_there():
    assert set(runtimes.names()) >= {"keras", *OTHERS}
    assert "keras" in runtimes.at_hand()


@pytest.mark.parametrize("name", ["keras", *OTHERS])
@pytest.mark.parametrize(("count", "dtype"), [(1, np.uint8), (17, np.uint8), (40, np.float32), (0, np.uint8)])
def test_features_are_those_of_keras(runners, model, name, count, dtype):
    images = pixels(count, dtype)
    features = runner(runners, model, name)(images)
    assert features.dtype == np.float32
    assert features.shape == (count, 8)
    if count:
        wanted = np.asarray(model.predict_on_batch(images))
        np.testing.assert_allclose(features, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["keras", *OTHERS])
def test_features_of_one_call_outlive_the_next(runners, model, name):
    call = runner(runners, model, name)
    first = call(pixels(3))
    kept = first.copy()
    call(pixels(4))
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("name", OTHERS)
def test_an_exact_gelu_is_converted(name):
    at_hand(name)
    model = network("gelu")
    images = pixels(2)
    features = runtimes.prepare(name, model)(images)
    np.testing.assert_allclose(features, model.predict_on_batch(images), rtol=1e-4, atol=1e-4)


def test_constants_of_a_network_are_no_inputs_of_its_onnx_file(model, tmp_path):
    at_hand("onnxruntime")
    import onnx

    onnxruntime.write(model, tmp_path / "network.onnx")
    graph = onnx.load(tmp_path / "network.onnx").graph
    assert len(graph.input) == 1
    shape = [dim.dim_value for dim in graph.input[0].type.tensor_type.shape.dim]
    assert shape == [0, SIDE, SIDE, 3], "the first axis is open"


def test_what_a_conversion_drops_is_freed_before_it_ends_and_collection_is_then_as_before():
    class Copy:
        def __init__(self):
            self.itself = self

    before = gc.get_threshold()
    with onnxruntime._soon_collected():
        copies = [Copy() for _ in range(100)]
        dropped = [weakref.ref(one) for one in copies]
        gc.collect()  # what outlives this is old, and is looked at seldom
        copies.clear()
        further = [[] for _ in range(8 * before[0])]
        assert not any(one() for one in dropped)
        assert further
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_keras_in_mixed_precision_is_near(model, precision):
    images = pixels(4)
    wanted = model.predict_on_batch(images)
    features = runtimes.prepare("keras", model, precision=precision)(images)
    assert features.dtype == np.float32
    assert 1e-5 < np.linalg.norm(features - wanted) / np.linalg.norm(wanted) < 0.05
    np.testing.assert_array_equal(model.predict_on_batch(images), wanted)


def test_openvino_computes_in_what_the_processor_has(model):
    at_hand("openvino")
    able = openvino.precisions()
    assert able[0] == "float32"
    images = pixels(4)
    wanted = model.predict_on_batch(images)
    for precision in runtimes.PRECISIONS[1:]:
        if precision in able:
            features = runtimes.prepare("openvino", model, precision=precision)(images)
            assert 1e-5 < np.linalg.norm(features - wanted) / np.linalg.norm(wanted) < 0.05
        else:
            with pytest.raises(UsageError, match=rf"float32.* not in {precision}"):
                runtimes.prepare("openvino", model, precision=precision)


def test_a_precision_that_a_runtime_has_not(model):
    at_hand("onnxruntime")
    with pytest.raises(UsageError, match="float32, not in bfloat16"):
        runtimes.prepare("onnxruntime", model, precision="bfloat16")


def test_words_that_name_nothing(model):
    with pytest.raises(UsageError, match=r"(?s)'onnx'.*onnxruntime"):
        runtimes.prepare("onnx", model)
    with pytest.raises(UsageError, match=r"(?s)'bf16'.*bfloat16"):
        runtimes.prepare("keras", model, precision="bf16")


@pytest.mark.parametrize(("module", "extra"), [(onnxruntime, "onnx"), (openvino, "openvino")])
def test_what_is_not_installed_says_how_to_install_it(module, extra, model, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    name = module.__name__.rpartition(".")[2]
    assert name not in runtimes.at_hand()
    with pytest.raises(UsageError, match=rf"(?s)not installed.*raravis\[{extra}\]"):
        runtimes.prepare(name, model)


@pytest.mark.parametrize("name", OTHERS)
def test_another_backend_is_told(name, model):
    if name not in runtimes.at_hand() or engine.keras().backend.backend() == "tensorflow":
        pytest.skip("holds where another backend runs and the runtime is installed")
    with pytest.raises(UsageError, match="from the TensorFlow backend"):
        runtimes.prepare(name, model)


def test_what_a_converter_raises_becomes_one_clear_error(model, monkeypatch):
    def convert(model):
        raise RuntimeError("\n  No translation for Frobnicate\nmore")

    monkeypatch.setattr(onnxruntime, "convert", convert)
    monkeypatch.setattr(onnxruntime, "available", lambda: True)
    with pytest.raises(UsageError, match=r"onnxruntime cannot run this network: No translation for Frobnicate\nTake"):
        runtimes.prepare("onnxruntime", model)


def test_an_operation_that_onnx_has_not_is_named():
    at_hand("onnxruntime")
    keras = engine.keras()
    image = keras.Input((SIDE, SIDE, 3))
    features = keras.ops.erfinv(keras.layers.GlobalAveragePooling2D()(image) / 300)
    with pytest.raises(UsageError, match="ONNX knows no operation Erfinv"):
        runtimes.prepare("onnxruntime", keras.Model(image, features))


def test_openvino_reports_to_nobody(tmp_path):
    at_hand("openvino")
    script = "import sys; from raravis.runtimes import openvino; openvino.precisions(); print(sorted(sys.modules))"
    home = os.environ | {"HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=home, capture_output=True, text=True, check=True)
    assert "'openvino'" in done.stdout
    assert "'openvino_telemetry" not in done.stdout
    assert not list(tmp_path.iterdir())


def test_asking_for_names_loads_nothing_heavy():
    script = "import sys; from raravis import runtimes; runtimes.at_hand(); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {"'keras'", "'pandas'", "'tensorflow'", "'onnx'", "'tf2onnx'", "'onnxruntime'", "'openvino'"}
    assert not heavy & set(done.stdout.strip("[]\n").split(", "))
