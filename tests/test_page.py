import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from raravis import drawing, page
from raravis.errors import StorageError
from raravis.page import Code, Facts, Picture, Points, Section, Table, Text


@pytest.fixture(scope="module")
def picture() -> bytes:
    return drawing.png(drawing.image_grid([np.zeros((8, 8, 3), np.uint8)], ["one"], 1, side=32))


class Reader(HTMLParser):
    """Collects tags with their attributes, and fails on tags that do not close in order."""

    VOID = frozenset(("meta", "img"))

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.texts = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data.strip())

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def test_page_stands_alone_and_is_well_formed(tmp_path, picture):
    sections = [
        Section("First look", [Facts({"Images": 7466, "Score": (0.8123, "95%: 0.79–0.83")}), Text("one\n\ntwo")]),
        Section("First look", [Picture(picture, "caption", "alt words"), Points(["a"]), Code("x = 1\n", "recipe")]),
        Section("Größe", [Table(pd.DataFrame({"family": ["felidae"], "n": [3]}), "Families")]),
    ]
    page.write(tmp_path / "report.html", title="A title", lead="A lead.", sections=sections)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    read = Reader(text)
    assert read.all("html") == [{"lang": "en"}]
    assert [a["src"].split(",")[0] for a in read.all("img")] == ["data:image/png;base64"]
    assert read.all("img")[0]["alt"] == "alt words"
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text)
    assert "@import" not in text
    assert "url(" not in text
    ids = [a["id"] for _, a in read.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert all(a["href"].removeprefix("#") in ids for a in read.all("a"))
    assert [a["href"] for a in read.all("a")][1:] == ["#first-look", "#first-look-2", "#gr-e"]
    for shown in ("7,466", "0.812", "95%: 0.79–0.83", "one", "two", "A lead."):
        assert shown in read.texts


def test_everything_from_outside_is_escaped(picture):
    evil = '<script>alert("x")</script>'
    blocks = [
        Text(evil),
        Points([evil]),
        Code(evil, evil),
        Facts({evil: evil}),
        Table(pd.DataFrame({evil: [evil]}), evil),
        Picture(picture, evil, evil + '"'),
    ]
    text = page.render(title=evil, lead=evil, sections=[Section(evil, blocks)])
    read = Reader(text)
    assert "alert(" not in read.texts
    assert len(read.all("script")) == 1


def test_table_keeps_every_digit_for_sorting_and_marks_numbers():
    frame = pd.DataFrame({"family": ["a", "b"], "f1": [0.12345678, np.nan], "n": [1200, 5]})
    text = page.render(title="t", lead="l", sections=[Section("s", [Table(frame)])])
    read = Reader(text)
    assert [a.get("class") for a in read.all("th")] == [None, "number", "number"]
    assert [a.get("data-key") for a in read.all("td")] == [None, "0.12345678", "1200.0", None, "", "5.0"]
    assert page.NOTHING in read.texts


def test_table_with_the_same_column_twice_or_without_rows():
    frame = pd.DataFrame([[1, 2]], columns=["n", "n"])
    assert len(Reader(page.render(title="", lead="", sections=[Section("s", [Table(frame)])])).all("td")) == 2
    empty = pd.DataFrame({"n": []})
    assert Reader(page.render(title="", lead="", sections=[Section("s", [Table(empty)])])).all("td") == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (7466, "7,466"),
        (np.int64(-12), "−12"),
        (0.81249, "0.812"),
        (-0.5, "−0.500"),
        (0.0, "0.000"),
        (1234.5, "1,234.500"),
        (0.00012, "1.2e-04"),
        (np.float32(0.5), "0.500"),
        (float("nan"), "–"),
        (None, "–"),
        (True, "True"),
        ("as it is", "as it is"),
    ],
)
def test_values_are_written_for_readers(value, shown):
    assert page.written(value) == shown


def test_jpeg_is_told_from_png_and_others_are_refused():
    grid = drawing.image_grid([np.zeros((8, 8, 3), np.uint8)], ["one"], 1, side=32)
    text = page.render(title="", lead="", sections=[Section("s", [Picture(drawing.jpeg(grid), "", "a")])])
    assert "data:image/jpeg;base64," in text
    with pytest.raises(ValueError, match="PNG or JPEG"):
        page.render(title="", lead="", sections=[Section("s", [Picture(b"GIF89a", "", "a")])])


def test_a_page_that_cannot_be_written_is_one_storage_error(tmp_path):
    with pytest.raises(StorageError, match=r"report\.html"):
        page.write(tmp_path / "none" / "report.html", title="t", lead="l", sections=[])
