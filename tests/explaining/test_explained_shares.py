"""What each place adds to each logit: against sums that are known, against gradients, and where it cannot be told."""

import numpy as np
import pytest

from raravis import engine, models
from raravis.explaining import attribution, shares
from raravis.explaining.attribution._score import direction
from raravis.explaining.cut import cut
from raravis.explaining.gradients import gradient
from raravis.judge.calibration import Calibration
from raravis.learn.trust import with_calibration
from raravis.models import fused

pytestmark = pytest.mark.engine
SIZE, CLASSES = 48, 4
IMAGES = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)


@pytest.fixture(scope="module")
def keras():
    return engine.keras()


def network(name="compact_cnn", seed=0, **options):
    engine.keras().utils.set_random_seed(seed)
    small = {"compact_cnn": {"filters": [8, 12]}, "basic_cnn": {"filters": [4, 6]}}.get(name, {})
    return models.build(models.options_of(name)(**{**small, **options}), classes=CLASSES, size=SIZE)


def views(keras, seed=0):
    """Two views of a small backbone, each averaged and brought to length 1, and a head with a hidden layer."""
    keras.utils.set_random_seed(seed)
    inner = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Rescaling(1 / 255)(inner)
    x = keras.layers.Conv2D(6, 5, strides=4, activation="relu")(x)
    backbone = keras.Model(inner, keras.layers.GlobalAveragePooling2D()(x), name="backbone_1")
    image = keras.Input((SIZE, SIZE, 3))
    whole, mirrored = backbone(image), backbone(image[:, :, ::-1])
    block = keras.layers.UnitNormalization()(keras.layers.Average()([whole, mirrored]))
    x = keras.layers.Identity(name="embedding")(
        keras.layers.Concatenate()([block, keras.layers.UnitNormalization()(whole)])
    )
    x = keras.layers.Dropout(0.5)(keras.layers.BatchNormalization()(keras.layers.Dense(9, activation="relu")(x)))
    return keras.Model(image, keras.layers.Dense(CLASSES, name="logits")(x), name="probe")


def told(model):
    plan, why = shares.plan(model)
    assert not why
    return [np.asarray(engine.keras().ops.convert_to_numpy(one)) for one in plan.told(IMAGES.astype(np.float32))]


@pytest.mark.parametrize("name", ["compact_cnn", "parallel_cnn_improved"])
def test_the_shares_of_all_places_sum_to_the_logits_less_the_bias(name):
    model = network(name)
    model.get_layer("logits").bias.assign(np.arange(CLASSES, dtype=np.float32))
    logits, embedding, evidence = told(model)
    np.testing.assert_allclose(logits, model.predict_on_batch(IMAGES), atol=1e-5)
    assert embedding.shape == (3, *model.get_layer("embedding").output.shape[1:])
    assert evidence.shape[1] == evidence.shape[2] > 1
    np.testing.assert_allclose(evidence.sum((1, 2)) + np.arange(CLASSES), logits, atol=1e-4)


def test_places_stay_where_they_are():
    image = IMAGES.astype(np.float32)
    plan, _ = shares.plan(network("basic_cnn"))
    before = np.asarray(plan.told(image)[2])
    image[:, : SIZE // 4, SIZE // 2 :] = 0
    changed = np.abs(np.asarray(plan.told(image)[2]) - before).sum((0, 3))
    half = len(changed) // 2
    assert changed[: half // 2, half:].min() > 0
    assert not changed[half + 1 :].any()
    assert not changed[:, : half - 2].any()


@pytest.mark.parametrize("kind", ["temperature", "vector"])
def test_it_is_hires_cam_of_every_family(kind):
    model = network()
    weights = {"plain": None, "temperature": np.array(1.7), "vector": np.linspace(0.5, 2, CLASSES)}[kind]
    if weights is not None:
        weights = weights.astype(np.float32)
        model = with_calibration(model, Calibration(kind, weights, np.ones(CLASSES, np.float32)))
    logits, _, evidence = told(model)
    parts = cut(model)
    maps, _ = (np.asarray(one) for one in parts.front.predict_on_batch(IMAGES))
    slope = gradient(parts.back)
    for family in range(CLASSES):
        along = direction(logits, family)
        (by_gradient,) = slope([maps], along)
        np.testing.assert_allclose(
            np.einsum("bhwk,bk->bhw", evidence, along), (maps * by_gradient).sum(-1), atol=1e-5, rtol=1e-4
        )


def test_views_lengths_and_hidden_layers_are_laid_over_each_other(keras):
    model = views(keras)
    logits, _, evidence = told(model)
    side = evidence.shape[1]
    for number in range(2):
        mine = evidence[number] @ direction(logits[number : number + 1], 1)[0]
        theirs = attribution.prepare("hires_cam", model)(IMAGES[number], 1)
        coarse = theirs.reshape(side, SIZE // side, side, SIZE // side).mean((1, 3)) if SIZE % side == 0 else None
        mine = np.maximum(mine, 0)
        if coarse is None:
            places = (np.arange(side) * SIZE / side + SIZE / side / 2).astype(int)
            coarse = theirs[np.ix_(places, places)]
        assert np.corrcoef(mine.ravel(), coarse.ravel())[0, 1] > 0.97


def test_runs_that_are_joined_share_one_map(keras):
    first, second = network(), network("basic_cnn", seed=1)
    model = fused.joined([first, views(keras)], [0.7, 0.4], size=SIZE)
    _, embedding, evidence = told(model)
    assert evidence.shape[-1] == CLASSES
    assert embedding.shape[1] == model.get_layer("embedding").output.shape[1]
    logits, _, flat = told(fused.joined([first, second], [0.7, 0.4], size=SIZE))
    shares_of = [np.log(np.exp(one) / np.exp(one).sum(1, keepdims=True)) for one in map(_logits, (first, second))]
    np.testing.assert_allclose(logits, 0.7 * shares_of[0] + 0.4 * shares_of[1], atol=1e-4)
    assert flat.shape[-1] == CLASSES


def _logits(model):
    return model.predict_on_batch(IMAGES)


def test_where_it_cannot_be_told_it_says_why(keras):
    image = keras.Input((SIZE, SIZE, 3))
    maps = keras.layers.Conv2D(4, 3)(image)
    best = keras.layers.GlobalMaxPooling2D(name="embedding")(maps)
    plan, why = shares.plan(keras.Model(image, keras.layers.Dense(CLASSES, name="logits")(best)))
    assert plan is None
    assert "GlobalMaxPooling2D" in why
    pooled = keras.layers.GlobalAveragePooling2D(name="embedding")(maps)
    odd = keras.layers.Dense(5, activation="gelu")(pooled)
    _, why = shares.plan(keras.Model(image, keras.layers.Dense(CLASSES, name="logits")(odd)))
    assert "gelu" in why
    flat = keras.layers.Flatten()(keras.layers.Resizing(1, 1)(image))
    x = keras.layers.Identity(name="embedding")(flat)
    plan, why = shares.plan(keras.Model(image, keras.layers.Dense(CLASSES, name="logits")(x)))
    assert plan is None
    assert why
