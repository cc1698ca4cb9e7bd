"""The study's networks, layer by layer and parameter by parameter, at its 224 px and 202 families."""

import numpy as np
import pytest

from raravis import engine, models, recipe

pytestmark = pytest.mark.engine

CLASSES = 202


def built(name: str, size: int = 224, **options):
    return models.build(models.options_of(name)(**options), classes=CLASSES, size=size)


def kinds(model) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]


def of(model, kind: str) -> list:
    return [layer for layer in model.layers if type(layer).__name__ == kind]


def before(layer) -> list[str]:
    """The kinds of the layers that feed `layer`."""
    return [type(node.operation).__name__ for node in layer._inbound_nodes[0].parent_nodes]


def test_small_cnn_has_two_convolutions_two_poolings_one_dense():
    model = built("small_cnn")
    block = ["Conv2D", "MaxPooling2D"]
    assert kinds(model) == ["InputLayer", "Rescaling", *block, *block, "Flatten", "Dense"]
    assert model.count_params() == 896 + 18496 + 54 * 54 * 64 * CLASSES + CLASSES


@pytest.mark.parametrize(("name", "dropout", "norms"), [("parallel_cnn", 0.3, 0), ("parallel_cnn_improved", 0.5, 3)])
class TestParallel:
    def test_two_convolutions_of_different_width_stand_side_by_side(self, name, dropout, norms):
        model = built(name)
        first, *branches = of(model, "Conv2D")
        assert first.activation.__name__ == "relu"
        assert [layer.kernel_size for layer in branches] == [(3, 3), (5, 5)]
        assert all(layer.activation.__name__ == "linear" for layer in branches)
        shared = {id(layer._inbound_nodes[0].parent_nodes[0].operation) for layer in branches}
        assert shared == {id(of(model, "MaxPooling2D")[0])}
        assert before(of(model, "Concatenate")[0]) == (["BatchNormalization"] * 2 if norms else ["Conv2D"] * 2)

    def test_what_follows_is_the_study_in_its_order(self, name, dropout, norms):
        model = built(name)
        tail = kinds(model)[kinds(model).index("Concatenate") :]
        assert tail == ["Concatenate", "LeakyReLU", "MaxPooling2D", "Flatten", "Dropout", "Dense"]
        assert of(model, "Dropout")[0].rate == dropout

    def test_a_batch_norm_follows_every_convolution_or_none(self, name, dropout, norms):
        found = of(built(name), "BatchNormalization")
        assert len(found) == norms
        assert all(before(layer) == ["Conv2D"] for layer in found)

    def test_parameters(self, name, dropout, norms):
        convolutions = (27 * 32 + 32) + (9 * 32 * 64 + 64) + (25 * 32 * 64 + 64)
        dense = 55 * 55 * 128 * CLASSES + CLASSES
        batch_norms = 4 * (32 + 64 + 64) if norms else 0
        assert built(name).count_params() == convolutions + dense + batch_norms


PRETRAINED = [("resnet50", 23_587_712, 2048, 256, 0.5), ("efficientnet_b3", 10_783_535, 1536, 0, 0.4)]


@pytest.mark.parametrize(("name", "trunk", "features", "hidden", "dropout"), PRETRAINED)
class TestPretrained:
    def test_pooling_then_the_head_of_the_study(self, name, trunk, features, hidden, dropout):
        model = built(name, size=64, weights="none")
        tail = kinds(model)[kinds(model).index("GlobalAveragePooling2D") :]
        assert tail == ["GlobalAveragePooling2D", *(["Dense"] if hidden else []), "Dropout", "Dense"]
        assert of(model, "Dropout")[0].rate == dropout

    def test_parameters(self, name, trunk, features, hidden, dropout):
        model = built(name, size=64, weights="none")
        assert model.get_layer("trunk").count_params() == trunk
        head = features * hidden + hidden if hidden else 0
        last = (hidden or features) * CLASSES + CLASSES
        assert model.count_params() == trunk + head + last

    def test_the_backbone_is_frozen(self, name, trunk, features, hidden, dropout):
        model = built(name, size=64, weights="none")
        assert len(model.trainable_variables) == (4 if hidden else 2)


