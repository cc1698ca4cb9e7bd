"""Verdicts by hand, what other promises change, and a file that is kept, read back, damaged or forged."""

import io
import math
import os
import random
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from raravis.errors import DataError, RunError, StorageError, UsageError
from raravis.judge import novelty, rollup, selective, sets
from raravis.judge.calibration import Calibration
from raravis.judge.novelty import Known, Seen, unit
from raravis.judge.trust import VERDICTS, Trust
from raravis.lineages import Taxonomy

FAMILIES = ("canidae", "equidae", "felidae", "octopodidae", "strigidae")
DOG, HORSE, CAT, OCTOPUS, OWL = range(5)
WIDTH = 8


def seen(*rows):
    """Images of which only the logits matter."""
    logits = np.array(rows, np.float32)
    return Seen(np.zeros((len(rows), WIDTH), np.float32), logits)


def drawn(count, strength, seed):
    """Logits of images of every family in turn, and these families."""
    classes = np.arange(count) % len(FAMILIES)
    logits = np.random.default_rng((2, seed)).normal(size=(count, len(FAMILIES)))
    logits[np.arange(count), classes] += strength
    return logits.astype(np.float32), classes


def made(count=400, *, strength=2.0, scorer="max_logit", seed=0):
    """What a network learned of five families, right more often the greater `strength`."""
    logits, classes = drawn(count, strength, seed)
    probabilities = softmax(logits, axis=1)
    features = unit(np.random.default_rng(seed).normal(size=(count, WIDTH)))
    known = Known(features, classes, len(FAMILIES), Seen(features, logits))
    return Trust(
        FAMILIES,
        Taxonomy.of(FAMILIES, {})[0],
        Calibration("vector", np.full(5, 0.5, np.float32), np.arange(5, dtype=np.float32), 400, {"vector": 0.3}, "few"),
        sets.fit(probabilities, classes),
        novelty.fit(scorer, known),
        probabilities,
        classes,
        {"known": {"max_logit": logits[:, 0]}, "no animal": {"max_logit": logits[:3, 1]}},
        ({"scorer": "max_logit", "near": 0.7, "mean": 0.8},),
        accept=0.93,
        notes=("One thing to know.",),
    )


@pytest.fixture(scope="module")
def trust():
    return made()


@pytest.fixture(scope="module")
def plain():
    """With a scale of novelty that is known: a highest logit below 0.05 is unfamiliar."""
    own = made()
    return replace(own, novelty=replace(own.novelty, usual=np.linspace(-10, 0, 1001, dtype=np.float32)), familiar=0.995)


def sure(of, confidence, top=5.0):
    """Logits whose highest, of a family, is `top`, with that probability; the others are alike."""
    row = np.full(len(FAMILIES), top - math.log(4 * confidence / (1 - confidence)))
    row[of] = top
    return row


def test_verdicts_by_hand(plain):
    threshold = plain.threshold
    assert 0.4 < threshold < 0.7, "some answers are accepted, others not"
    found = plain.judge(seen(sure(CAT, 0.999), sure(CAT, 0.3), sure(CAT, 0.999, top=-1)))
    assert [VERDICTS[v] for v in found.verdict] == ["identified", "uncertain", "unfamiliar"]
    identified, uncertain, unfamiliar = found.reason
    assert identified == f"confidence 1.00; of answers from {threshold:.2f} up, 93% are right"
    assert found.members[1].sum() == 1, "so there is no choice to be told"
    assert uncertain == f"confidence 0.30, and {threshold:.2f} is asked"
    assert unfamiliar == "stranger than 99.9% of photographs of known families"
    assert list(found.rank[[0, 2]]) == ["family", "order"], "no family is told of what is unfamiliar"
    assert list(found.taxon[[0, 2]]) == ["felidae", "carnivora"]
    assert found.novelty == pytest.approx([0.5, 0.5, 1.0], abs=1e-3)
    np.testing.assert_allclose(found.probabilities[0], softmax(sure(CAT, 0.999)), rtol=1e-4)


