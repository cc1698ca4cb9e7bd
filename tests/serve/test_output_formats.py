"""The output format: columns, quoting, and reading back what a kill left."""

import csv
import io

import numpy as np
import pandas as pd
import pytest

from raravis.errors import UsageError
from raravis.judge.trust import Verdicts
from raravis.serve import formats
from raravis.serve.formats import raravis
from raravis.serve.predictor import Answer
from raravis.serve.row import Row, best, printable, unreadable

FAMILIES = ("canidae", "felidae", "ursidae")
ODD = [
    "plain.jpg",
    "sp ace.jpg",
    "com,ma.jpg",
    'quo"te.jpg',
    "new\nline.jpg",
    "car\rriage.jpg",
    'all",\n"\r.jpg',
    "狐.jpg",
    "caf\udce9.jpg",
]


def answer(*probabilities: float) -> Answer:
    return Answer(np.array([probabilities], np.float32))


def told() -> Answer:
    """Of two images, the second: felidae or ursidae, and strange."""
    probabilities = np.array([[0.9, 0.05, 0.05], [0.1, 0.5, 0.4]], np.float32)
    verdicts = Verdicts(
        probabilities,
        np.array([[True, False, False], [False, True, True]]),
        np.array([0.1, 0.97123], np.float32),
        np.array([0, 2]),
        np.array(["family", "order"]),
        np.array(["canidae", "carnivora"]),
        ("sure", "stranger, than most"),
    )
    return Answer(probabilities, verdicts)


def rows() -> list[Row]:
    good = [best(name, answer(0.25, 0.7, 0.05), 0, FAMILIES, 2) for name in ODD]
    return [row for g, name in zip(good, ODD, strict=True) for row in (g, unreadable(name, 'is "bad",\n twice'))]


def written() -> bytes:
    return raravis.header() + b"".join(map(raravis.record, rows()))


def test_the_columns_are_those_of_the_interface_and_unknown_ones_are_empty():
    good, bad = rows()[:2]
    assert raravis.header().decode() == (
        "file_path,status,error,verdict,family,confidence,top_families,top_confidences,"
        "prediction_set,novelty,taxon_rank,taxon,reason\n"
    )
    assert raravis.record(good).decode() == "plain.jpg,ok,,,felidae,0.700000,felidae|canidae,0.700000|0.250000,,,,,\n"
    assert raravis.record(bad).decode() == 'plain.jpg,unreadable,"is ""bad"", twice",,,,,,,,,,\n'


def test_what_is_known_of_how_far_it_may_be_believed_is_told_and_read_back():
    row = best("x.jpg", told(), 1, FAMILIES, 1)
    text = raravis.record(row)
    assert text.decode() == (
        "x.jpg,ok,,unfamiliar,felidae,0.500000,felidae,0.500000,felidae|ursidae,0.9712,order,carnivora,"
        '"stranger, than most"\n'
    )
    ((read, _),) = raravis.records(io.BytesIO(text))
    assert (read.verdict, read.prediction_set, read.novelty) == ("unfamiliar", ("felidae", "ursidae"), 0.9712)
    assert (read.taxon_rank, read.taxon, read.reason) == ("order", "carnivora", "stranger, than most")


def test_csv_readers_get_every_name_back():
    names = [printable(name) for name in ODD for _ in range(2)]
    text = written().decode("utf-8")
    assert [r["file_path"] for r in csv.DictReader(io.StringIO(text, newline=""))] == names
    table = pd.read_csv(io.BytesIO(written()), dtype=str, keep_default_na=False)
    assert table["file_path"].tolist() == names
    assert names[-1] == r"caf\udce9.jpg"


def test_a_bar_in_the_name_of_a_family_does_not_make_it_two():
    row = best("x.jpg", told(), 1, ("canidae", "fel|idae", "ursidae"), 2)
    ((read, _),) = raravis.records(io.BytesIO(text := raravis.record(row)))
    assert read.families == ("fel|idae", "ursidae")
    assert read.prediction_set == ("fel|idae", "ursidae")
    assert rb",fel|idae,0.500000,fel\x7cidae|ursidae," in text


def test_equal_probabilities_keep_the_order_of_names_and_top_k_is_bounded():
    row = best("x", answer(1 / 3, 1 / 3, 1 / 3), 0, FAMILIES, 9)
    assert row.families == FAMILIES


def test_from_every_cut_the_whole_rows_are_read_back_and_no_half_one():
    data, expected = written(), rows()
    ends = np.cumsum([len(raravis.header()), *(len(raravis.record(r)) for r in expected)]).tolist()
    for cut in range(len(raravis.header()), len(data) + 1):
        stream = io.BytesIO(data[:cut])
        stream.seek(len(raravis.header()))
        found = list(raravis.records(stream))
        whole = sum(end <= cut for end in ends) - 1
        assert [end for _, end in found] == ends[1 : whole + 1]
        assert [r.file_path for r, _ in found] == [r.file_path for r in expected[:whole]]
    assert found[0][0].families == expected[0].families
    np.testing.assert_allclose(found[0][0].confidences, expected[0].confidences, atol=1e-6)
    assert found[1][0] == expected[1]


@pytest.mark.parametrize(
    "line",
    [
        b"a,b\n",
        b"x.jpg,perhaps,,,,,,,,,,,\n",
        b"x.jpg,ok,,,f,1,f,one,,,,\n",
        b'x"y",ok"z" q,,,,,,,,,,\n',
        b"\n",
        b"\xff,ok,,,f,1,f,1,,,,\n",
    ],
)
def test_foreign_rows_are_refused(line):
    with pytest.raises(ValueError):  # noqa: PT011 - whatever is wrong with it
        list(raravis.records(io.BytesIO(line)))


def test_formats_are_found_by_name():
    assert formats.load("raravis") is raravis
    with pytest.raises(
        UsageError, match=r"There is no format named 'raravi'\. Did you mean 'raravis'\?\nKnown: raravis"
    ):
        formats.load("raravi")
