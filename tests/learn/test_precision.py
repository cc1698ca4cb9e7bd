"""Half precision while training, float32 before and after; and the kept network is none the wiser."""

import numpy as np
import pytest

from raravis import engine, models
from raravis.learn import precision

pytestmark = pytest.mark.engine

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)


def policies(network) -> dict[str, str]:
    return {layer.name: layer.dtype_policy.name for layer in network.layers}


def test_within_layers_compute_in_half_and_afterwards_as_before():
    network = models.build(models.options_of("compact_cnn")(filters=(4, 8)), classes=3, size=32)
    before, exact = policies(network), network.predict(IMAGES, verbose=0)
    with precision.computing(network, "mixed_bfloat16"):
        within = policies(network)
        coarse = np.array(network(IMAGES))
    assert {within[name] for name in within if name.startswith("conv2d")} == {"mixed_bfloat16"}
    assert within["logits"] == "float32"
    assert coarse.dtype == np.float32
    assert 1e-6 < np.abs(coarse - exact).max() < 0.1
    assert policies(network) == before
    np.testing.assert_array_equal(network.predict(IMAGES, verbose=0), exact)


def test_an_interrupted_training_leaves_float32():
    network = models.build(models.options_of("small_cnn")(filters=(2, 2)), classes=3, size=16)
    with pytest.raises(KeyboardInterrupt), precision.computing(network, "mixed_float16"):
        raise KeyboardInterrupt
    assert set(policies(network).values()) == {"float32"}


def test_variables_stay_float32():
    network = models.build(models.options_of("compact_cnn")(filters=(4, 8)), classes=3, size=32)
    with precision.computing(network, "mixed_float16"):
        network(IMAGES)
        assert {v.dtype for v in network.trainable_variables} == {"float32"}


def test_auto_is_half_where_there_is_a_gpu_alone():
    on_gpu = (
        "cuda" in str(engine.keras().ops.ones(1).device).lower()
        or "gpu" in str(engine.keras().ops.ones(1).device).lower()
    )
    assert precision.policy("auto") == ("mixed_float16" if on_gpu else "float32")
    assert precision.policy("mixed_bfloat16") == "mixed_bfloat16"
