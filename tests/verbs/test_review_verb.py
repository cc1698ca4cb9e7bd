"""`raravis review` as a user meets it: listing, answering on the page, taking answers in, training on them."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import raravis
from raravis import engine
from raravis.cli import app
from raravis.data.sources import Request, open_source
from raravis.errors import DataError, UsageError
from raravis.serve.corrections import SOMETHING_ELSE, Corrections
from raravis.serve.neighbours import Neighbour
from raravis.serve.predictor import Answer


def table_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def answer(folder: Path, name: str, *rows: tuple[str, str], columns=("file_path", "family")) -> Path:
    path = folder / name
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([columns, *rows])
    return path


@pytest.fixture
def predicted(tmp_path, photos36):
    """Predictions of six photographs, one of them not there."""
    names = ["canidae/00.jpg", "felidae/00.jpg", "ursidae/00.jpg", "ursidae/01.jpg", "canidae/gone.jpg"]
    header = "file_path,status,error,verdict,family,confidence,top_families,top_confidences,novelty"
    sure = ["0.9|0.05", "0.4|0.35", "0.6|0.2", "0.99|0.01", "0.3|0.2"]
    rows = [
        f"{name},ok,,{'uncertain' if number else 'unfamiliar'},canidae,{both.split('|')[0]},canidae|felidae,{both},0.99"
        for number, (name, both) in enumerate(zip(names, sure, strict=True))
    ]
    path = tmp_path / "identified.csv"
    path.write_text("\n".join([header, *rows, "bad.jpg,unreadable,is empty,,,,,,"]) + "\n")
    return path


def test_predictions_become_a_table_and_a_page_that_stands_alone(predicted, photos36, tmp_path):
    found = raravis.review(predicted, out=tmp_path / "out", root=photos36, quiet=True)
    rows = table_of(tmp_path / "out" / "review.csv")
    assert [row["file_path"] for row in rows] == ["canidae/00.jpg", "felidae/00.jpg", "ursidae/00.jpg"]
    assert all(row["family"] == row["note"] == "" and len(row["image_id"]) == 64 for row in rows)
    assert found.figures["listed"] == 3
    assert found.unreadable == ("canidae/gone.jpg: no such file",)
    assert found.exit_code == 3
    page = (tmp_path / "out" / "review.html").read_text()
    assert "of the others the model gives no sign of doubt, and can still be wrong" in page
    assert page.count("data:image/jpeg;base64,") == 3
    assert "http" not in page.replace("http-equiv", "")


def test_the_limit_bounds_the_list(predicted, photos36, tmp_path):
    raravis.review(predicted, out=tmp_path / "out", root=photos36, limit=1, quiet=True)
    assert [row["file_path"] for row in table_of(tmp_path / "out" / "review.csv")] == ["canidae/00.jpg"]


def test_with_the_run_neighbours_have_a_say_and_are_shown(predicted, photos36, small_run, tmp_path):
    raravis.review(predicted, out=tmp_path / "out", root=photos36, model=small_run, quiet=True)
    page = (tmp_path / "out" / "review.html").read_text()
    listed = len(table_of(tmp_path / "out" / "review.csv"))
    assert listed >= 3
    assert page.count("<figcaption>Nearest training photographs") == listed
    assert page.count("data:image/jpeg;base64,") == listed * (1 + 5)


class Remembering:
    """A predictor that carries its training photographs, as a bundle does."""

    families, size, fit, thumbnail = ("canidae", "felidae"), 16, "squash", None

    def answer(self, batch):
        found = Answer(np.full((len(batch), 2), 0.5, np.float32))
        object.__setattr__(found, "features", np.zeros((len(batch), 3), np.float32))
        return found

    def nearest(self, features, count):
        return [[Neighbour("ursidae", "", 1.0, "CC BY 4.0", "Ada", self.thumbnail)] * count for _ in features]


def test_a_model_that_remembers_its_photographs_has_a_say(predicted, photos36, tmp_path, monkeypatch):
    monkeypatch.setattr("raravis.verbs._review_near.open_predictor", lambda path, seed: Remembering())
    raravis.review(predicted, out=tmp_path / "out", root=photos36, model=tmp_path, quiet=True)
    rows = table_of(tmp_path / "out" / "review.csv")
    assert all("5 of its 5 nearest training photographs are ursidae" in row["reason"] for row in rows)
    assert "ursidae/01.jpg" in {row["file_path"] for row in rows}


def test_the_photographs_that_a_bundle_shows_are_credited(predicted, photos36, tmp_path, monkeypatch):
    bundle = Remembering()
    bundle.thumbnail = (photos36 / "ursidae" / "00.jpg").read_bytes()
    monkeypatch.setattr("raravis.verbs._review_near.open_predictor", lambda path, seed: bundle)
    raravis.review(predicted, out=tmp_path / "out", root=photos36, model=tmp_path, quiet=True)
    page = (tmp_path / "out" / "review.html").read_text()
    assert page.count("<span>ursidae</span>") == page.count('<span class="whose">© Ada, CC BY 4.0</span>') == 5 * 4


def test_the_photographs_of_a_run_are_credited(predicted, photos36, licensed_run, tmp_path):
    raravis.review(predicted, out=tmp_path / "near", root=photos36, model=licensed_run, quiet=True)
    raravis.review(licensed_run, out=tmp_path / "labels", limit=3, quiet=True)
    near, labels = ((tmp_path / name / "review.html").read_text() for name in ("near", "labels"))
    said = '© of {0}, CC BY 4.0, <a href="https://example.org/{0}" rel="noopener noreferrer">example.org</a>'
    whose = {name: said.format(name) for name in ("canidae", "felidae")} | {"ursidae": "licence unknown"}
    for page in (near, labels):
        shown = re.findall(r'<span>(\w+)</span><span class="whose">(.*?)</span>', page)
        assert len(shown) == 5 * page.count("<article")
        assert all(whose[name] == told for name, told in shown)
    listed = re.findall(r'<p class="file">(\w+)/\d+.jpg · \w+ · (.*?)</p>', labels)
    assert len(listed) == 3
    assert all(whose[name] == told for name, told in listed)
    assert ".jpg</p>" in near, "nothing is known of what was predicted"


def test_labels_of_a_run_that_are_wrong_come_first(tmp_path, draw, small_recipe):
    data = draw(tmp_path / "animals", 16)
    for number in (3, 7):
        (data / "canidae" / f"{number:02}.jpg").rename(data / "ursidae" / f"wrong-{number}.jpg")
    raravis.train(str(data), recipe="probe", set=_probe(tmp_path), out=tmp_path / "run", quiet=True)
    found = raravis.review(tmp_path / "run", out=tmp_path / "out", limit=6, quiet=True)
    rows = table_of(tmp_path / "out" / "review.csv")
    assert {row["file_path"] for row in rows[:2]} == {"ursidae/wrong-3.jpg", "ursidae/wrong-7.jpg"}
    assert [(row["label"], row["told"]) for row in rows[:2]] == [("ursidae", "canidae")] * 2
    assert "nearest photographs" in rows[0]["reason"]
    assert found.figures["images"] == 48
    assert not any("learned from the labels" in note for note in found.notes)


def _probe(folder: Path) -> dict[str, object]:
    """A head on a few random filters: colours tell the families apart."""
    keras = engine.keras()
    keras.utils.set_random_seed(1)
    image = keras.Input((16, 16, 3))
    net = keras.Model(image, keras.layers.Conv2D(12, 3, activation="relu")(image))
    net.save(folder / "few.keras")
    (folder / "few.toml").write_text("mean = 128\nscale = 0.01")
    backbone = {"name": str(folder / "few.keras"), "weights": "imagenet"}
    return {"data.size": 16, "model.backbones": [backbone], "model.heads": ["lda"], "model.folds": 2}


def test_a_network_trained_by_the_epoch_is_reviewed_and_its_limits_are_told(small_run, tmp_path):
    found = raravis.review(small_run, out=tmp_path / "out", quiet=True)
    assert any("learned from the labels of train" in note for note in found.notes)
    assert {row["verdict"] for row in table_of(tmp_path / "out" / "review.csv")} <= {"label in doubt"}


def test_answers_become_a_table_that_train_takes_and_no_file_changes(photos36, tmp_path):
    before = {path: path.read_bytes() for path in photos36.rglob("*") if path.is_file()}
    file = answer(
        tmp_path,
        "review.csv",
        ("canidae/00.jpg", "Felidae"),
        ("canidae/01.jpg", "canidae"),
        ("felidae/02.jpg", "-"),
        ("ursidae/03.jpg", ""),
        ("ursidae/04.jpg", "hyaenidae"),
        ("ursidae/05.jpg", "wolpertinger"),
        ("elsewhere/00.jpg", "felidae"),
    )
    found = raravis.review(answers=file, into=str(photos36), out=tmp_path / "out", quiet=True)
    counts = ("answered", "open", "relabelled", "confirmed", "left_out", "unknown_families", "no_such_image", "images")
    assert [found.figures[name] for name in counts] == [6, 1, 2, 1, 1, 1, 1, 35]
    assert any("hyaenidae is new to the data" in note for note in found.notes)
    assert any("'wolpertinger' is known" in note for note in found.notes)
    listing = open_source(Request(str(tmp_path / "out" / "corrected.csv"), root=photos36))
    rows = listing.table.set_index("file_path")
    assert not (listing.table["problem"] != "").any()
    assert rows.loc["canidae/00.jpg", ["family", "label_before"]].tolist() == ["felidae", "canidae"]
    assert rows.loc["ursidae/04.jpg", ["phylum", "family"]].tolist() == ["chordata", "hyaenidae"]
    assert rows.loc["ursidae/05.jpg", "family"] == "ursidae"
    assert "felidae/02.jpg" not in rows.index
    assert {path: path.read_bytes() for path in before} == before
    changes = {row["file_path"]: row["change"] for row in table_of(tmp_path / "out" / "changes.csv")}
    assert changes["ursidae/05.jpg"] == "unknown family"


def test_a_note_says_the_command_and_it_trains(photos36, tmp_path, small_recipe):
    file = answer(tmp_path, "a.csv", ("canidae/00.jpg", "felidae"))
    found = raravis.review(answers=file, into=str(photos36), out=tmp_path / "out", quiet=True)
    assert f"raravis train {tmp_path / 'out' / 'corrected.csv'} --root {photos36}" in found.notes[-1]
    recipe = {**small_recipe, "set": {**small_recipe["set"], "train.epochs": 1}}
    raravis.train(str(found.out), **recipe, root=photos36, out=tmp_path / "run", quiet=True)
    split = {row["file_path"]: row["family"] for row in table_of(tmp_path / "run" / "split.csv")}
    assert split["canidae/00.jpg"] == "felidae"


def test_unknown_families_are_taken_in_when_asked(photos36, tmp_path):
    file = answer(tmp_path, "a.csv", ("canidae/00.jpg", "wolpertinger"))
    with pytest.raises(DataError, match="Nothing of what was answered"):
        raravis.review(answers=file, into=str(photos36), out=tmp_path / "one", quiet=True)
    found = raravis.review(answers=file, into=str(photos36), out=tmp_path / "two", new_families=True, quiet=True)
    assert found.figures["relabelled"] == 1


def test_answers_follow_the_image_not_the_path(photos36, tmp_path):
    moved = shutil.copytree(photos36, tmp_path / "moved")
    shutil.copy(moved / "canidae" / "00.jpg", moved / "felidae" / "copy.jpg")
    rows = table_of(_reviewed(photos36, tmp_path))
    columns = ("file_path", "image_id", "family")
    file = answer(tmp_path, "a.csv", ("other/name.jpg", rows[0]["image_id"], "ursidae"), columns=columns)
    found = raravis.review(answers=file, into=str(moved), out=tmp_path / "out", quiet=True)
    changed = {row["file_path"] for row in table_of(found.out) if row["label_before"]}
    assert changed == {"canidae/00.jpg", "felidae/copy.jpg"}


def _reviewed(photos: Path, folder: Path) -> Path:
    (folder / "p.csv").write_text("file_path,family,confidence\ncanidae/00.jpg,felidae,0.2\n")
    raravis.review(folder / "p.csv", out=folder / "reviewed", root=photos, quiet=True)
    return folder / "reviewed" / "review.csv"


def test_new_photographs_are_added_to_the_data(photos36, photo, tmp_path):
    (tmp_path / "new").mkdir()
    photo(99).save(tmp_path / "new" / "seen.jpg")
    file = answer(tmp_path, "a.csv", ("new/seen.jpg", "felidae"))
    found = raravis.review(answers=file, into=str(photos36), root=tmp_path, out=tmp_path / "out", quiet=True)
    assert found.figures["added"] == 1
    root = found.notes[-1].rpartition(" --root ")[2]
    listing = open_source(Request(str(found.out), root=Path(root)))
    assert not (listing.table["problem"] != "").any()
    assert len(listing.table) == 37


def test_corrections_are_taken_in_with_their_photographs(photos36, photo, tmp_path):
    photo(98).save(tmp_path / "upload.jpg")
    words = {"suffix": ".jpg", "file_name": "canidae/01.jpg", "told": "canidae", "model": "m", "who": "Ada"}
    with Corrections.open(tmp_path / "corrections.db") as kept:
        kept.add((photos36 / "canidae" / "00.jpg").read_bytes(), family="felidae", **words)
        kept.add((tmp_path / "upload.jpg").read_bytes(), family="ursidae", **words)
        undone = (photos36 / "felidae" / "00.jpg").read_bytes()
        kept.undo(kept.add(undone, family="ursidae", **words))
    given = [tmp_path / "corrections.db"]
    found = raravis.review(answers=given, into=str(photos36), out=tmp_path / "out", quiet=True)
    assert (found.figures["relabelled"], found.figures["added"]) == (1, 1)
    rows = {row["file_path"]: row for row in table_of(tmp_path / "out" / "changes.csv")}
    assert set(rows) == {""}, "the names that users gave are no paths"
    (added,) = (tmp_path / "out" / "added").iterdir()
    assert added.read_bytes() == (tmp_path / "upload.jpg").read_bytes()
    alone = raravis.review(answers=given, out=tmp_path / "alone", quiet=True)
    assert alone.figures["images"] == 2


def test_something_else_takes_a_photograph_out_and_makes_no_family(photos36, photo, tmp_path):
    photo(97).save(tmp_path / "upload.jpg")
    words = {"suffix": ".jpg", "file_name": "a.jpg", "told": "canidae", "model": "m", "who": "Ada"}
    with Corrections.open(tmp_path / "corrections.db") as kept:
        for file in (photos36 / "canidae" / "00.jpg", tmp_path / "upload.jpg"):
            kept.add(file.read_bytes(), family=SOMETHING_ELSE, **words)
        kept.add((photos36 / "canidae" / "01.jpg").read_bytes(), family="felidae", **words)
    given = [tmp_path / "corrections.db"]
    found = raravis.review(answers=given, into=str(photos36), new_families=True, out=tmp_path / "out", quiet=True)
    assert (found.figures["left_out"], found.figures["added"], found.figures["images"]) == (2, 0, 35)
    assert {row["family"] for row in table_of(found.out)} == {"canidae", "felidae", "ursidae"}


def test_people_who_differ_are_told_and_change_nothing(photos36, tmp_path):
    columns = ("file_path", "family", "who")
    ada = answer(tmp_path, "a.csv", ("canidae/00.jpg", "felidae", "Ada"), columns=columns)
    bo = answer(
        tmp_path, "b.csv", ("canidae/00.jpg", "ursidae", "Bo"), ("canidae/01.jpg", "ursidae", "Bo"), columns=columns
    )
    found = raravis.review(answers=[ada, bo], into=str(photos36), out=tmp_path / "out", quiet=True)
    assert (found.figures["conflicts"], found.figures["relabelled"]) == (1, 1)
    assert any("felidae or ursidae" in note for note in found.notes)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "one of the two was expected"),
        (["p.csv", "--answers", "a.csv"], "was expected. Write --answers before each file"),
        (["p.csv", "--into", "x"], "what becomes of --answers"),
        (["--answers", "a.csv", "--model", "x"], "go with a review"),
        (["--answers", "a.csv", "--path-column", "x"], "Columns say how"),
        (["gone.csv"], "is not there"),
        (["empty"], "empty holds no run (no recipe.toml); a table"),
        (["bundle"], "bundle is a bundle, which keeps no labels; a table"),
        (["--answers", "gone.db"], "is not there"),
    ],
)
def test_what_does_not_go_together_is_a_wrong_call(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "bundle.json").write_text("{}")
    found = CliRunner().invoke(app, ["review", *arguments, "--out", "out"])
    assert found.exit_code == 2
    assert words in " ".join(found.stderr.split())
    assert not (tmp_path / "out" / "review.csv").exists()


def test_photographs_that_are_all_elsewhere_are_one_error(predicted, tmp_path):
    with pytest.raises(UsageError, match="give it as --root"):
        raravis.review(predicted, out=tmp_path / "out", root=tmp_path / "nowhere", quiet=True)


def test_one_json_object_is_printed(predicted, photos36, tmp_path):
    arguments = ["review", str(predicted), "--root", str(photos36), "--out", str(tmp_path / "out"), "--json"]
    found = CliRunner().invoke(app, arguments)
    assert json.loads(found.stdout)["listed"] == 3
    assert found.exit_code == 3
