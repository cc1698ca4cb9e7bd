"""How promises were kept, in figures and in words."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from raravis.errors import DataError
from raravis.judge import calibration, novelty, sets, trust_sections, trusted
from raravis.judge.calibration import Calibration
from raravis.judge.novelty import Known, Seen, unit
from raravis.judge.strangers import Strangers
from raravis.judge.trust import Trust
from raravis.judge.trusted import Trial
from raravis.lineages import Taxonomy

FAMILIES = ("canidae", "equidae", "felidae", "octopodidae", "strigidae")
K, WIDTH = len(FAMILIES), 6
WAYS = {
    "none": Calibration("none", np.ones((), np.float32), np.zeros(K, np.float32)),
    "temperature": Calibration("temperature", np.float32(0.6), np.zeros(K, np.float32), 400, {"none": 0.5}),
    "vector": Calibration("vector", np.linspace(0.5, 1.2, K).astype(np.float32), np.arange(K, dtype=np.float32) / 5),
    "dirichlet": Calibration(
        "dirichlet",
        (0.7 * np.eye(K) + np.random.default_rng(5).normal(0, 0.05, (K, K))).astype(np.float32),
        np.linspace(-0.5, 0.5, K).astype(np.float32),
    ),
}


def drawn(count, seed, strength=3.0):
    classes = np.arange(count) % K
    logits = np.random.default_rng(seed).normal(size=(count, K)) * 1.5
    logits[np.arange(count), classes] += strength
    return logits.astype(np.float32), classes


def turned(way, logits):
    """Logits as the network in a run folder gives them."""
    if way.kind in ("none", "temperature"):
        return logits * way.weights
    inputs = log_softmax(logits, axis=1)
    return (inputs * way.weights if way.weights.ndim == 1 else inputs @ way.weights.T) + way.bias


@pytest.fixture(scope="module")
def trust():
    logits, classes = drawn(400, 0)
    probabilities = softmax(logits, axis=1)
    known = Known(unit(np.ones((400, WIDTH))), classes, K, Seen(unit(np.ones((400, WIDTH))), logits))
    chosen, methods = sets.choose(probabilities, classes, priors=np.full(K, 0.2))
    return Trust(
        FAMILIES,
        Taxonomy.of(FAMILIES, {})[0],
        WAYS["none"],
        chosen,
        novelty.fit("max_logit", known),
        probabilities,
        classes,
        {"known": {"max_logit": logits[:, 0]}, "near": {"max_logit": logits[:50, 1]}},
        ({"scorer": "max_logit", "near": 0.7, "mean": 0.7},),
        tuple(methods),
        notes=("One thing to know.",),
    )


def trial(trust, *, seed=1, way="none", **given):
    logits, classes = drawn(300, seed)
    own = turned(WAYS[way], logits).astype(np.float32)
    trust = replace(trust, calibration=WAYS[way])
    return Trial(trust, trust.judge(Seen(np.ones((300, WIDTH), np.float32), own)), classes, own, **given)


def words(sections):
    return json.dumps([repr(block) for section in sections for block in section.blocks])


@pytest.mark.parametrize("way", list(WAYS))
def test_before_calibration_is_told_of_every_way(trust, way):
    logits, classes = drawn(300, 1)
    found = trusted.figures(trial(trust, way=way))["calibration"]
    assert found["kind"] == way
    wanted = calibration.assess(softmax(logits, axis=1), classes)
    assert found["before"] == pytest.approx(wanted, rel=1e-3)
    assert found["after"] == pytest.approx(calibration.assess(WAYS[way](logits), classes), rel=1e-3)
    assert set(found["per_phylum"]) == {"chordata", "mollusca"}
    own = classes == FAMILIES.index("octopodidae")
    assert found["per_phylum"]["mollusca"]["before"] == pytest.approx(
        calibration.assess(softmax(logits[own], axis=1), classes[own]), rel=1e-3
    )
    assert found["per_phylum"]["mollusca"]["after"]["n"] == own.sum()


def test_what_cannot_be_undone_is_not_told(trust):
    flat = Calibration("vector", np.array([1, 1, 1, 1, 0], np.float32), np.zeros(K, np.float32))
    assert flat.before(np.zeros((3, K), np.float32)) is None
    own = trial(trust)
    own = replace(own, trust=replace(own.trust, calibration=flat))
    found = trusted.figures(own)["calibration"]
    assert found["before"] is None
    assert found["per_phylum"]["mollusca"]["before"] is None
    assert ", before" not in words(trust_sections.sections(own, trusted.figures(own)))


def test_shares_and_their_intervals_are_those_of_the_verdicts(trust):
    own = trial(trust)
    found = trusted.figures(own)
    sure = own.trust.sure(own.verdicts.probabilities, own.verdicts.members, own.verdicts.rank)
    right = own.verdicts.probabilities.argmax(axis=1) == own.classes
    assert found["selective"]["accepted"] == pytest.approx(sure.mean())
    assert found["selective"]["precision"] == pytest.approx(right[sure].mean())
    low, high = found["selective"]["ci95"]
    assert low < found["selective"]["precision"] < high
    assert found["right_families"] == pytest.approx(right[own.verdicts.verdict == 0].mean())
    assert found["unfamiliar"]["share"] == found["verdicts"]["unfamiliar"]
    assert json.loads(json.dumps(found)) == found


def test_coverage_is_told_of_every_family(trust):
    own = trial(trust)
    own = replace(own, classes=np.where(own.classes == 4, 3, own.classes))
    found = trusted.coverage(own)
    assert list(found) == list(FAMILIES)
    rows = own.classes == 0
    assert found["canidae"] == pytest.approx(own.verdicts.members[rows, 0].mean())
    assert found["strigidae"] is None


@pytest.mark.parametrize(
    ("share", "ci95", "told"),
    [
        (0.95, [0.93, 0.97], "kept"),
        (0.9, [0.88, 0.92], "kept"),
        (0.89, [0.87, 0.91], "missed by no more than chance"),
        (0.8, [0.78, 0.82], "missed"),
        (None, None, "nothing to tell by"),
    ],
)
def test_whether_a_promise_was_kept_rests_on_its_interval(share, ci95, told):
    assert trust_sections.kept(0.9, share, ci95) == told


def test_the_images_that_thresholds_were_set_on_are_called_so(trust):
    here, elsewhere = trial(trust, fitted_here=True), trial(trust)
    told, other = (words(trust_sections.sections(one, trusted.figures(one))) for one in (here, elsewhere))
    before = "set on validation images before these were looked at"
    assert before in other
    assert before not in told
    assert "These are the images that the thresholds were set on" in told


def test_the_ways_to_make_sets_are_shown_and_so_are_shortfalls(trust):
    own = trial(trust.asked(right=0.9999))
    told = words(trust_sections.sections(own, trusted.figures(own)))
    for method in ("lac", "aps", "raps", "prior"):
        assert method in told
    assert "9,999 are needed" in told
    assert "One thing to know." in told


def test_a_network_that_had_seen_the_families_says_so(trust):
    caveat = "The network had seen these families, so in earnest it does worse."
    for frozen in (True, False):
        own = trial(replace(trust, frozen=frozen))
        assert (caveat in words(trust_sections.sections(own, trusted.figures(own)))) is not frozen


def test_new_animals_are_told_where_there_were_some(trust):
    own = trial(trust)
    assert trusted.figures(own)["novel"] is None
    logits, _ = drawn(40, 9, strength=0.0)
    names = ("ursidae",) * 20 + ("buthidae",) * 20
    strange = Strangers(
        own.trust.judge(Seen(np.ones((40, WIDTH), np.float32), logits)),
        names,
        Taxonomy.of(("buthidae", "ursidae"), {})[0].lineages,
    )
    own = replace(own, new=strange)
    found = trusted.figures(own)
    assert found["novel"]["families"] == 2
    told = words(trust_sections.sections(own, found))
    assert "40 photographs of 2 families that it does not know" in told
    assert "a family of a new phylum" in told
    assert "buthidae" in told


def test_what_is_of_other_images_is_refused(trust):
    own = trial(trust)
    with pytest.raises(DataError, match="not of the same images"):
        replace(own, classes=own.classes[1:])
