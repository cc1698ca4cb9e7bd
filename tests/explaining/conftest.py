"""Networks small enough to follow by hand."""

import numpy as np
import pytest

from raravis import engine


@pytest.fixture
def sees_red():
    """Build: RGB → how red, how blue and how bright each place is → mean → the families red, blue, bright, …"""

    def build(size=32, families=2):
        keras = engine.keras()
        inputs = keras.Input((size, size, 3), name="image")
        x = keras.layers.Rescaling(1 / 255)(inputs)
        x = keras.layers.Conv2D(3, 1, activation="relu", name="colours")(x)
        x = keras.layers.AveragePooling2D(2, name="maps")(x)
        x = keras.layers.GlobalAveragePooling2D(name="embedding")(x)
        model = keras.Model(inputs, keras.layers.Dense(families, name="logits")(x), name="sees_red")
        colours = np.array([[1, -0.5, 0.2], [-0.5, -0.5, 0.2], [-0.5, 1, 0.2]], np.float32).reshape(1, 1, 3, 3)
        model.get_layer("colours").set_weights([colours, np.zeros(3, np.float32)])
        model.get_layer("logits").set_weights([60 * np.eye(3, families, dtype=np.float32), np.zeros(families)])
        return model

    return build


@pytest.fixture
def red_corner():
    """Draw: a grey, blotchy picture, uint8, with a red square in its upper left corner."""

    def draw(size=32):
        picture = np.random.default_rng(4).integers(90, 120, (size, size, 1)).repeat(3, axis=2).astype(np.uint8)
        picture[size // 16 : size // 16 + size // 4, size // 16 : size // 16 + size // 4] = (230, 20, 20)
        return picture

    return draw


@pytest.fixture
def by_hand():
    """Build: RGB 0–255 → red and blue swapped and scaled, as some backbones want → nested trunk → two logits.

    The trunk's first convolution has four channels: red, blue, nothing, and a vertical edge of green.
    """

    def build(size=8, activation="relu"):
        keras = engine.keras()
        inner = keras.Input((size, size, 3), name="inside")
        y = keras.layers.Conv2D(4, 3, padding="same", name="first", activation=activation)(inner)
        y = keras.layers.MaxPooling2D(name="pool")(y)
        y = keras.layers.Conv2D(6, 3, padding="same", name="second")(y)
        y = keras.layers.ReLU(name="second_relu")(y)
        trunk = keras.Model(inner, y, name="trunk")
        inputs = keras.Input((size, size, 3), name="image")
        x = keras.layers.Rescaling(1 / 255, name="scale")(inputs)[..., ::-1] - 0.5
        x = keras.layers.GlobalAveragePooling2D(name="embedding")(trunk(x))
        model = keras.Model(inputs, keras.layers.Dense(2, name="logits")(x), name="by_hand")
        kernel = np.zeros((3, 3, 3, 4), np.float32)
        kernel[1, 1, 2, 0] = 2  # BGR inside: its last colour is red
        kernel[1, 1, 0, 1] = 1
        kernel[:, 0, 1, 3], kernel[:, 2, 1, 3] = -1, 1
        trunk.get_layer("first").set_weights([kernel, np.zeros(4, np.float32)])
        return model

    return build
