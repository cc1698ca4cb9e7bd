import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from raravis import drawing
from raravis.errors import DataError
from raravis.judge import comparison, metrics, predictions

FAMILIES = ["ant", "bee", "cat"]


def table(said, true, split="test", ids=None, families=FAMILIES):
    known = sorted(families)
    ids = ids if ids is not None else [f"i{i:04}" for i in range(len(said))]
    return predictions.build(
        image_id=list(ids),
        file_path=[f"{i}.jpg" for i in ids],
        split=[split] * len(said),
        family=list(true),
        families=known,
        probabilities=np.eye(len(known), dtype=np.float32)[[known.index(s) for s in said]],
    )


def noisy(true, share, seed):
    random = np.random.default_rng(seed)
    wrong = np.asarray(FAMILIES)[(pd.Index(FAMILIES).get_indexer(pd.Index(true)) + 1) % 3]
    return np.where(random.random(len(true)) < share, true, wrong)


@pytest.fixture(scope="module")
def truth():
    return np.random.default_rng(0).choice(FAMILIES, 400)


def test_a_case_worked_by_hand():
    true = ["ant", "ant", "bee", "cat"]
    found = comparison.compare(
        {"a": table(["ant", "bee", "bee", "bee"], true), "b": table(["ant", "ant", "ant", "cat"], true)}
    )
    assert (found.split, found.images, found.notes) == ("test", 4, ())
    assert found.runs["accuracy"].tolist() == [0.5, 0.75]
    # a: ant 2/3, bee 1/2, cat 0 · b: ant 4/5, bee 0, cat 1
    assert found.runs["macro_f1"].tolist() == pytest.approx([(2 / 3 + 1 / 2) / 3, (4 / 5 + 1) / 3])
    pair = found.pairs.iloc[0]
    assert (pair["run"], pair["reference"], pair["wins"], pair["losses"]) == ("b", "a", 2, 1)
    assert pair["accuracy_difference"] == 0.25
    assert pair["mcnemar_p"] == 1.0


def test_scores_and_intervals_are_those_of_metrics(truth):
    one, two = table(noisy(truth, 0.8, 1), truth), table(noisy(truth, 0.6, 2), truth)
    found = comparison.compare({"one": one, "two": two}, seed=3)
    judged = metrics.by_split(two, seed=3)["test"]
    row = found.runs.iloc[1]
    assert row["accuracy"] == judged["accuracy"]
    assert row["macro_f1"] == pytest.approx(judged["macro_f1"])
    assert row["accuracy_low"] == pytest.approx(judged["ci95"]["accuracy"][0], abs=0.02)
    assert row["accuracy_high"] == pytest.approx(judged["ci95"]["accuracy"][1], abs=0.02)


def test_a_real_difference_is_found_and_a_pair_turned_round_changes_sign(truth):
    good, poor = table(noisy(truth, 0.9, 1), truth), table(noisy(truth, 0.6, 2), truth)
    up = comparison.compare({"poor": poor, "good": good}).pairs.iloc[0]
    down = comparison.compare({"good": good, "poor": poor}).pairs.iloc[0]
    assert up["accuracy_difference"] == -down["accuracy_difference"] > 0.2
    assert up["accuracy_difference_low"] > 0.2
    assert up["macro_f1_difference_low"] > 0.2
    assert up["mcnemar_p"] < 1e-10
    assert (up["wins"], up["losses"]) == (down["losses"], down["wins"])


def test_pairing_makes_the_interval_of_a_difference_narrower(truth):
    said = noisy(truth, 0.7, 1)
    other = said.copy()
    other[:20] = truth[:20]
    found = comparison.compare({"a": table(said, truth), "b": table(other, truth)})
    pair, run = found.pairs.iloc[0], found.runs.iloc[0]
    paired = pair["accuracy_difference_high"] - pair["accuracy_difference_low"]
    assert paired < 0.5 * (run["accuracy_high"] - run["accuracy_low"])


