import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from sklearn.metrics import roc_auc_score

from raravis import drawing
from raravis.errors import DataError
from raravis.judge import metrics, sets, trust_figures


def drawn(figure):
    """The figure's pixel size, after drawing."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return canvas.get_width_height()


def problem(n=300, seed=0):
    random = np.random.default_rng(seed)
    confidence = random.beta(4, 1, n)
    return confidence, random.random(n) < confidence


def test_calibration_shows_both_errors():
    confidence, correct = problem()
    figure = trust_figures.calibration(confidence**3, confidence, correct, correct)
    drawn(figure)
    titles = [axes.get_title(loc="left") for axes in figure.axes[:2]]
    for title, values in zip(titles, (confidence**3, confidence), strict=True):
        assert title.endswith(f"{metrics.calibration_error(values, correct):.3f}")
    assert titles[0].startswith("Before")


def test_risk_is_drawn_with_its_thresholds():
    confidence, correct = problem(2000)
    figure = trust_figures.risk_coverage(confidence, correct, (0.9, 0.95, 1.0))
    drawn(figure)
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert [line[:9] for line in told[2:]] == ["90% right", "95% right"]  # never wrong cannot be promised
    all_right = trust_figures.risk_coverage(confidence, np.ones(2000, bool))
    assert drawn(all_right)[0] > 100


def test_badly_covered_families_are_named_and_the_others_are_not():
    classes = np.repeat(np.arange(20), 10)
    members = np.ones((200, 21), bool)
    members[np.arange(150), classes[:150]] = False
    rows = sets.judge(members, classes)["per_class"]
    families = [f"family{k:02}idae" for k in range(21)]
    figure = trust_figures.class_coverage(rows, families, coverage=0.9, low=0.7)
    drawn(figure)
    (text,) = [text.get_text().split("\n") for text in figure.axes[1].texts]
    assert text[0] == "family00idae 0% of 10"
    assert text[-1] == "and 3 more"
    assert len(text) == 13
    fine = sets.judge(np.ones((200, 21), bool), classes)["per_class"]
    assert not trust_figures.class_coverage(fine, families, coverage=0.9, low=0.7).axes[1].texts


def test_sizes_above_9_share_a_bar():
    members = np.zeros((6, 30), bool)
    for row, size in enumerate((0, 1, 1, 9, 10, 30)):
        members[row, :size] = True
    figure = trust_figures.set_sizes(members, coverage=0.9)
    drawn(figure)
    (axes,) = figure.axes
    assert [bar.get_height() for bar in axes.patches] == [1, 2, *[0] * 7, 1, 2]
    assert axes.get_xticklabels()[-1].get_text() == "10 +"
    assert "8.50 families" in axes.get_title(loc="left")


def test_novelty_tells_the_area_of_every_curve():
    random = np.random.default_rng(0)
    known = {"energy": random.normal(size=200), "distance": random.integers(0, 5, 200)}
    new = {
        "near": {"energy": random.normal(0.5, 1, 90), "distance": random.integers(1, 6, 90)},
        "far": {"energy": random.normal(2, 1, 50)},
    }
    figure = trust_figures.novelty(known, new)
    drawn(figure)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["near", "far"]
    for axes, scores in zip(figure.axes, new.values(), strict=True):
        told = [text.get_text() for text in axes.get_legend().get_texts()]
        for line, (name, values) in zip(told, scores.items(), strict=True):
            truth = np.arange(200 + len(values)) >= 200
            label, area = line.split(": AUROC ")
            expected = roc_auc_score(truth, np.concatenate([known[name], values]))
            assert (label, float(area)) == (name, pytest.approx(expected, abs=0.0006))


def test_four_kinds_of_new_stand_two_by_two():
    scores = np.arange(20.0)
    kinds = ("near", "between", "far", "no animal")
    figure = trust_figures.novelty({"energy": scores}, {kind: {"energy": scores + 5} for kind in kinds})
    width, height = drawn(figure)
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(kinds)
    assert height > 0.8 * width
    tops = [axes.get_position().y0 for axes in figure.axes]
    assert tops[0] == pytest.approx(tops[1])
    assert tops[1] > tops[2]


def test_ranks_fill_the_bar_and_what_was_wrong_is_hatched():
    known = {"family": (0.7, 0.1), "order": (0.2, 0.0), "kingdom": (0.1, 0.0)}
    figure = trust_figures.ranks({"known animals": known, "new animals": {"order": (1.0, 0.4)}})
    drawn(figure)
    (axes,) = figure.axes
    bars = axes.patches
    solid = [bar for bar in bars if not bar.get_hatch()]
    assert [bar.get_width() for bar in solid] == pytest.approx([0.7, 0.2, 0.1, 1.0])
    assert [bar.get_x() for bar in solid] == pytest.approx([0, 0.7, 0.9, 0])
    assert [(bar.get_width(), bar.get_x()) for bar in bars if bar.get_hatch()] == [
        pytest.approx((0.1, 0.6)), pytest.approx((0.4, 0.6)),
    ]  # fmt: skip
    assert [label.get_text() for label in axes.get_yticklabels()] == ["known animals", "new animals"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["family", "order", "kingdom", "wrong"]
    with pytest.raises(DataError, match="At least one group"):
        trust_figures.ranks({})


def test_figures_are_the_same_for_the_same_arrays():
    members = np.random.default_rng(0).random((300, 4)) < 0.6
    rows = sets.judge(members, np.arange(300) % 4)["per_class"]
    one, other = (trust_figures.class_coverage(rows, list("abcd"), coverage=0.9, low=0.7) for _ in range(2))
    assert drawing.png(one) == drawing.png(other)


@pytest.mark.parametrize(
    ("known", "new", "words"),
    [
        ({"a": np.ones(3)}, {}, "At least one kind"),
        ({"a": np.ones(3)}, {"near": {"b": np.ones(3)}}, "'b' has no values"),
        ({"a": np.ones(3)}, {"near": {"a": np.ones(0)}}, "found 3 and 0"),
        ({"a": np.array([np.nan])}, {"near": {"a": np.ones(2)}}, "NaN"),
    ],
)
def test_scores_that_make_no_curve_are_refused(known, new, words):
    with pytest.raises(DataError, match=words):
        trust_figures.novelty(known, new)


def test_families_and_rows_must_belong_together():
    rows = sets.judge(np.ones((2, 2), bool), np.array([0, 1]))["per_class"]
    with pytest.raises(DataError, match="2 rows, 3"):
        trust_figures.class_coverage(rows, ["a", "b", "c"], coverage=0.9, low=0.7)