def test_what_is_nearly_always_right_is_not_called_always_right():
    own = made(strength=5.0)
    assert 0.995 < own.accepted[1] < 1
    assert own.judge(seen(sure(CAT, 0.999, top=8))).reason == (
        "confidence 1.00; every answer that fits is taken, 99% are right",
    )


@pytest.fixture(scope="module")
def every():
    """All answers are taken, were confidence all that counts."""
    own = made(strength=5.0)
    assert own.threshold == 0
    return replace(own, familiar=0.9999)


class TestIdentifiedAgreesWithTheRestOfItsRow:
    def test_without_a_family_that_fits_nothing_is_identified(self, every):
        own = replace(every, sets=replace(every.sets, threshold=0.3))  # families of 0.7 and more
        found = own.judge(seen(sure(CAT, 0.69, top=9), sure(CAT, 0.75, top=9)))
        assert found.members.sum(axis=1).tolist() == [0, 1]
        assert [VERDICTS[v] for v in found.verdict] == ["uncertain", "identified"]
        assert found.reason[0] == "no family fits as well as it should"

    def test_a_family_outside_its_own_set_is_not_identified(self, every):
        priors = np.array([0.9, 0.025, 0.025, 0.025, 0.025])
        fitted = sets.fit(every.probabilities, every.classes, method="prior", weight=1.0, priors=priors)
        own = replace(every, sets=replace(fitted, threshold=-2.5))
        found = own.judge(seen(np.log((0.55, 0.05, 0.39, 0.005, 0.005)) + 9))
        assert [own.families[k] for k in np.flatnonzero(found.members[0])] == ["felidae"]
        assert VERDICTS[found.verdict[0]] == "uncertain"
        assert found.reason[0] == "confidence 0.55, but felidae would fit better, being rarer"

    def test_what_is_told_as_an_animal_and_no_more_is_not_identified(self, every):
        own = replace(every, sets=replace(every.sets, threshold=0.99))
        own.__dict__["rollup"] = rollup.RollUp(own.taxonomy, 0.9, 400)
        row = np.log((0.01, 0.01, 0.55, 0.42, 0.01)) + 9  # a cat or an octopus: of no common phylum
        found = own.judge(seen(row))
        assert found.rank[0] == "kingdom"
        assert VERDICTS[found.verdict[0]] == "uncertain"
        bare = Taxonomy.of([name[:-4] + "x" for name in FAMILIES], {})[0]
        other = replace(own, families=bare.families, taxonomy=bare)
        other.__dict__["rollup"] = rollup.RollUp(bare, 0.9, 400)
        found = other.judge(seen(row))
        assert found.rank[0] == "kingdom"
        assert VERDICTS[found.verdict[0]] == "identified", "nothing between is known of that family"

    def test_the_share_and_the_precision_are_of_those(self):
        own = made(1000, strength=3.0)
        told = own.judge(Seen(np.zeros((1000, WIDTH), np.float32), np.log(own.probabilities)))
        taken = own.sure(told.probabilities, told.members, told.rank)
        right = told.probabilities.argmax(axis=1) == own.classes
        _, precision, share = own.accepted
        assert share == pytest.approx(taken.mean())
        assert precision == pytest.approx(right[taken].mean(), abs=0.02)


def test_confidence_at_the_threshold_is_enough(plain):
    exactly = plain.judge(seen(sure(DOG, 0.9))).probabilities.max()
    for threshold, verdict in ((exactly, "identified"), (np.nextafter(exactly, np.float32(1)), "uncertain")):
        own = replace(plain)
        own.__dict__["accepted"] = (float(threshold), 0.95, 0.5)
        assert VERDICTS[own.judge(seen(sure(DOG, 0.9))).verdict[0]] == verdict


