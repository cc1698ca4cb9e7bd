import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from raravis import drawing
from raravis.judge import confusion, figures, predictions


def names(count):
    return [f"family{k:03}idae" for k in range(count)]


def overlapping(labels, renderer):
    """Neighbouring tick labels whose boxes overlap."""
    boxes = [label.get_window_extent(renderer) for label in labels]
    return [(a, b) for a, b in itertools.pairwise(boxes) if a.overlaps(b)]


def drawn(figure):
    """The figure's pixel size, after drawing, and its renderer."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return canvas.get_width_height(), canvas.get_renderer()


def history(epochs=4):
    steps = np.arange(1, epochs + 1)
    return pd.DataFrame(
        {
            "epoch": steps,
            "loss": 1 / steps,
            "accuracy": 1 - 1 / (steps + 1),
            "val_loss": 1.2 / steps,
            "val_accuracy": [0.2, 0.6, 0.5, 0.6][:epochs],
            "learning_rate": 0.001,
        }
    )


def table(count=30, families=5, seed=0):
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(families), count).astype(np.float32)
    return predictions.build(
        image_id=[f"i{i:03}" for i in range(count)],
        file_path=[f"{i}.jpg" for i in range(count)],
        split=["test"] * count,
        family=random.choice(names(families), count).tolist(),
        families=names(families),
        probabilities=probabilities,
    )


def test_matrix_counts_true_rows_and_predicted_columns():
    counts = confusion.matrix(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 3)
    assert counts.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]


def test_pairs_are_the_most_frequent_then_the_largest_shares():
    counts = np.array([[8, 2, 0], [2, 2, 0], [1, 0, 0]])
    found = confusion.pairs(counts, ["ant", "bee", "cat"])
    assert found.to_dict("records") == [
        {"family": "bee", "taken for": "ant", "images": 2, "of": 4, "share": 0.5},
        {"family": "ant", "taken for": "bee", "images": 2, "of": 10, "share": 0.2},
        {"family": "cat", "taken for": "ant", "images": 1, "of": 1, "share": 1.0},
    ]
    assert len(confusion.pairs(counts, ["ant", "bee", "cat"], limit=1)) == 1
    assert confusion.pairs(np.eye(2, dtype=int), ["ant", "bee"]).empty


@pytest.mark.parametrize("count", [2, 202])
def test_confusion_labels_do_not_overlap_and_nothing_is_cut_off(count):
    known = names(count)
    phyla = ("arthropoda", "chordata", "echinodermata")
    groups = {name: phyla[min(i // 60, 2)] for i, name in enumerate(known)}
    groups[known[0]] = "acanthocephala"  # one family alone, with a long name
    figure = confusion.figure(np.eye(count, dtype=int), known, groups)
    (width, height), renderer = drawn(figure)
    axes = figure.axes[0]
    assert len(axes.get_yticklabels()) == count
    assert overlapping(axes.get_yticklabels(), renderer) == []
    assert overlapping(axes.get_xticklabels(), renderer) == []
    box = figure.get_tightbbox(renderer)
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 * figure.dpi <= width
    assert box.y1 * figure.dpi <= height


def test_confusion_is_ordered_by_phylum_and_shows_shares_of_rows():
    counts = np.array([[1, 3, 0], [0, 2, 0], [0, 0, 0]])
    figure = confusion.figure(counts, ["a", "b", "c"], {"a": "mollusca", "b": "annelida", "c": "mollusca"})
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "a", "c"]
    assert axes.get_images()[0].get_array().tolist() == [[1, 0, 0], [0.75, 0.25, 0], [0, 0, 0]]


def test_curves_mark_the_first_best_epoch():
    figure = figures.curves(history())
    assert len(figure.axes) == 3
    ring = figure.axes[1].get_lines()[-1]
    assert (list(ring.get_xdata()), list(ring.get_ydata())) == ([2], [0.6])
    assert "0.600 in epoch 2" in ring.get_label()


def test_curves_of_one_epoch_of_nan_and_without_a_rate_can_be_drawn():
    drawing.png(figures.curves(history(1)))
    broken = history().assign(val_accuracy=np.nan, val_loss=np.nan, accuracy=np.nan)
    drawing.png(figures.curves(broken))
    assert len(figures.curves(history().drop(columns="learning_rate")).axes) == 2


@pytest.mark.parametrize("count", [1, 43, 202])
def test_every_family_with_images_has_a_bar_and_a_name_of_its_own(count):
    per_family = {name: {"f1": i / 202, "support": i + 1} for i, name in enumerate(names(count))}
    per_family["absent"] = {"f1": 0.0, "support": 0}
    figure = figures.by_family(per_family, {"family000idae": "chordata"})
    _, renderer = drawn(figure)
    shown = [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]
    assert shown == names(count)[::-1]
    bars = [bar.get_width() for axes in figure.axes for bar in axes.patches]
    assert bars == sorted(bars, reverse=True)
    assert all(overlapping(axes.get_yticklabels(), renderer) == [] for axes in figure.axes)


PHYLA = ("acanthocephala", "arthropoda", "chordata", "cnidaria", "echinodermata", "mollusca", "onychophora")


def inside(figure):
    """Whether every word of the legend stands on the figure."""
    (width, height), renderer = drawn(figure)
    (legend,) = figure.legends
    boxes = [text.get_window_extent(renderer).extents for text in legend.get_texts()]
    return all(x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height for x0, y0, x1, y1 in boxes)


@pytest.mark.parametrize("count", [14, 119])
def test_all_phyla_of_a_legend_stand_on_the_figure(count):
    groups = {name: PHYLA[i % len(PHYLA)] for i, name in enumerate(names(count))}
    assert inside(figures.by_family({name: {"f1": 0.5, "support": 3} for name in names(count)}, groups))
    assert inside(figures.sizes(dict.fromkeys(names(count), 3), groups))


@pytest.mark.parametrize("count", [1, 60, 61, 202])
def test_families_have_bars_by_their_number_of_images(count):
    figure = figures.sizes({name: i + 1 for i, name in enumerate(names(count))}, {"family000idae": "chordata"})
    _, renderer = drawn(figure)
    (axes,) = figure.axes
    assert [bar.get_height() for bar in axes.patches] == list(range(count, 0, -1))
    shown = [label.get_text() for label in axes.get_xticklabels()]
    assert shown == (names(count)[::-1] if count <= 60 else [])
    assert overlapping(axes.get_xticklabels(), renderer) == []
    assert names(count)[-1] in (axes.get_xlabel() if count > 60 else shown)


def test_reliability_of_one_image_and_of_many_can_be_drawn():
    drawing.png(figures.reliability(np.array([1.0]), np.array([True])))
    line = figures.reliability(np.full(10, 0.9), np.arange(10) < 6).axes[0].get_lines()[1]
    assert (list(line.get_xdata()), list(line.get_ydata())) == ([pytest.approx(0.9)], [0.6])


def test_best_and_worst_are_the_surest_of_their_kind():
    frame = table(200)
    best, worst = figures.best(frame, 3), figures.worst(frame, 4)
    assert (best["family"] == best["predicted"]).all()
    assert (worst["family"] != worst["predicted"]).all()
    right, wrong = frame[frame["family"] == frame["predicted"]], frame[frame["family"] != frame["predicted"]]
    assert best["confidence"].iloc[0] == right["confidence"].max()
    assert worst["confidence"].iloc[0] == wrong["confidence"].max()
    assert best["family"].is_unique
    assert best["confidence"].is_monotonic_decreasing
    assert not worst.duplicated(["family", "predicted"]).any()


def test_gallery_asks_for_its_images_in_order():
    asked = []

    def images(ids):
        asked.extend(ids)
        return [np.zeros((8, 8, 3), np.uint8)] * len(ids)

    chosen = figures.worst(table(), 3)
    text = {t.get_text().replace("\n", " ") for t in figures.gallery(chosen, images).texts}
    assert asked == chosen["image_id"].tolist()
    first = chosen.iloc[0]
    assert {first["family"], f"taken for {first['predicted']} ({first['confidence']:.0%})"} <= text