def test_equal_models_differ_by_nothing(truth):
    said = noisy(truth, 0.7, 1)
    pair = comparison.compare({"a": table(said, truth), "b": table(said, truth)}).pairs.iloc[0]
    numbers = pair.drop(["run", "reference", "mcnemar_p"]).astype(float)
    assert (numbers == 0).all()
    assert pair["mcnemar_p"] == 1.0


def test_paired_intervals_cover_no_difference_about_as_often_as_they_say():
    random = np.random.default_rng(0)
    covered = 0
    for seed in range(60):
        true = random.choice(FAMILIES, 150)
        pair = {name: table(noisy(true, 0.7, 10 * seed + k), true) for k, name in enumerate("ab")}
        found = comparison.compare(pair, seed=seed, resamples=300).pairs.iloc[0]
        covered += found["accuracy_difference_low"] <= 0 <= found["accuracy_difference_high"]
    assert 52 <= covered <= 60


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (1, 0), (5, 5), (2, 10), (30, 12)])
def test_mcnemar_is_the_two_sided_binomial(wins, losses):
    tail = 2 * binom.cdf(min(wins, losses), wins + losses, 0.5) if wins + losses else 1
    assert comparison.mcnemar(wins, losses) == pytest.approx(min(1, tail))


def test_images_are_joined_by_id_whatever_their_order(truth):
    one, two = table(noisy(truth, 0.8, 1), truth), table(noisy(truth, 0.6, 2), truth)
    shuffled = two.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(
        comparison.compare({"a": one, "b": two}).pairs, comparison.compare({"a": one, "b": shuffled}).pairs
    )


def test_only_common_images_count_and_that_is_told(truth):
    whole, part = table(truth, truth), table(truth[:100], truth[:100])
    found = comparison.compare({"whole": whole, "part": part})
    assert found.images == 100
    assert "whole 400, part 100" in found.notes[0]


def test_images_whose_family_differs_are_left_out_and_told(truth):
    relabelled = truth.copy()
    relabelled[:3] = ["ant" if f != "ant" else "bee" for f in truth[:3]]
    found = comparison.compare({"a": table(truth, truth), "b": table(truth, relabelled)})
    assert found.images == 397
    assert "3 images have another family" in found.notes[0]
    moved = pd.Series(truth).map({"ant": "bee", "bee": "cat", "cat": "ant"}).to_numpy()
    with pytest.raises(DataError, match="labels differ"):
        comparison.compare({"a": table(truth, truth), "b": table(truth, moved)})


def test_a_family_that_one_model_does_not_know_counts_as_missed():
    true = ["ant", "bee", "cat", "cat"]
    small = table(["ant", "bee", "bee", "bee"], true, families=["ant", "bee"])
    found = comparison.compare({"small": small, "whole": table(true, true)})
    assert found.runs["accuracy"].tolist() == [0.5, 1.0]


def test_val_is_used_and_told_where_test_is_lacking(truth):
    val, ids = table(truth, truth, "val"), [f"t{i}" for i in range(400)]
    both = pd.concat([val, table(truth, truth, "test", ids)])
    found = comparison.compare({"a": both, "b": val})
    assert found.split == "val"
    assert "Not judged on test: b" in found.notes[0]


def test_what_cannot_be_compared_is_refused(truth):
    one = table(truth, truth)
    with pytest.raises(DataError, match="two runs or more; received 1"):
        comparison.compare({"a": one})
    with pytest.raises(DataError, match="no test image in common"):
        comparison.compare({"a": one, "b": table(truth, truth, ids=[f"o{i}" for i in range(400)])})
    with pytest.raises(DataError, match="no side of the split"):
        comparison.compare({"a": one, "b": table(truth, truth, "val")})


def test_the_figure_has_a_line_a_model(truth):
    tables = {f"run {i}": table(noisy(truth, 0.5 + i / 10, i), truth) for i in range(4)}
    figure = comparison.figure(comparison.compare(tables))
    drawing.png(figure)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(tables)
