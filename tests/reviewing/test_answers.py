"""What people answered: the last word counts, disputes are kept apart, names are held against what is known."""

import pytest

from raravis.errors import DataError, UsageError
from raravis.reviewing import answers
from raravis.reviewing.answers import Answer
from raravis.reviewing.families import Families

ID = "ab" * 32


def said(family, who="", time="", path="a.jpg"):
    return Answer("", path, family, who, time)


def test_the_last_answer_of_one_person_counts():
    found = answers.settle([said("felidae", "Ada", "2026-02"), said("canidae", "ada", "2026-01")])
    assert [one.family for one in found.decided] == ["felidae"]
    assert (found.repeated, found.conflicts) == (1, ())


def test_without_times_the_later_row_counts():
    assert [one.family for one in answers.settle([said("felidae"), said("canidae")]).decided] == ["canidae"]


def test_where_people_differ_nobody_is_right():
    found = answers.settle([said("felidae", "Ada"), said("canidae", "Bo"), said("ursidae", "Ada", path="b.jpg")])
    assert [one.family for one in found.decided] == ["ursidae"]
    assert [{one.family for one in people} for people in found.conflicts] == [{"felidae", "canidae"}]


def test_animals_of_one_photograph_are_answered_one_by_one(tmp_path):
    file = tmp_path / "answers.csv"
    left, right = "0.0|0.0|0.5|1.0", "0.5|0.0|0.5|1.0"
    rows = [(left, "felidae"), (right, "canidae"), ("", "ursidae"), (right, "hyaenidae")]
    file.write_text("file_path,image_id,bbox,family\n" + "".join(f"a.jpg,{ID},{box},{name}\n" for box, name in rows))
    found = answers.settle(answers.read(file).answers)
    assert [(one.box, one.family) for one in found.decided] == [
        ((0.0, 0.0, 0.5, 1.0), "felidae"),
        ((0.5, 0.0, 0.5, 1.0), "hyaenidae"),
        (None, "ursidae"),
    ]
    assert found.repeated == 1
    file.write_text("file_path,bbox,family\na.jpg,left,felidae\n")
    with pytest.raises(DataError, match="row 2: bbox is 'left'; left, top, width, height"):
        answers.read(file)


def test_who_did_not_sign_is_somebody_else_in_every_table():
    found = answers.settle([said("felidae"), said("canidae")], [said("ursidae")])
    assert [{one.family for one in people} for people in found.conflicts] == [{"canidae", "ursidae"}]
    assert [one.family for one in answers.settle([said("felidae")], [said("felidae")]).decided] == ["felidae"]


def test_people_who_agree_but_for_case_agree():
    found = answers.settle([said("Felidae", "Ada"), said("felidae", "Bo")])
    assert (len(found.decided), found.conflicts) == (1, ())


def test_a_half_filled_table_gives_its_answers(tmp_path):
    file = tmp_path / "review.csv"
    file.write_text(
        f'file_path,told,family,note,image_id\na.jpg,canidae, Felidae ,"say ""x"", y",{ID}\nb.jpg,ursidae,,,\n'
    )
    found = answers.read(file)
    assert found.answers == (Answer(ID, "a.jpg", "Felidae", note='say "x", y'),)
    assert found.open == 1
    assert found.families == {"canidae", "ursidae"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,colour\na,red\n", "is no table of answers"),
        ("file_path,status,family,top_families\na,ok,felidae,felidae\n", "holds predictions, no answers"),
        ("image_id,family\nxyz,felidae\n", "row 2: the image_id 'xyz' is no SHA-256"),
        ("image_id,file_path,family\n,,felidae\n", "names no photograph"),
        ("file_path,family\n", "holds no rows"),
        ("file_path,family\na,b,c\n", "cannot be read"),
    ],
)
def test_a_foreign_table_is_one_error(tmp_path, text, words):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match=words):
        answers.read(tmp_path / "a.csv")


def test_what_is_not_there_or_no_table_is_a_wrong_call(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    for name in ("gone.csv", "a.txt", "."):
        with pytest.raises(UsageError, match="was expected"):
            answers.read(tmp_path / name)


@pytest.mark.parametrize(
    ("given", "family", "kind"),
    [
        ("FELIDAE", "Felidae", "known"),
        ("red  fox", "red fox", "known"),
        ("ursidae", "ursidae", "new"),
        ("felidea", "felidea", "unknown"),
        ("dragon", "dragon", "unknown"),
    ],
)
def test_a_name_is_known_new_or_unknown(given, family, kind):
    found = Families(["Felidae", "red fox"]).look_up(given)
    assert (found.family, found.kind) == (family, kind)


def test_a_misspelt_name_gets_a_hint():
    assert "Did you mean Felidae?" in Families(["Felidae"]).look_up("felidea").note


def test_a_synonym_is_taken_as_the_name_that_the_data_writes():
    found = Families(["nymphalidae"]).look_up("Danaidae")
    assert (found.family, found.kind) == ("nymphalidae", "synonym")
    assert "Danaidae is taken as nymphalidae" in found.note


def test_a_wider_name_is_not_taken_for_a_part_of_it():
    assert Families(["danaidae"]).look_up("nymphalidae").kind == "new"
