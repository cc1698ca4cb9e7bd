"""`raravis review` of animals in their boxes, and what answers on them, and on photographs that moved, become."""

import shlex
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import raravis
from raravis.cli import app
from raravis.errors import DataError, UsageError
from raravis.serve.pictures import Picture, look
from raravis.serve.predictor import Answer
from raravis.serve.row import Box, Row

COLUMNS = ("file_path", "image_id", "bbox", "family")
NAMED = ("file_path", "bbox", "family")
LEFT, RIGHT = "0.05|0.3|0.2|0.4", "0.6|0.3|0.2|0.4"


def table_of(path: Path) -> list[dict[str, str]]:
    return pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records")


def answer(folder: Path, name: str, *rows: tuple[str, ...], columns=COLUMNS) -> Path:
    pd.DataFrame(rows, columns=list(columns)).to_csv(folder / name, index=False)
    return folder / name


@pytest.fixture
def boxed(tmp_path, photos36):
    """Predictions of a grey photograph with two animals in it, whose colours are those of two families."""
    image = Image.new("RGB", (200, 100), "grey")
    for name, left in (("canidae", 10), ("felidae", 120)):
        with Image.open(photos36 / name / "00.jpg") as animal:
            image.paste(animal.resize((40, 40)), (left, 30))
    (tmp_path / "cameras").mkdir()
    image.save(tmp_path / "cameras" / "two.jpg", quality=95)
    path = tmp_path / "boxed.csv"
    path.write_text("file_path,family,confidence,bbox\n" + f"two.jpg,ursidae,0.5,{LEFT}\ntwo.jpg,ursidae,0.5,{RIGHT}\n")
    return path


def test_animals_in_their_boxes_are_listed_one_by_one_beside_photographs_like_them(
    boxed, small_run, photos36, tmp_path
):
    found = raravis.review(boxed, model=small_run, out=tmp_path / "out", root=tmp_path / "cameras", quiet=True)
    assert (found.figures["photographs"], found.figures["listed"]) == (1, 2)
    rows = {row["bbox"]: row for row in table_of(tmp_path / "out" / "review.csv")}
    assert len(rows) == 2
    assert len({row["image_id"] for row in rows.values()}) == 1
    assert len({row["reason"] for row in rows.values()}) == 2, "each has neighbours of its own"
    page = (tmp_path / "out" / "review.html").read_text()
    assert "2 of 2 animals in their boxes" in page
    assert page.count('<figure class="whole">') == 2


def test_an_answered_animal_is_cut_out_and_is_a_photograph_from_then_on(boxed, photos36, tmp_path, monkeypatch):
    raravis.review(boxed, out=tmp_path / "listed", root=tmp_path / "cameras", quiet=True)
    told = [[row[name] for name in COLUMNS[:3]] for row in table_of(tmp_path / "listed" / "review.csv")]
    left, right = sorted(told, key=lambda one: float(one[2].partition("|")[0]))
    file = answer(tmp_path, "a.csv", (*left, "canidae"), (*right, "felidae"))
    places = {"root": tmp_path / "cameras", "quiet": True}
    found = raravis.review(answers=file, into=str(photos36), out=tmp_path / "out", **places)
    assert (found.figures["added"], found.figures["images"]) == (2, 38)
    assert {row["bbox"] for row in table_of(tmp_path / "out" / "changes.csv")} == {left[2], right[2]}
    root = Path(found.notes[-1].rpartition(" --root ")[2])
    new = table_of(found.out)[36:]
    assert {row["cut_from"] for row in new} == {left[1]}
    added = {row["family"]: root / row["file_path"] for row in new}
    assert {path.parent for path in added.values()} == {tmp_path / "out" / "added"}
    for name, path in added.items():
        with Image.open(path) as image, Image.open(photos36 / name / "00.jpg") as whole:
            assert image.size == (44, 44)
            colour = np.asarray(image, float)[6:-6, 6:-6].mean((0, 1))
            np.testing.assert_allclose(colour, np.asarray(whole, float).mean((0, 1)), atol=12)

    second = answer(tmp_path, "b.csv", (*left, "-"), (*right, "ursidae"))
    monkeypatch.chdir(tmp_path / "cameras")
    again = raravis.review(answers=second, into=str(found.out), out=tmp_path / "again", root=root, quiet=True)
    assert (again.figures["left_out"], again.figures["relabelled"], again.figures["images"]) == (1, 1, 37)


def test_an_animal_of_a_photograph_that_changed_or_is_gone_is_not_taken(boxed, photos36, tmp_path):
    changed, gone = ("two.jpg", "ab" * 32, "0|0|1|1", "canidae"), ("gone.jpg", "", "0|0|1|1", "canidae")
    file = answer(tmp_path, "a.csv", changed, gone, ("two.jpg", "", "0|0|1|1", "felidae"))
    found = raravis.review(answers=file, out=tmp_path / "out", root=tmp_path / "cameras", quiet=True)
    assert (found.figures["no_such_image"], found.figures["added"], found.figures["images"]) == (2, 1, 1)
    assert len(list((tmp_path / "out" / "added").iterdir())) == 1


