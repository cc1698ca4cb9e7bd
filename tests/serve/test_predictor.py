"""A run folder becomes a predictor."""

from types import SimpleNamespace

import numpy as np
import pytest

from raravis.errors import RunError
from raravis.judge.novelty import Seen
from raravis.serve.predictor import RunPredictor, open_predictor


def test_softmax_is_applied_once_and_survives_large_logits():
    logits = np.array([[1000.0, 1000.0, -1000.0], [0.0, np.log(3), -np.inf]], np.float32)[:1]
    model = RunPredictor(("a", "b", "c"), 8, "squash", lambda batch: Seen(np.zeros((1, 2), np.float32), logits))
    found = model.answer(np.zeros((1, 8, 8, 3), np.uint8)).probabilities
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[0.5, 0.5, 0.0]])


def test_what_shows_nothing_is_told_to_the_judge():
    told = []
    trust = SimpleNamespace(
        judge=lambda seen, nothing: told.append(nothing.tolist()) or SimpleNamespace(probabilities=0)
    )
    seen = Seen(np.zeros((2, 2), np.float32), np.zeros((2, 2), np.float32))
    batch = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), np.uint8)
    batch[1] = 7
    RunPredictor(("a", "b"), 8, "squash", lambda batch: seen, trust).answer(batch)
    assert told == [[False, True]]


def test_a_model_that_gives_no_numbers_is_an_error_not_a_family():
    broken = np.full((1, 2), np.nan, np.float32)
    model = RunPredictor(("a", "b"), 8, "squash", lambda batch: Seen(np.zeros((1, 2), np.float32), broken))
    with pytest.raises(RunError, match="no finite numbers"):
        model.answer(np.zeros((1, 8, 8, 3), np.uint8))


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir(), lambda p: p.write_text("x")])
def test_what_is_no_run_is_told(tmp_path, make):
    make(tmp_path / "model")
    with pytest.raises(RunError, match="raravis train"):
        open_predictor(tmp_path / "model")


@pytest.mark.engine
def test_opens_the_network_of_a_run(tmp_path, monkeypatch):
    from raravis import engine

    keras = engine.keras()
    inputs = keras.Input((8, 8, 3))
    pooled = keras.layers.GlobalAveragePooling2D(name="embedding")(keras.layers.Rescaling(1 / 255)(inputs))
    network = keras.Model(inputs, keras.layers.Dense(2, name="logits")(pooled))
    data = SimpleNamespace(size=8, fit="pad")
    run = SimpleNamespace(
        path=tmp_path,
        recipe=SimpleNamespace(data=data),
        families=("a", "b"),
        load_model=lambda: network,
        load_trust=lambda: None,
    )
    monkeypatch.setattr("raravis.run.Run.open", lambda path: run)
    opened = open_predictor(tmp_path)
    assert (opened.families, opened.size, opened.fit) == (("a", "b"), 8, "pad")
    batch = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), np.uint8)
    kernel, bias = (np.asarray(w) for w in network.layers[-1].get_weights())
    raw = np.exp(batch.mean((1, 2)) / 255 @ kernel + bias)
    np.testing.assert_allclose(opened.answer(batch).probabilities, raw / raw.sum(1, keepdims=True), atol=1e-5)
    run.families = ("a", "b", "c")
    with pytest.raises(RunError, match="tells 2 families apart, its split has 3"):
        open_predictor(tmp_path)