def test_novelty_at_the_limit_is_unfamiliar(plain):
    row = sure(DOG, 0.999)
    rank = float(plain.judge(seen(row)).novelty[0])
    limits = (rank, np.nextafter(np.float32(rank), np.float32(1)))
    told = [VERDICTS[replace(plain, familiar=limit).judge(seen(row)).verdict[0]] for limit in limits]
    assert told == ["unfamiliar", "identified"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ((0.3, 0.04, 0.55, 0.05, 0.06), "confidence 0.55: felidae or canidae"),
        ((0.25, 0.04, 0.5, 0.05, 0.16), "confidence 0.50: felidae, canidae or strigidae"),
        ((0.15, 0.14, 0.38, 0.04, 0.29), "confidence 0.38: felidae, strigidae, canidae or equidae"),
        ((0.2, 0.15, 0.3, 0.14, 0.21), "confidence 0.30, and 0.70 is asked"),
        ((0.08, 0.08, 0.68, 0.08, 0.08), "confidence 0.68, and 0.70 is asked"),
        ((0.0755, 0.0755, 0.698, 0.0755, 0.0755), "confidence 0.698, and 0.700 is asked"),
    ],
)
def test_two_to_four_families_are_named_the_likeliest_first(plain, row, reason):
    own = replace(plain, sets=replace(plain.sets, threshold=0.9))  # families of 0.1 and more
    own.__dict__["accepted"] = (0.7, 0.95, 0.5)
    (told,) = own.judge(seen(np.log(row) + 6)).reason
    assert told == reason


def test_what_shows_nothing_is_unfamiliar_however_sure_the_network_is(plain):
    sure_of_it = seen((9.0, 0, 0, 0, 0), (9.0, 0, 0, 0, 0))
    found = plain.judge(sure_of_it, np.array([False, True]))
    assert [VERDICTS[one] for one in found.verdict] == ["identified", "unfamiliar"]
    assert found.novelty[1] == 1
    assert (found.rank[1], found.taxon[1]) == ("kingdom", "animalia")
    assert "nothing is to be seen" in found.reason[1]
    assert found.novelty.dtype == np.float32
    as_before = plain.judge(sure_of_it)
    assert (found.rank[0], found.taxon[0], found.reason[0]) == (
        as_before.rank[1],
        as_before.taxon[1],
        as_before.reason[1],
    )


def test_a_verdict_is_of_the_image_alone(trust):
    rows = np.random.default_rng(1).normal(size=(40, 5)) * 3
    together = trust.judge(seen(*rows))
    alone = trust.judge(seen(rows[17]))
    for name in ("probabilities", "members", "novelty", "verdict", "rank", "taxon"):
        np.testing.assert_array_equal(getattr(alone, name)[0], getattr(together, name)[17])
    assert alone.reason[0] == together.reason[17]


def test_no_image_has_no_verdict(trust):
    found = trust.judge(Seen(np.empty((0, WIDTH), np.float32), np.empty((0, 5), np.float32)))
    assert found.reason == ()
    assert found.members.shape == (0, 5)
    assert len(found.verdict) == len(found.rank) == len(found.novelty) == 0


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_promises_are_kept_on_other_images(seed):
    """On 4000 images of the same kind; the tolerances are three standard errors of the 400 held-out ones."""
    own = made(seed=seed)
    logits, classes = drawn(4000, 2.0, seed + 10)
    told = own.judge(seen(*logits))
    right = told.probabilities.argmax(axis=1) == classes
    identified = told.verdict == 0
    assert 0.3 < identified.mean() < 0.8
    assert right[identified].mean() >= own.accept - 0.04
    assert right[identified].mean() > right.mean() + 0.1
    assert told.members[np.arange(4000), classes].mean() == pytest.approx(own.coverage, abs=0.05)
    assert (told.verdict != 2).mean() == pytest.approx(own.familiar, abs=0.04)
    judged = rollup.judge(told.rank, told.taxon, classes, own.taxonomy)
    assert judged["right"] >= own.right - 0.025
    assert judged["depth"] > 1


