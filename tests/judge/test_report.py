import numpy as np
import pandas as pd
import pytest

from raravis import page
from raravis.errors import DataError
from raravis.judge import metrics, predictions
from raravis.judge.report import report

FAMILIES = ["ant", "bee", "cat", "yak"]
HISTORY = pd.DataFrame(
    {
        "epoch": [1, 2],
        "loss": [1.0, 0.5],
        "accuracy": [0.5, 0.7],
        "val_loss": [1.1, 0.8],
        "val_accuracy": [0.4, 0.6],
    }
)
CURVES = b"\x89PNG\r\nof the curves"


def frame(right=0.7, count=60):
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, count)  # no image of a yak
    said = np.where(random.random(count) < right, truth, (truth + 1) % 3)
    probabilities = np.full((count, 4), 0.05, np.float32)
    probabilities[np.arange(count), said] = 0.85
    return predictions.build(
        image_id=[f"i{i}" for i in range(count)],
        file_path=[f"{i}.jpg" for i in range(count)],
        split=["val"] * (count // 2) + ["test"] * (count // 2),
        family=[FAMILIES[k] for k in truth],
        families=FAMILIES,
        probabilities=probabilities,
    )


def written(out, table, **changes):
    given = {
        "title": "basic_cnn: run <1>",
        "recipe": 'seed = 0\n[model]\nname = "basic_cnn"\n',
        "facts": {"seed": 7, "split_digest": "abc123", "machine": {"cores": 2}, "command": ["train", "x"]},
        "history": HISTORY,
        "curves": CURVES,
        "predictions": table,
        "metrics": metrics.by_split(table, resamples=20),
        "images": lambda ids: [np.zeros((16, 16, 3), np.uint8)] * len(ids),
        "groups": {"ant": "arthropoda"},
        "notes": ["One family is too small."],
    }
    report(out / "report.html", **{**given, **changes})
    return (out / "report.html").read_text(encoding="utf-8")


def test_the_images_that_are_shown_are_credited_and_no_others(tmp_path):
    table = frame()
    assert "Licence unknown: the data do not say" in written(tmp_path, table)
    test = table[table["split"] == "test"]
    rights = table[["file_path", "family"]].assign(
        license="CC BY 4.0", rights_holder=[f"holder{n}." for n in range(60)]
    )
    text = written(tmp_path, table, rights=rights)
    shown = {name for name in rights["rights_holder"] if f">{name}<" in text}
    assert 0 < len(shown) < len(test)
    assert shown <= set(rights.loc[test.index, "rights_holder"])
    assert text.count("CC BY 4.0") >= len(shown)  # an image that several sections show is credited in each


def test_the_report_holds_all_that_a_reader_needs(tmp_path):
    table = frame()
    text = written(tmp_path, table)
    judged = metrics.by_split(table, resamples=20)["test"]
    low, high = judged["ci95"]["accuracy"]
    for words in (
        "basic_cnn: run &lt;1&gt;",
        f"<dd>{judged['accuracy']:.3f}</dd>",
        f"95%: {low:.3f}–{high:.3f}",
        "30 test images of 3 families; the model knows 4",
        "One family is too small.",
        "name = &#34;basic_cnn&#34;",
        "abc123",
        "machine · cores",
        "train x",
        "Known, but without images here: yak.",
        "taken for",
        "calibration error",
        page.data_uri(CURVES),
    ):
        assert words in text, words
    assert text.count("<img ") == 7


def test_another_side_can_be_shown(tmp_path):
    assert "30 validation images" in written(tmp_path, frame(), side="val")
    with pytest.raises(DataError, match="'train' needs its metrics"):
        written(tmp_path, frame(), side="train")


@pytest.mark.parametrize(
    ("right", "words", "pictures"),
    [(1.0, "No image was identified wrongly.", 5), (0.0, "No image was identified rightly.", 6)],
)
def test_all_right_and_all_wrong_are_told_in_words(tmp_path, right, words, pictures):
    text = written(tmp_path, frame(right))
    assert words in text
    assert text.count("<img ") == pictures


def test_one_image_and_no_history_make_a_report(tmp_path):
    table = frame().iloc[-1:].reset_index(drop=True)
    text = written(tmp_path, table, history=HISTORY.iloc[:0], groups=None, notes=())
    assert "No epoch was recorded." in text
