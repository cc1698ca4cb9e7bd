"""The learner: the network behind its augmentation, with targets blended where pairs are."""

import numpy as np
import pytest

from raravis import augmentations, engine, models
from raravis.learn.learner import Learner

pytestmark = pytest.mark.engine


@pytest.fixture
def network():
    engine.keras().utils.set_random_seed(0)
    return models.build(models.options_of("small_cnn")(filters=(2, 2)), classes=3, size=16)


IMAGES = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
TARGETS = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2]]


def compiled(learner, loss="from_logits"):
    keras = engine.keras()
    learner.compile(
        optimizer=keras.optimizers.SGD(0.0),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
    )
    return learner


def numbers(x) -> np.ndarray:
    return engine.keras().ops.convert_to_numpy(x)


def test_outside_training_it_is_the_network(network):
    learner = Learner(network, augmentations.layers("one", 0), augmentations.mixer("mixup", 0))
    np.testing.assert_allclose(learner.predict(IMAGES, verbose=0), network.predict(IMAGES, verbose=0), atol=1e-4)


def test_its_variables_are_the_networks_and_the_augmentations(network):
    learner = Learner(network, augmentations.layers("one", 0))
    assert {id(v) for v in network.variables} <= {id(v) for v in learner.variables}
    assert len(learner.trainable_variables) == len(network.trainable_variables)
    assert len(learner.variables) > len(network.variables)  # the seeds: without them a resumed run draws others


@pytest.mark.parametrize("mix", ["mixup", "cutmix"])
def test_the_loss_is_that_of_the_blended_targets(network, mix):
    learner = Learner(network, [], augmentations.mixer(mix, 0))
    made = learner((IMAGES.astype(np.float32), TARGETS), training=True)
    blended = numbers(made["targets"])
    assert np.abs(blended - TARGETS).max() > 0.01
    np.testing.assert_allclose(blended.sum(axis=1), 1, atol=1e-5)
    compiled(learner)
    loss = float(numbers(learner.compute_loss(None, TARGETS, made, None, True)))
    logits = numbers(made["logits"]).astype(np.float64)
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    assert loss == pytest.approx(-(blended * logs).sum(axis=1).mean(), rel=1e-3)


def test_it_trains_on_blended_batches_and_validates_on_plain_ones(network):
    keras = engine.keras()
    learner = compiled(Learner(network, augmentations.layers("one", 0), augmentations.mixer("cutmix", 0)))
    learner.optimizer = keras.optimizers.Adam(0.01)
    before = [np.array(v) for v in network.trainable_variables]
    learner.compile(optimizer=keras.optimizers.Adam(0.01), loss=learner.loss)
    learner.train_on_batch((IMAGES, TARGETS), TARGETS)
    learner.test_on_batch(IMAGES, TARGETS)
    moved = [np.abs(np.array(v) - b).max() for v, b in zip(network.trainable_variables, before, strict=True)]
    assert min(moved) > 0
