"""Which scorers a network lets a rehearsal choose from: none that it would flatter."""

import numpy as np
import pytest

from raravis import recipe as recipes
from raravis.judge import novelty
from raravis.judge.calibration import Calibration
from raravis.judge.logits import log_softmax
from raravis.learn import eligible
from raravis.run import Run

PLAIN = Calibration("none", np.ones((), np.float32), np.zeros(4, np.float32))
LOGITS = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32) * 3


@pytest.mark.parametrize(
    ("name", "changes", "wanted"),
    [
        ("quick", {}, False),
        ("modern_cnn", {}, False),
        ("probe", {}, True),
        ("frozen", {}, True),
        ("few_shot", {}, True),
        ("finetuned", {}, False),
        ("frozen", {"model.learn": "all"}, False),
        ("frozen", {"model.hidden": 64}, False),
    ],
)
def test_frozen_is_what_never_learned_the_families_below_its_head(name, changes, wanted):
    assert eligible.frozen(recipes.load(name, changes)) is wanted


def test_a_fused_network_is_frozen_if_all_its_members_are(tmp_path):
    def member(folder, name):
        return str(Run.create(tmp_path / folder, recipes.load(name), b"image_id,file_path,family,split\n", {}).path)

    one, two, learned = member("one", "probe"), member("two", "frozen"), member("three", "quick")

    def fused(*members):
        return recipes.load("fused", {"model.members": list(members)})

    assert eligible.frozen(fused(one, two))
    assert not eligible.frozen(fused(one, learned))
    assert not eligible.frozen(fused(one, str(tmp_path / "gone"))), "what is not known is not believed"
    (tmp_path / "outer").mkdir()
    for members in ((one, two), (one, learned)):
        assert set(eligible.scorers(fused(*members), PLAIN, LOGITS)).isdisjoint(eligible.HIGH)


def test_what_learned_the_families_is_judged_by_its_probabilities_alone():
    assert set(eligible.scorers(recipes.load("quick"), PLAIN, LOGITS)) == {"entropy", "max_probability"}


def test_a_frozen_network_has_all_to_choose_from():
    assert eligible.scorers(recipes.load("probe"), PLAIN, LOGITS) == tuple(novelty.names())


@pytest.mark.parametrize("kind", ["vector", "dirichlet"])
def test_logits_that_were_made_log_probabilities_have_no_height_to_go_by(kind):
    turned = Calibration(kind, PLAIN.weights, PLAIN.bias)
    left = eligible.scorers(recipes.load("probe"), turned, LOGITS)
    assert {"energy", "max_logit", "vim"} == set(novelty.names()) - set(left)
    flat = log_softmax(LOGITS)
    assert eligible.scorers(recipes.load("probe"), PLAIN, flat) == left
    temperature = Calibration("temperature", PLAIN.weights, PLAIN.bias)
    assert "energy" in eligible.scorers(recipes.load("probe"), temperature, LOGITS)


def test_every_name_that_is_left_out_or_in_is_a_scorer():
    assert set(eligible.PROBABLE) | set(eligible.HIGH) <= set(novelty.names())