def test_whose_the_photograph_is_stays_with_the_animal(boxed, tmp_path):
    listed = "file_path,family,license,rights_holder\ntwo.jpg,felidae,CC BY 4.0,Ada\n"
    (tmp_path / "data.csv").write_text(listed)
    file = answer(tmp_path, "a.csv", ("two.jpg", "", LEFT, "canidae"))
    places = {"root": tmp_path / "cameras", "quiet": True}
    found = raravis.review(answers=file, into=str(tmp_path / "data.csv"), out=tmp_path / "out", **places)
    whole, animal = table_of(found.out)
    assert (whole["family"], animal["family"]) == ("felidae", "canidae")
    assert (animal["license"], animal["rights_holder"]) == ("CC BY 4.0", "Ada")


def test_neighbours_are_those_of_what_predict_saw(tmp_path, monkeypatch):
    """Of a large JPEG, which is decoded at a fraction of its size, as the smallest animal in it allows."""
    rng = np.random.default_rng(0)
    small = Image.fromarray(rng.integers(0, 256, (60, 80, 3), np.uint8))
    small.resize((3200, 2400), Image.Resampling.BICUBIC).save(tmp_path / "a.jpg", quality=90)
    sides = [(0.1, 0.1, 0.8, 0.8), (0.3, 0.3, 0.02, 0.03)]
    rows = tuple(Row("a.jpg", box=Box(number, *some, 0.9)) for number, some in enumerate(sides))
    seen = [one.pixels for one in look(Picture(str(tmp_path / "a.jpg"), rows), 16, "squash")]
    asked = []

    class Bundle:
        families, size, fit = ("canidae",), 16, "squash"

        def answer(self, batch):
            asked.extend(batch)
            found = Answer(np.ones((len(batch), 1), np.float32))
            object.__setattr__(found, "features", np.zeros((len(batch), 3), np.float32))
            return found

        def nearest(self, features, count):
            return [[] for _ in features]

    monkeypatch.setattr("raravis.verbs._review_near.open_predictor", lambda path, seed: Bundle())
    lines = (f"a.jpg,canidae,0.3,{'|'.join(map(str, some))}\n" for some in sides)
    (tmp_path / "p.csv").write_text("file_path,family,confidence,bbox\n" + "".join(lines))
    raravis.review(tmp_path / "p.csv", model=tmp_path, out=tmp_path / "out", root=tmp_path, quiet=True)
    np.testing.assert_array_equal(asked, seen)


@pytest.fixture
def taken(boxed, photos36, tmp_path):
    """Two answered animals beside DATA, and the table of answers."""
    file = answer(
        tmp_path, "a.csv", ("two.jpg", "", LEFT, "canidae"), ("two.jpg", "", RIGHT, "felidae"), columns=COLUMNS
    )
    found = raravis.review(answers=file, into=str(photos36), out=tmp_path / "t", root=tmp_path / "cameras", quiet=True)
    root = shlex.split(found.notes[-1])[-1]
    return found.out, root


def test_an_animal_in_the_data_is_answered_again_when_its_photograph_is_gone(taken, tmp_path):
    table, root = taken
    whole = table_of(table)[-1]["cut_from"]
    shutil.rmtree(tmp_path / "cameras")
    file = answer(tmp_path, "b.csv", ("x.jpg", whole, LEFT, "-"), ("x.jpg", whole, RIGHT, "ursidae"))
    found = raravis.review(answers=file, into=str(table), out=tmp_path / "again", root=root, quiet=True)
    told = {name: found.figures[name] for name in ("left_out", "relabelled", "no_such_image", "images")}
    assert told == {"left_out": 1, "relabelled": 1, "no_such_image": 0, "images": 37}
    assert [row["family"] for row in table_of(found.out) if row["cut_from"]] == ["ursidae"]


def test_an_animal_is_found_by_its_photograph_s_bytes_wherever_data_has_it(boxed, photos36, tmp_path):
    moved = shutil.copytree(photos36, tmp_path / "moved")
    (moved / "felidae" / "new name.jpg").write_bytes((tmp_path / "cameras" / "two.jpg").read_bytes())
    raravis.review(boxed, out=tmp_path / "listed", root=tmp_path / "cameras", quiet=True)
    image_id = table_of(tmp_path / "listed" / "review.csv")[0]["image_id"]
    shutil.rmtree(tmp_path / "cameras")
    file = answer(
        tmp_path, "a.csv", ("two.jpg", image_id, LEFT, "canidae"), ("", image_id, RIGHT, "felidae"), columns=COLUMNS
    )
    found = raravis.review(answers=file, into=str(moved), out=tmp_path / "out", quiet=True)
    assert (found.figures["added"], found.figures["no_such_image"]) == (2, 0)