def test_resnet50_is_given_what_it_was_trained_on_unless_the_study_is_repeated():
    """`preprocess_input` of ResNet50: BGR, less the ImageNet mean."""
    image = np.full((1, 32, 32, 3), (250, 130, 10), np.uint8)
    assert entering("resnet50", image) == pytest.approx([10 - 103.939, 130 - 116.779, 250 - 123.68], abs=1e-3)
    published = entering("resnet50", image, images="0-1", preprocess=False)
    assert published == pytest.approx([250 / 255, 130 / 255, 10 / 255], abs=1e-3)


def test_efficientnet_b3_is_given_0_to_255_unless_the_study_is_repeated():
    image = np.full((1, 32, 32, 3), (250, 130, 10), np.uint8)
    assert entering("efficientnet_b3", image) == pytest.approx([250, 130, 10])
    assert entering("efficientnet_b3", image, images="0-1") == pytest.approx([250 / 255, 130 / 255, 10 / 255])


def entering(name: str, image: np.ndarray, **options) -> list[float]:
    """The RGB values of the first pixel as the backbone gets it."""
    model = built(name, size=32, weights="none", **options)
    fed = model.get_layer("trunk")._inbound_nodes[-1].input_tensors[0]
    given = engine.keras().ops.convert_to_numpy(engine.keras().Model(model.input, fed)(image))
    return list(given[0, 0, 0])


def test_from_random_weights_all_of_it_can_learn():
    keras = engine.keras()
    keras.utils.set_random_seed(0)
    model = models.build(models.options_of("efficientnet_b3")(weights="none", learn="all"), classes=2, size=32)
    dark, light = np.full((8, 32, 32, 3), 30, np.uint8), np.full((8, 32, 32, 3), 220, np.uint8)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss, run_eagerly=True)  # to compile it takes longer
    before = {v.path: np.array(v) for v in model.trainable_variables}
    images, targets = np.concatenate([dark, light]), np.eye(2, dtype=np.float32)[np.repeat([0, 1], 8)]
    losses = [float(model.train_on_batch(images, targets)) for _ in range(5)]
    assert min(losses[1:]) < 0.8 * losses[0]  # with dropout, each step jumps
    moved = sum(np.abs(np.array(v) - before[v.path]).max() > 0 for v in model.trainable_variables)
    assert moved > 0.95 * len(before) > 100


def test_there_is_nothing_to_unfreeze_where_all_of_it_learns():
    with pytest.raises(recipe.RecipeError, match="nothing is left to unfreeze"):
        recipe.load("resnet50", {"model.learn": "all"})


class TestUnfreeze:
    def test_the_last_layers_of_the_backbone_learn_and_no_others(self):
        model = built("resnet50", size=32, weights="none")
        models.unfreeze(model, 10)
        trunk = model.get_layer("trunk")
        learning = [layer.name for layer in trunk.layers if layer.trainable_variables]
        last = [layer for layer in trunk.layers[-10:] if layer.variables]
        assert learning == [layer.name for layer in last if type(layer).__name__ != "BatchNormalization"]
        assert len(learning) == 3

    def test_batch_norms_stay_as_they_are_while_convolutions_learn(self):
        keras = engine.keras()
        model = built("resnet50", size=32, weights="none")
        models.unfreeze(model, 10)
        model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse", run_eagerly=True)
        before = {v.path: np.array(v) for v in model.get_layer("trunk").variables}
        images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
        model.train_on_batch(images, np.ones((4, CLASSES), np.float32))
        after = {v.path: np.array(v) for v in model.get_layer("trunk").variables}
        moved = {path for path in before if np.abs(after[path] - before[path]).max() > 0}
        assert moved
        assert not [path for path in moved if "_bn" in path]


@pytest.mark.parametrize("name", ["resnet50", "efficientnet_b3"])
def test_the_backbone_computes_the_same_in_training(name):
    """Frozen features may be computed once only if it does; EfficientNet has dropout of its own."""
    keras = engine.keras()
    model = built(name, size=32, weights="none")
    pooled = keras.Model(model.input, of(model, "GlobalAveragePooling2D")[0].output)
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
    plain, training = (keras.ops.convert_to_numpy(pooled(images, training=mode)) for mode in (False, True))
    np.testing.assert_allclose(plain, training, atol=1e-4)
