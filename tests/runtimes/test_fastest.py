"""The fastest runtime: what disagrees or fails is left out, what was measured is kept, and few images are not raced."""

import time
from types import SimpleNamespace

import numpy as np
import pytest

from raravis import engine, files, runtimes
from raravis.errors import StorageError, UsageError
from raravis.runtimes import _kept, _trials, keras
from raravis.runtimes._trials import Candidate, Trial

pytestmark = pytest.mark.engine

SAMPLE = np.random.default_rng(0).integers(0, 256, (32, 8, 8, 3)).astype(np.uint8)


def network(seed: int = 0, width: int = 5):
    keras = engine.keras()
    image = keras.Input((8, 8, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(image))
    model = keras.Model(image, keras.layers.Dense(width)(pooled))
    model.set_weights([np.random.default_rng(seed).normal(size=w.shape) for w in model.get_weights()])
    return model


def by_hand(model, error: float = 0.0):
    """The same features without an engine, off by a share of their length, in a hundredth of the time."""
    kernel, bias = model.get_weights()

    def call(images):
        return ((images.mean((1, 2)) / 255) @ kernel + bias).astype(np.float32) * np.float32(1 + error)

    call.takes = 0.001
    return call


def candidate(name, convert, precisions=("float32",)) -> Candidate:
    module = SimpleNamespace(INSTALL="", available=lambda: True, precisions=lambda: precisions, convert=convert)
    return Candidate(name, module, precisions)


@pytest.fixture(autouse=True)
def quiet_machine(monkeypatch):
    monkeypatch.setattr(runtimes.Others, "share", lambda self: 0.0)


@pytest.fixture
def race(monkeypatch):
    """Let Keras race against these alone, by what each says that it takes: a busy machine decides nothing."""

    def timed(call, images):
        call(images)
        return getattr(call, "takes", 0.1)

    monkeypatch.setattr(_trials, "_timed", timed)

    def arrange(*others: Candidate) -> None:
        monkeypatch.setattr(runtimes, "_candidates", lambda: [Candidate("keras", keras, ("float32",)), *others])
        modules = {"keras": keras} | {one.name: one.runtime for one in others}
        monkeypatch.setattr(runtimes, "_runtime", modules.__getitem__)

    return arrange


def failing(model):
    raise RuntimeError("no such operation: Frobnicate\n(second line)")


def test_the_faster_one_is_taken_if_it_agrees(race):
    model = network()
    race(candidate("hand", lambda m: lambda precision: by_hand(m)))
    chosen = runtimes.fastest(model, SAMPLE, quiet=True)
    assert (chosen.name, chosen.precision) == ("hand", "float32")
    assert chosen.images_per_second["hand float32"] > chosen.images_per_second["keras float32"]
    np.testing.assert_allclose(chosen.call(SAMPLE), model.predict_on_batch(SAMPLE), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("error", [0.01, np.nan])
def test_one_that_disagrees_is_left_out(race, error):
    race(candidate("hand", lambda m: lambda precision: by_hand(m, error)))
    chosen = runtimes.fastest(network(), SAMPLE, quiet=True)
    assert chosen.name == "keras"
    assert "hand float32" not in chosen.images_per_second
    assert "hand float32 left out: its features lie" in chosen.note


def test_one_that_gives_another_shape_is_left_out(race):
    race(candidate("hand", lambda m: lambda precision: lambda images: by_hand(m)(images)[:, :2]))
    assert runtimes.fastest(network(), SAMPLE, quiet=True).name == "keras"


def test_one_that_cannot_be_converted_to_is_left_out_with_its_first_line(race):
    race(candidate("broken", failing, ("float32", "bfloat16")), candidate("hand", lambda m: lambda p: by_hand(m)))
    chosen = runtimes.fastest(network(), SAMPLE, quiet=True)
    assert chosen.name == "hand"
    assert "broken bfloat16 left out: no such operation: Frobnicate" in chosen.note
    assert "second" not in chosen.note


def test_one_that_fails_while_it_runs_is_left_out(race):
    race(candidate("broken", lambda m: lambda precision: failing))
    assert runtimes.fastest(network(), SAMPLE, quiet=True).name == "keras"


def test_other_precisions_have_a_looser_bound(race):
    race(candidate("hand", lambda m: lambda precision: by_hand(m, 0.01), ("float32", "bfloat16")))
    chosen = runtimes.fastest(network(), SAMPLE, quiet=True)
    assert (chosen.name, chosen.precision) == ("hand", "bfloat16")
    assert runtimes.fastest(network(), SAMPLE, reduced=0.001, quiet=True).name == "keras"


def test_what_was_measured_is_kept_for_the_same_network(race, monkeypatch):
    race(candidate("hand", lambda m: lambda precision: by_hand(m)))
    first = runtimes.fastest(network(), SAMPLE, quiet=True)
    with monkeypatch.context() as patch:
        patch.setattr(_trials, "run", None)
        again = runtimes.fastest(network(), SAMPLE, quiet=True)  # its layers have other names
    assert (again.name, again.images_per_second) == (first.name, first.images_per_second)
    np.testing.assert_array_equal(again.call(SAMPLE), first.call(SAMPLE))
    race(candidate("hand", failing))
    fallen = runtimes.fastest(network(), SAMPLE, quiet=True)
    assert fallen.name == "keras"
    assert "hand float32 fails now: " in fallen.note


def test_a_damaged_note_is_measured_anew(race):
    race(candidate("hand", lambda m: lambda precision: by_hand(m)))
    runtimes.fastest(network(), SAMPLE, quiet=True)
    (file,) = files.cache("runtimes").glob("*.json")
    for content in ("{", "[]", '[{"name": 3}]', "3"):
        file.write_text(content)
        assert runtimes.fastest(network(), SAMPLE, quiet=True).name == "hand"
        assert len(file.read_text()) > 100


def test_a_cache_that_cannot_be_written_does_not_end_the_work(race, monkeypatch):
    def full(key, trials):
        raise StorageError("Cannot write: the disk is full.")

    race(candidate("hand", lambda m: lambda precision: by_hand(m)))
    monkeypatch.setattr(_kept, "write", full)
    assert runtimes.fastest(network(), SAMPLE, quiet=True).note.endswith("not kept: Cannot write: the disk is full.")


def test_keys_tell_networks_apart_but_not_names():
    def key(model):
        return _kept.key(model, ["keras"], (1e-3, 0.1))

    assert key(network()) == key(network())
    assert len({key(network()), key(network(seed=1)), key(network(width=6))}) == 3
    assert key(network()) != _kept.key(network(), ["keras", "hand"], (1e-3, 0.1))


def test_few_images_are_not_worth_a_race(race):
    race(candidate("hand", lambda m: lambda precision: by_hand(m)))
    chosen = runtimes.fastest(network(), SAMPLE, images=100, quiet=True)
    assert chosen.name == "keras"
    assert "too few" in chosen.note
    assert not list(files.cache("runtimes").iterdir())
    assert runtimes.fastest(network(), SAMPLE, images=10**12, quiet=True).name == "hand"


def test_no_time_no_trial_and_nothing_kept(race, monkeypatch):
    race(candidate("hand", lambda m: lambda precision: by_hand(m)))
    monkeypatch.setattr(runtimes, "PATIENCE", -1.0)
    chosen = runtimes.fastest(network(), SAMPLE, quiet=True)
    assert chosen.name == "keras"
    assert "hand float32 left out: the time for trials was over" in chosen.note
    assert not list(files.cache("runtimes").iterdir())


def test_on_a_busy_machine_nothing_is_kept(race, monkeypatch):
    race(candidate("hand", lambda m: lambda precision: by_hand(m)))
    monkeypatch.setattr(runtimes.Others, "share", lambda self: 0.8)
    chosen = runtimes.fastest(network(), SAMPLE, quiet=True)
    assert chosen.name == "hand"
    assert chosen.note.endswith("not kept: other processes took 80% of the machine meanwhile")
    assert not list(files.cache("runtimes").iterdir())


def test_a_full_disk_is_not_held_against_a_runtime(race):
    def convert(model):
        raise OSError(28, "No space left on device")

    race(candidate("hand", convert))
    assert "No space left" in runtimes.fastest(network(), SAMPLE, quiet=True).note
    assert not list(files.cache("runtimes").iterdir())


def test_time_to_prepare_counts_where_the_number_of_images_is_known():
    slow_start = Trial("hand", "float32", images_per_second=40, seconds=30, problem="")
    trials = [Trial("keras", "float32", images_per_second=20, seconds=2, problem=""), slow_start]
    assert runtimes._best(trials) is slow_start
    assert runtimes._best(trials, images=10_000) is slow_start
    assert runtimes._best(trials, images=1_000) is trials[0]


def test_less_precision_must_pay():
    trials = [Trial("keras", "float32", 20, 1, ""), Trial("hand", "bfloat16", 21, 1, "")]
    assert runtimes._best(trials) is trials[0]
    trials.append(Trial("hand", "float16", 30, 1, ""))
    assert runtimes._best(trials) is trials[2]


def test_a_far_slower_one_has_one_turn_only(race):
    calls = []

    def slow(images):
        calls.append(len(images))
        return by_hand(model)(images)

    slow.takes = 1.0
    model = network()
    race(candidate("slow", lambda m: lambda precision: slow))
    chosen = runtimes.fastest(model, SAMPLE, quiet=True)
    assert chosen.name == "keras"
    assert chosen.images_per_second["slow float32"] == 32
    assert len(calls) == 2


def test_a_pass_is_timed():
    assert _trials._timed(lambda images: time.sleep(0.05), SAMPLE) >= 0.05


@pytest.mark.parametrize("shape", [(0, 8, 8, 3), (8, 8, 3), (2, 8, 8, 1)])
def test_a_sample_of_another_shape_is_told(shape):
    with pytest.raises(UsageError, match="sample of images"):
        runtimes.fastest(network(), np.zeros(shape, np.uint8))


def test_keras_alone_is_not_timed(monkeypatch):
    monkeypatch.setattr(runtimes, "at_hand", lambda: ["keras"])
    monkeypatch.setattr(keras, "accelerated", lambda: False)
    monkeypatch.setattr(_trials.Yardstick, "of", None)
    chosen = runtimes.fastest(network(), SAMPLE, quiet=True)
    assert (chosen.name, chosen.images_per_second) == ("keras", {})
    assert chosen.call(SAMPLE).shape == (32, 5)


def test_an_accelerator_leaves_keras_and_its_precisions(monkeypatch):
    monkeypatch.setattr(keras, "accelerated", lambda: True)
    (only,) = runtimes._candidates()
    assert (only.name, set(only.precisions)) == ("keras", set(runtimes.PRECISIONS))
