import numpy as np
import pandas as pd
import pytest

from raravis.errors import DataError, RunError
from raravis.judge import predictions

P = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], np.float32)


def build(**changes):
    given = {
        "image_id": ["i", "j"],
        "file_path": ["a.jpg", "b.jpg"],
        "split": ["test", "test"],
        "family": ["ant", "cat"],
        "families": ["ant", "bee", "cat"],
        "probabilities": P,
    }
    return predictions.build(**{**given, **changes})


def test_columns_values_and_way_back(tmp_path):
    frame = build()
    assert list(frame.columns) == [*predictions.COLUMNS, "p_ant", "p_bee", "p_cat"]
    assert frame["predicted"].tolist() == ["ant", "cat"]
    assert frame["confidence"].tolist() == pytest.approx([0.7, 0.8])
    predictions.save(frame, tmp_path / "predictions.parquet")
    again = predictions.load(tmp_path / "predictions.parquet")
    assert predictions.families(again) == ("ant", "bee", "cat")
    assert predictions.probabilities(again).dtype == np.float32
    np.testing.assert_array_equal(predictions.probabilities(again), P)
    np.testing.assert_array_equal(predictions.truth(again), [0, 2])


def test_families_with_odd_names_survive(tmp_path):
    names = ["a,b", "p_x", "ü \n"]
    frame = build(families=names, family=["p_x", "ü \n"])
    predictions.save(frame, tmp_path / "p.parquet")
    assert predictions.families(predictions.load(tmp_path / "p.parquet")) == tuple(names)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"families": ["bee", "ant", "cat"]}, "sorted"),
        ({"families": ["ant", "ant", "cat"]}, "distinct"),
        ({"families": ["ant", "bee"]}, "shape"),
        ({"image_id": ["i"]}, "1 ids"),
        ({"image_id": ["i", "i"]}, "more than once"),
        ({"probabilities": P * 2}, "sum of 2"),
        ({"probabilities": np.array([[np.nan] * 3, P[1]])}, "1 of 2 rows.*NaN"),
        ({"probabilities": np.array([[np.inf, 0, 0], P[1]])}, "infinite"),
        ({"probabilities": np.array([[1.5, -0.5, 0], P[1]])}, "0–1"),
    ],
)
def test_what_cannot_be_predictions_is_refused(changes, words):
    with pytest.raises(DataError, match=words):
        build(**changes)


def test_a_family_that_the_model_never_saw_is_named_and_refused():
    frame = build(family=["ant", "yak"], split=["test", "novel"])
    with pytest.raises(DataError, match=r"1 images.*yak"):
        predictions.truth(frame)


def test_files_that_hold_no_predictions_are_run_errors(tmp_path):
    with pytest.raises(RunError, match="not there"):
        predictions.load(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("hello")
    with pytest.raises(RunError, match="no table"):
        predictions.load(tmp_path / "text.parquet")
    pd.DataFrame({"image_id": ["a"]}).to_parquet(tmp_path / "thin.parquet")
    with pytest.raises(RunError, match="lacks the columns file_path"):
        predictions.load(tmp_path / "thin.parquet")
    build().iloc[:, :6].to_parquet(tmp_path / "bare.parquet")
    with pytest.raises(RunError, match="p_<family>"):
        predictions.load(tmp_path / "bare.parquet")
