"""The learner: the network behind its augmentation, with targets blended where pairs are."""

import numpy as np
import pytest

from raravis import augmentations, engine, models
from raravis.errors import RecipeError
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


SHIFT = np.log(np.array([0.7, 0.2, 0.1], np.float32))
LINEAGE = {
    "class": np.array([[1, 0], [1, 0], [0, 1]], np.float32),
    "order": np.array([[1, 0], [0, 1], [0, 0]], np.float32),
}


def crossentropy(targets: np.ndarray, logits: np.ndarray) -> float:
    logits = logits.astype(np.float64)
    return float(-(targets * (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))).sum(axis=1).mean())


def test_balanced_softmax_shifts_the_logits_in_the_loss_of_training_alone(network):
    learner = compiled(Learner(network, shift=SHIFT))
    logits = numbers(learner(IMAGES.astype(np.float32), training=True))
    for training, expected in ((True, logits + SHIFT), (False, logits)):
        loss = float(numbers(learner.compute_loss(None, TARGETS, logits, None, training)))
        assert loss == pytest.approx(crossentropy(TARGETS, expected), rel=1e-4)


@pytest.mark.parametrize("weights", [None, np.array([2, 0, 1, 1, 1, 1], np.float32)])
def test_heads_for_ranks_add_their_mean_loss_and_the_unknown_costs_nothing(network, weights):
    learner = compiled(Learner(network, lineage=LINEAGE, auxiliary=0.6))
    made = learner(IMAGES.astype(np.float32), training=True)
    loss = float(numbers(learner.compute_loss(None, TARGETS, made, weights, True)))
    own = 1.0 if weights is None else weights[:, None]
    ranks = [
        crossentropy(own * (TARGETS @ taxa), numbers(given))
        for taxa, given in zip(LINEAGE.values(), made["ranks"], strict=True)
    ]
    plain = crossentropy(own * TARGETS, numbers(made["logits"]))
    assert loss == pytest.approx(plain + 0.6 * np.mean(ranks), rel=1e-3)


@pytest.mark.parametrize("mix", ["none", "cutmix"])
def test_heads_for_ranks_learn_and_are_no_part_of_the_network(network, mix):
    keras = engine.keras()
    learner = Learner(network, [], augmentations.mixer(mix, 0), lineage=LINEAGE, auxiliary=1.0)
    heads = [v for v in learner.trainable_variables if id(v) not in {id(own) for own in network.variables}]
    assert len(heads) == 4
    before = [np.array(v) for v in heads]
    learner.compile(optimizer=keras.optimizers.Adam(0.01), loss=keras.losses.CategoricalCrossentropy(from_logits=True))
    learner.train_on_batch(IMAGES if mix == "none" else (IMAGES, TARGETS), TARGETS)
    assert min(np.abs(np.array(v) - was).max() for v, was in zip(heads, before, strict=True)) > 0
    np.testing.assert_allclose(learner.predict(IMAGES, verbose=0), network.predict(IMAGES, verbose=0), atol=1e-4)


def test_smaller_images_train_the_same_weights():
    keras = engine.keras()
    keras.utils.set_random_seed(0)
    network = models.build(models.options_of("compact_cnn")(filters=(4, 8)), classes=3, size=32)
    learner = Learner(network, augmentations.layers("crop", 0), lineage=LINEAGE, auxiliary=0.1, sizes=(16, 32))
    plain = Learner(network, augmentations.layers("crop", 0), lineage=LINEAGE, auxiliary=0.1)
    assert [v.shape for v in learner.variables] == [v.shape for v in plain.variables]
    large = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
    for size in (16, 32):
        learner.see(size)
        before = [np.array(v) for v in network.trainable_variables]
        learner.compile(
            optimizer=keras.optimizers.SGD(0.1), loss=keras.losses.CategoricalCrossentropy(from_logits=True)
        )
        learner.train_on_batch(large, TARGETS)
        moved = [np.abs(np.array(v) - was).max() for v, was in zip(network.trainable_variables, before, strict=True)]
        assert min(moved) > 0
    small = keras.ops.image.resize(large.astype(np.float32), (16, 16), antialias=True)
    twin = models.build(models.options_of("compact_cnn")(filters=(4, 8), dropout=0), classes=3, size=16)
    twin.set_weights(network.get_weights())
    np.testing.assert_allclose(
        numbers(learner._at["16"](small, training=False)[0]), twin.predict(numbers(small), verbose=0), atol=1e-4
    )


def test_a_network_of_one_size_says_so(network):
    with pytest.raises(RecipeError, match="small_cnn cannot see images of 8 pixels"):
        Learner(network, sizes=(8,))