class TestAsked:
    def test_nothing_asked_changes_nothing(self, trust):
        assert trust.asked().threshold == trust.threshold
        assert trust.asked(coverage=trust.coverage).sets is trust.sets

    def test_more_precision_is_a_higher_threshold(self, trust):
        thresholds = [trust.asked(accept=accept).threshold for accept in (0.5, 0.93, 0.98, 0.9999)]
        assert thresholds == sorted(thresholds)
        assert thresholds[0] == 0
        assert thresholds[0] < thresholds[1] < thresholds[2] < thresholds[3] == math.inf

    def test_more_coverage_is_a_wider_set_of_the_same_method(self):
        own = made()
        own = replace(own, sets=sets.fit(own.probabilities, own.classes, method="raps", penalty=0.02, ranks=2))
        wide, narrow = (own.asked(coverage=coverage) for coverage in (0.97, 0.7))
        sizes = [one.sets.members(own.probabilities).sum() for one in (narrow, own, wide)]
        assert sizes[0] < sizes[1] < sizes[2]
        for one in (wide, narrow):
            assert (one.sets.method, one.sets.penalty, one.sets.ranks) == ("raps", 0.02, 2)
        assert (wide.coverage, wide.sets.coverage) == (0.97, 0.97)
        back = wide.asked(coverage=own.coverage)
        assert back.sets.threshold == own.sets.threshold

    def test_priors_outlive_it(self):
        own = made()
        priors = np.array([0.4, 0.3, 0.1, 0.1, 0.1])
        own = replace(own, sets=sets.fit(own.probabilities, own.classes, method="prior", weight=0.5, priors=priors))
        asked = own.asked(coverage=0.8)
        np.testing.assert_allclose(asked.sets.priors, priors, rtol=1e-12)
        assert (asked.sets.method, asked.sets.weight) == ("prior", 0.5)

    def test_surer_taxa_are_wider(self):
        own = made()
        wanted = [own.asked(right=right).rollup.threshold for right in (0.7, 0.9, 0.99)]
        assert wanted[0] < wanted[1] < wanted[2]

    def test_fewer_familiar_are_more_unfamiliar(self, trust):
        rows = seen(*np.random.default_rng(2).normal(size=(200, 5)) * 3)
        shares = [(trust.asked(familiar=share).judge(rows).verdict == 2).mean() for share in (0.5, 0.9, 0.999)]
        assert shares[0] > shares[1] > shares[2]

    def test_it_leaves_the_original_alone(self, trust):
        before = trust.threshold, trust.sets.threshold, trust.familiar
        trust.asked(accept=0.99, coverage=0.5, familiar=0.5)
        assert (trust.threshold, trust.sets.threshold, trust.familiar) == before

    @pytest.mark.parametrize("name", ["accept", "coverage", "right", "familiar"])
    @pytest.mark.parametrize("value", [0, 1, 1.5, -0.1, 90.0, math.nan])
    def test_what_is_no_share_is_refused(self, trust, name, value):
        with pytest.raises(UsageError, match=f"{name} is .*between 0 and 1"):
            trust.asked(**{name: value})


class TestTooFewImages:
    def test_nothing_is_promised(self):
        own = made(5)
        found = own.judge(seen(sure(DOG, 0.9999, top=50), sure(OWL, 0.5)))
        assert found.members.all()
        assert "9 are needed" in own.sets.note
        assert own.threshold == math.inf
        assert (found.verdict != 0).all()
        assert list(found.rank) == ["kingdom", "kingdom"]
        assert list(found.taxon) == ["animalia", "animalia"]
        assert found.reason[0] == "no confidence promises 93% right answers: too few validation images"

    def test_enough_images_of_a_poor_network_are_not_called_too_few(self):
        own = made(200, strength=0.3)
        assert own.threshold == math.inf
        (reason,) = own.asked(accept=0.999).judge(seen(sure(DOG, 0.9, top=20))).reason
        assert reason == "no confidence promises 99.9% right answers"

    def test_from_so_many_images_on_something_is_promised(self):
        assert made(selective.FEWEST - 1, strength=40.0).threshold == math.inf
        assert made(selective.FEWEST, strength=40.0).asked(accept=0.9, right=0.9).threshold == 0
        assert made(48, strength=40.0).threshold == math.inf, "no taxon but the kingdom could be promised"
        assert made(49, strength=40.0).threshold == 0
        assert made(8).sets.members(made().probabilities).all()
        assert not made(9, strength=8.0).sets.members(made().probabilities).all()
        assert made(48, strength=40.0).rollup.threshold == math.inf
        assert made(49, strength=40.0).rollup.threshold == 0


