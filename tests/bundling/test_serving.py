"""Every model by name becomes an ONNX file that says the same; heads and calibrations too."""

import numpy as np
import pytest
from scipy.special import softmax

from raravis import engine, heads, models, registry
from raravis.bundling import parity
from raravis.bundling.serving import serving
from raravis.judge.calibration import Calibration
from raravis.judge.novelty import Seen
from raravis.learn.infer import seeing
from raravis.learn.trust import with_calibration
from raravis.models import fused
from raravis.runtimes import onnxruntime
from raravis.serve.folder import MODEL, Folder, entry
from raravis.serve.network import Network

pytestmark = pytest.mark.engine

SIZE, CLASSES = 32, 5
IMAGES = np.random.default_rng(0).integers(0, 256, (5, SIZE, SIZE, 3), np.uint8)
OPTIONS = {
    "frozen": {"weights": "none"},
    "resnet50": {"weights": "none"},
    "efficientnet_b3": {"weights": "none"},
    "zero_shot": {"backbone": "MobileNetV2", "weights": "none"},
    "probe": {
        "backbones": [{"name": "MobileNet", "weights": "none", "size": 48, "views": ["whole", "mirrored", "top_left"]}]
    },
    "patches": {
        "scales": [{"size": 32, "pool": 4}, {"size": 24, "pool": 2}],
        "filters": 12,
        "depth": 8,
        "words": 4,
        "grid": [1, 2],
        "width": 16,
    },
    "compact_cnn": {"filters": [8, 12]},
    "basic_cnn": {"filters": [4, 6]},
}


def network(name, **options):
    engine.keras().utils.set_random_seed(0)
    return models.build(models.options_of(name)(**OPTIONS.get(name, {}), **options), classes=CLASSES, size=SIZE)


def opened(model, path):
    """The model as a bundle's network, and why it tells no evidence."""
    served, why = serving(model)
    onnxruntime.write(served, path / MODEL, outputs=("logits", "embedding", "evidence")[: len(served.outputs)])
    names = tuple(f"f{number}" for number in range(CLASSES))
    held = Folder(path, {"digests": {MODEL: entry(path / MODEL)}}, "", names, SIZE, "squash")
    return Network.open(held, MODEL, threads=1), why


def agrees(model, path):
    made, why = opened(model, path)
    logits, embedding = made(IMAGES, ("logits", "embedding"))
    own: Seen = seeing(model)(IMAGES)
    found = parity.compared(own, logits, embedding, "noise")
    parity.demand(found, "network")
    np.testing.assert_allclose(logits, own.logits, atol=1e-3 * max(1, np.abs(own.logits).max()))
    return made, why


@pytest.mark.parametrize("name", sorted(set(registry.names("raravis.models")) - {"fused"}))
def test_every_model_says_the_same_as_onnx_and_tells_where(name, tmp_path):
    model = network(name)
    made, why = agrees(model, tmp_path)
    if min(model.get_layer("embedding").output.shape[1:]) and made.places is not None:
        logits, evidence = made(IMAGES, ("logits", "evidence"))
        np.testing.assert_allclose(evidence.sum((1, 2)), logits, atol=1e-3 * max(1, np.abs(logits).max()))
    else:
        assert why, "a pretrained backbone has one place left of so small an image"


def test_runs_that_are_joined_and_calibrated(tmp_path):
    first = with_calibration(
        network("compact_cnn"), Calibration("temperature", np.array(1.4, np.float32), np.zeros(CLASSES, np.float32))
    )
    matrix = np.eye(CLASSES, dtype=np.float32) + 0.1
    second = with_calibration(
        network("small_cnn"), Calibration("dirichlet", matrix, np.arange(CLASSES, dtype=np.float32))
    )
    made, why = agrees(fused.joined([first, second], [0.7, 0.5], size=SIZE), tmp_path)
    assert not why
    assert made.places is not None


@pytest.mark.parametrize("name", heads.names())
def test_every_head(name, tmp_path):
    rng = np.random.default_rng(0)
    keras = engine.keras()
    features, classes = rng.normal(size=(60, 12)).astype(np.float32), np.arange(60) % CLASSES
    own = heads.candidates([name])[0]
    quick = own.model_copy(update={"steps": 2}) if hasattr(own, "steps") else own
    head = heads.fit(quick, features, classes, count=CLASSES, seed=0)
    image = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Conv2D(12, 5, strides=4)(keras.layers.Rescaling(1 / 255)(image))
    x = keras.layers.Identity(name="embedding")(keras.layers.GlobalAveragePooling2D()(x))
    made, why = agrees(keras.Model(image, head.join(x)), tmp_path)
    assert (made.places is None) == bool(why)
    assert made.places is not None or name == "knn"


def test_nearest_copies_vote_in_a_bundle_as_where_the_head_was_judged(tmp_path):
    keras = engine.keras()
    keras.utils.set_random_seed(0)
    image = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Conv2D(12, 5, strides=4)(keras.layers.Rescaling(1 / 255)(image))
    x = keras.layers.Identity(name="embedding")(keras.layers.GlobalMaxPooling2D()(x))
    features = keras.Model(image, x).predict(IMAGES, verbose=0)
    copies, classes = np.tile(features, (3, 1)), np.arange(3 * len(IMAGES)) % CLASSES
    classes[: len(IMAGES)] = 0
    (options,) = heads.candidates([{"name": "knn", "neighbours": 2}])
    head = heads.fit(options, copies, classes, count=CLASSES, seed=0)
    made, _ = agrees(keras.Model(image, head.join(x)), tmp_path)
    (logits,) = made(IMAGES, ("logits",))
    np.testing.assert_allclose(softmax(logits, axis=1), softmax(head.logits(features), axis=1), atol=1e-4)


def test_evidence_is_not_computed_unless_asked_for(tmp_path):
    made, _ = opened(network("compact_cnn"), tmp_path)
    assert [one.shape[1:] for one in made(IMAGES, ("logits",))] == [(CLASSES,)]
    assert made.options.only_execute_path_to_fetches
