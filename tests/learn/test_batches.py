"""Batches: their order hangs on the seed and the epoch alone, and Keras meets them in that order."""

import numpy as np
import pytest

from raravis.learn.batches import Batches, Resident

pytestmark = pytest.mark.engine

N, COUNT = 11, 3
ROWS = np.arange(100, 100 + N)
CLASSES = np.arange(N) % COUNT
PICTURES = np.zeros((200, 1), np.float32)
PICTURES[:, 0] = np.arange(200)  # each image is its own row number


def batches(**changes) -> Batches:
    options = {"count": COUNT, "batch_size": 4, "seed": 3, **changes}
    return Batches(Resident(PICTURES), ROWS, CLASSES, **options)


def order(given: Batches) -> list[int]:
    return [int(value) for i in range(len(given)) for value in given[i][0][:, 0]]


def epochs(given: Batches, count: int) -> list[list[int]]:
    """The orders of the next epochs, with the calls that Keras makes: one end before the first."""
    found = []
    for _ in range(count):
        given.on_epoch_end()
        found.append(order(given))
    return found


def test_every_image_once_an_epoch_and_another_order_each():
    found = epochs(batches(), 4)
    assert all(sorted(epoch) == list(ROWS) for epoch in found)
    assert len({tuple(epoch) for epoch in found}) == 4


def test_the_order_hangs_on_seed_and_epoch_alone():
    found = epochs(batches(), 4)
    for epoch in range(4):
        np.random.default_rng().random(7)
        assert order(batches(epoch=epoch)) == found[epoch]
    assert epochs(batches(epoch=2), 2) == found[2:]
    assert order(batches(seed=4)) != found[0]
    assert order(batches(seed=4)) != found[1], "seed and epoch must not merely be added"
    assert sorted(order(batches(batch_size=5))) == list(ROWS)
    assert order(batches(batch_size=5)) == found[0]


def test_without_a_seed_the_order_is_kept():
    assert epochs(batches(seed=None), 2) == [list(ROWS), list(ROWS)]


def test_sizes():
    given = batches()
    assert [len(given[i][0]) for i in range(len(given))] == [4, 4, 3]
    assert len(batches(batch_size=11)) == 1
    assert len(batches(batch_size=12)) == 1


def test_targets_are_one_hot_of_the_images_own_class():
    given = batches()
    for i in range(len(given)):
        images, targets = given[i]
        assert targets.dtype == np.float32
        assert targets.shape == (len(images), COUNT)
        np.testing.assert_array_equal(targets, np.eye(COUNT)[(images[:, 0].astype(int) - 100) % COUNT])


def test_weights_are_those_of_the_class():
    weights = np.array([0.5, 1, 4], np.float32)
    given = batches(class_weights=weights)
    for i in range(len(given)):
        _, targets, weight = given[i]
        assert weight.dtype == np.float32
        np.testing.assert_array_equal(weight, weights[targets.argmax(1)])


def test_pixels_come_as_the_store_gives_them():
    pixels = np.arange(5 * 2 * 2 * 3, dtype=np.uint8).reshape(5, 2, 2, 3)
    given = Batches(Resident(pixels), np.array([4, 0]), np.array([0, 1]), count=2, batch_size=2)
    assert given[0][0].dtype == np.uint8
    np.testing.assert_array_equal(given[0][0], pixels[[4, 0]])


def seen_by_keras(given: Batches, first: int, last: int) -> list[list[int]]:
    """The images that `fit` really trains on, epoch by epoch."""
    from raravis import engine

    keras = engine.keras()
    seen: list[list[int]] = []

    class Spy(keras.Model):
        """Keeps what comes through the forward pass, in order."""

        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(COUNT)

        def call(self, x):
            return self.dense(x / 200)

        def train_step(self, data):
            seen[-1].extend(int(v) for v in keras.ops.convert_to_numpy(data[0])[:, 0])
            return super().train_step(data)

    class Epochs(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append([])

    model = Spy()
    model.compile(optimizer="sgd", loss=keras.losses.CategoricalCrossentropy(from_logits=True), run_eagerly=True)
    model.fit(given, initial_epoch=first, epochs=last, verbose=0, shuffle=False, callbacks=[Epochs()])
    return seen


class OnDisk:
    """Pictures that are no array in memory, so that Keras reads them ahead."""

    def batch(self, rows):
        return PICTURES[rows]


@pytest.mark.parametrize("pictures", [Resident(PICTURES), OnDisk()], ids=["resident", "read ahead"])
@pytest.mark.parametrize("first", [0, 2])
def test_fit_meets_epoch_e_in_the_order_of_epoch_e(first, pictures):
    from raravis import engine

    if engine.keras().backend.backend() != "tensorflow":
        pytest.skip("only TensorFlow lets a training step run eagerly")
    given = Batches(pictures, ROWS, CLASSES, count=COUNT, batch_size=4, seed=3, epoch=first)
    expected = [order(batches(epoch=epoch)) for epoch in range(first, 4)]
    assert seen_by_keras(given, first, 4) == expected