class TestShortfalls:
    def test_enough_images_and_a_good_network_lack_nothing(self):
        assert made(strength=5.0).asked(accept=0.9).shortfalls() == ()

    def test_every_promise_tells_how_many_images_it_takes(self):
        told = made(5).shortfalls()
        assert [note.rpartition("; ")[2] for note in told] == [
            "9 are needed.",
            "49 are needed.",
            "19 are needed.",
            "30 are needed.",
        ]
        assert "nothing is called unfamiliar" in told[2]

    @pytest.mark.parametrize(
        ("promise", "told"),
        [
            ("coverage", "cannot promise a coverage of 0.9999.* 9,999 are needed"),
            ("right", "the kingdom is told of every image.* 9,999 are needed"),
            ("familiar", "nothing is called unfamiliar; 9,999 are needed"),
            ("accept", "No confidence promises 99.99% right answers.*nothing is called identified"),
        ],
    )
    def test_more_than_can_be_promised_is_told(self, promise, told):
        notes = made(strength=5.0).asked(**{promise: 0.9999}).shortfalls()
        assert len(notes) == 1
        assert re.search(told, notes[0])

    def test_what_many_images_can_tell_they_tell(self):
        """Ten thousand ranks are kept, so that 0.9995 is told from the highest."""
        own = made(3000, strength=5.0).asked(familiar=0.9995)
        assert own.shortfalls() == ()
        row = np.full(len(FAMILIES), -50.0)
        assert VERDICTS[own.judge(seen(row)).verdict[0]] == "unfamiliar"


@pytest.mark.parametrize("shape", [(3, 4), (3, 6), (3,), (3, 5, 1)])
def test_logits_of_another_width_are_refused(trust, shape):
    with pytest.raises(DataError, match=r"Logits \(n, 5\) were expected"):
        trust.judge(Seen(np.zeros((3, WIDTH), np.float32), np.zeros(shape, np.float32)))


def test_features_of_another_network_are_refused():
    own = made(scorer="knn")
    with pytest.raises(DataError, match="7 features an image were given, of another network: 8 were expected"):
        own.judge(Seen(np.ones((3, 7), np.float32), np.zeros((3, 5), np.float32)))


def test_numbers_that_are_none_are_refused(trust):
    logits = np.zeros((3, 5), np.float32)
    logits[1, 2] = np.nan
    with pytest.raises(DataError, match="NaN"):
        trust.judge(Seen(np.zeros((3, WIDTH), np.float32), logits))