def test_people_differ_about_an_animal_however_each_of_them_names_its_photograph(boxed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    raravis.review(boxed, out="listed", root="cameras", quiet=True)
    image_id = table_of(tmp_path / "listed" / "review.csv")[0]["image_id"]
    names = [("cameras/two.jpg", ""), ("./cameras/two.jpg", ""), ("", image_id)]
    for number, (name, known) in enumerate(names):
        rows = [(name or "cameras/two.jpg", known, LEFT, f"{['canidae', 'felidae', 'ursidae'][number]}")]
        if number == 0:
            rows.append(("cameras/two.jpg", "", RIGHT, "felidae"))
        answer(tmp_path, f"{number}.csv", *rows)
    found = raravis.review(answers=["0.csv", "1.csv", "2.csv"], out="out", quiet=True)
    assert (found.figures["conflicts"], found.figures["added"]) == (1, 1)
    assert "canidae or felidae or ursidae" in " ".join(found.notes)


def test_the_table_has_a_place_to_sign(boxed, tmp_path):
    raravis.review(boxed, out=tmp_path / "listed", root=tmp_path / "cameras", quiet=True)
    assert {row["who"] for row in table_of(tmp_path / "listed" / "review.csv")} == {""}


def test_the_command_that_is_told_can_be_pasted_and_loses_no_image(boxed, photos36, tmp_path, monkeypatch):
    shutil.copytree(photos36, tmp_path / "my data (1)")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    file = answer(tmp_path, "a.csv", ("two.jpg", "", LEFT, "canidae"))
    found = raravis.review(answers=file, into="../my data (1)", out="my answers", root="../cameras", quiet=True)
    _, verb, table, _, root = shlex.split(found.notes[-1].partition(": ")[2])
    assert verb == "train"
    made = raravis.split(table, root=root, out="split.csv", quiet=True)
    assert sum(made.figures["images"].values()) == 37
    assert made.unreadable == ()


@pytest.mark.parametrize("rows", [[("two.jpg", LEFT, "-")], [("gone.jpg", LEFT, "canidae"), ("gone.jpg", RIGHT, "-")]])
def test_where_nothing_is_left_to_learn_from_it_says_so_and_an_earlier_result_stays(taken, tmp_path, rows):
    table, _ = taken
    before = {path: path.read_bytes() for path in table.parent.glob("*.csv")}
    file = answer(tmp_path, "b.csv", *rows, columns=NAMED)
    with pytest.raises(DataError, match=r"Nothing of what was answered could be taken in .*refused\.csv says why"):
        raravis.review(answers=file, out=table.parent, root=tmp_path / "cameras", quiet=True)
    told = table_of(table.parent / "refused.csv")
    assert [row["change"] for row in told] == (["left out"] if len(rows) == 1 else ["no such image"] * 2)
    assert {path: path.read_bytes() for path in before} == before


def test_no_animal_in_a_photograph_that_is_not_there_is_not_told_as_left_out(taken, tmp_path, monkeypatch):
    table, root = taken
    monkeypatch.chdir(tmp_path / "cameras")
    file = answer(tmp_path, "b.csv", ("gone.jpg", LEFT, "-"), ("two.jpg", LEFT, "ursidae"), columns=NAMED)
    found = raravis.review(answers=file, into=str(table), out=tmp_path / "c", root=root, quiet=True)
    told = {name: found.figures[name] for name in ("left_out", "relabelled", "no_such_image", "images")}
    assert told == {"left_out": 0, "relabelled": 1, "no_such_image": 1, "images": 38}


def test_a_new_family_is_written_in_one_way(boxed, tmp_path):
    file = answer(tmp_path, "a.csv", ("two.jpg", LEFT, "Canidae"), ("two.jpg", RIGHT, "canidae"), columns=NAMED)
    found = raravis.review(answers=file, out=tmp_path / "out", root=tmp_path / "cameras", quiet=True)
    assert [row["family"] for row in table_of(found.out)] == ["Canidae", "Canidae"]


def test_an_out_within_a_folder_of_data_is_refused(boxed, photos36, tmp_path):
    file = answer(tmp_path, "a.csv", ("two.jpg", LEFT, "canidae"), columns=NAMED)
    inside = shutil.copytree(photos36, tmp_path / "data") / "corrected"
    with pytest.raises(UsageError, match="would be read as a part of it"):
        raravis.review(answers=file, into=str(inside.parent), out=inside, root=tmp_path / "cameras", quiet=True)
    assert not inside.exists()


def test_photographs_and_animals_are_counted_apart(boxed, tmp_path):
    arguments = ["review", str(boxed), "--root", str(tmp_path / "cameras"), "--out", str(tmp_path / "out")]
    found = CliRunner().invoke(app, arguments).stdout
    assert [line.split()[-1] for line in found.splitlines()[:4]] == ["1", "2", "2", "2"]