class TestKept:
    @pytest.mark.parametrize("scorer", ["max_logit", "combined", "knn"])
    def test_it_comes_back_as_it_was(self, tmp_path, scorer):
        own = replace(made(60, scorer=scorer), set_methods=({"method": "lac", "mean_size": 1.2},), frozen=False)
        own = replace(own, network="ab" * 32)
        own.save(tmp_path / "trust.npz")
        again = Trust.load(tmp_path / "trust.npz")
        told = ("families", "taxonomy", "table", "set_methods", "frozen", "network", "notes")
        for name in (*told, "accept", "coverage", "right", "familiar"):
            assert getattr(again, name) == getattr(own, name)
        assert again.calibration.record() == own.calibration.record()
        assert again.sets.record() == own.sets.record()
        np.testing.assert_array_equal(again.probabilities, own.probabilities, strict=True)
        np.testing.assert_array_equal(again.classes, own.classes, strict=True)
        assert {kind: list(scores) for kind, scores in again.rehearsed.items()} == {
            "known": ["max_logit"],
            "no animal": ["max_logit"],
        }
        rng = np.random.default_rng(3)
        some = Seen(rng.normal(size=(50, WIDTH)).astype(np.float32), rng.normal(size=(50, 5)).astype(np.float32) * 3)
        one, other = own.judge(some), again.judge(some)
        assert one.reason == other.reason
        for name in ("probabilities", "members", "novelty", "verdict", "rank", "taxon"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), strict=True)

    def test_too_few_images_come_back_too(self, tmp_path):
        own = made(5)
        own.save(tmp_path / "trust.npz")
        assert Trust.load(tmp_path / "trust.npz").sets.threshold == math.inf

    def test_other_promises_come_back(self, tmp_path, trust):
        trust.asked(accept=0.97, coverage=0.8, right=0.9, familiar=0.8).save(tmp_path / "trust.npz")
        again = Trust.load(tmp_path / "trust.npz")
        assert (again.accept, again.coverage, again.right, again.familiar) == (0.97, 0.8, 0.9, 0.8)
        assert again.threshold == trust.asked(accept=0.97, coverage=0.8, right=0.9).threshold
        assert again.sets.threshold == trust.asked(coverage=0.8).sets.threshold

    def test_a_missing_file_is_told(self, tmp_path):
        with pytest.raises(RunError, match=r"trust\.npz cannot be read"):
            Trust.load(tmp_path / "trust.npz")

    def test_a_folder_that_is_not_there_cannot_be_written_to(self, tmp_path, trust):
        (tmp_path / "file").write_text("")
        with pytest.raises(StorageError):
            trust.save(tmp_path / "file" / "trust.npz")

    def test_whatever_is_damaged_is_told(self, tmp_path):
        """Cut anywhere, or with any byte changed: it is refused, or it was a byte that says nothing."""
        file = tmp_path / "trust.npz"
        own = made(20)
        own.save(file)
        whole = file.read_bytes()
        rng = random.Random(0)
        refused = 0
        for place in [*rng.sample(range(len(whole)), 250), *(m for m in range(len(whole) - 900, len(whole), 4))]:
            file.write_bytes(whole[:place] + bytes([whole[place] ^ rng.choice([1, 4, 255])]) + whole[place + 1 :])
            try:
                again = Trust.load(file)
            except RunError:
                refused += 1
            else:
                np.testing.assert_array_equal(again.probabilities, own.probabilities)
                assert again.families == own.families
        assert refused > 300
        for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
            file.write_bytes(whole[:length])
            with pytest.raises(RunError, match="Train the run again"):
                Trust.load(file)

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"probabilities": None}, "probabilities"),
            ({"sets/threshold": None}, "lack threshold"),
            ({"calibration/bias": None}, "lacks bias"),
            ({"novelty/scorer": np.array("os")}, "unknown scorer 'os'"),
            ({"sets/method": np.array("magic")}, "unknown method 'magic'"),
            ({"about": np.array("{}")}, "version"),
            ({"about": np.array('{"version": 1}')}, "version 1 instead of 3.*\nTrain the run again"),
            ({"about": np.array('{"version": 99}')}, "version 99 instead of 3"),
            ({"about": np.array("no JSON")}, "cannot be read"),
        ],
    )
    def test_what_does_not_belong_together_is_refused(self, tmp_path, trust, changes, words):
        file = tmp_path / "trust.npz"
        trust.save(file)
        with np.load(file) as held:
            arrays = {name: held[name] for name in held.files}
        np.savez(file, **{n: v for n, v in (arrays | changes).items() if v is not None})
        with pytest.raises(RunError, match=words):
            Trust.load(file)

    @pytest.mark.parametrize("name", ["classes", "about", "rehearsed/known/max_logit", "novelty/kept/rows"])
    def test_nothing_in_it_is_executed(self, tmp_path, trust, name):
        file, mark = tmp_path / "trust.npz", tmp_path / "executed"
        trust.save(file)
        with np.load(file) as held:
            arrays = {key: held[key] for key in held.files}
        arrays[name] = np.array([_Maker(str(mark))], dtype=object)
        np.savez(file, **arrays)
        with pytest.raises(RunError, match="cannot be read"):
            Trust.load(file)
        assert not mark.exists()
        with np.load(file, allow_pickle=True) as held:
            held[name]
        assert mark.exists(), "which it would have done"

    def test_a_bare_pickle_is_refused(self, tmp_path):
        file, mark = tmp_path / "trust.npz", tmp_path / "executed"
        stream = io.BytesIO()
        np.save(stream, np.array([_Maker(str(mark))], dtype=object), allow_pickle=True)
        file.write_bytes(stream.getvalue())
        with pytest.raises(RunError):
            Trust.load(file)
        assert not mark.exists()


class _Maker:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)
