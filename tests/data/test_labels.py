"""Lists of families to name: read from text and tables, and refused where they contradict themselves."""

import pandas as pd
import pytest

from raravis.data import labels
from raravis.errors import DataError, UsageError


def written(tmp_path, text, name="labels.csv"):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return file


def test_a_text_file_has_one_family_a_line(tmp_path):
    file = written(tmp_path, "# mine\nUrsidae\n\n  Canis  lupus \n", "labels.txt")
    assert labels.read(file) == {"Canis lupus": {"family": "Canis lupus"}, "Ursidae": {"family": "Ursidae"}}


@pytest.mark.parametrize(("name", "head"), [("labels.txt", ""), ("labels.csv", "family\n")])
def test_a_list_that_notepad_or_excel_saved_names_the_same(tmp_path, name, head):
    """They put a byte order mark first."""
    file = written(tmp_path, f"\ufeff{head}felidae\nursidae\n", name)
    assert list(labels.read(file)) == ["felidae", "ursidae"]
    with pytest.raises(DataError, match="names felidae twice"):
        labels.read(written(tmp_path, f"\ufeff{head}felidae\nursidae\nfelidae\n", name))


def test_a_table_may_tell_wider_ranks(tmp_path):
    found = labels.read(written(tmp_path, "family,class\nursidae,mammalia\ncorvidae,\n"))
    assert found["ursidae"] == {"class": "mammalia", "family": "ursidae"}
    assert found["corvidae"] == {"family": "corvidae"}


def test_genera_and_species_may_stand_beside_a_family(tmp_path):
    text = "family,genus,species\nursidae,ursus,arctos\nUrsidae,ursus,maritimus\ncorvidae,corvus,corax\n"
    assert labels.read(written(tmp_path, text)) == {
        "ursidae": {"family": "ursidae"},
        "corvidae": {"family": "corvidae"},
    }
    with pytest.raises(DataError, match="twice"):
        labels.read(written(tmp_path, text + "ursidae,ursus,arctos\n"))


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("family\nursidae\nUrsidae \n", DataError, "names Ursidae twice"),
        ("family\nursidae\n", DataError, "names 1 family"),
        ("family,class\nursidae,a\n,b\n", DataError, "line 3 names no family"),
        ("famly\nursidae\ncanidae\n", UsageError, "family"),
        ("class\nmammalia\naves\n", UsageError, "no column 'family'"),
        ("", UsageError, "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_list_is_told(tmp_path, text, error, told):
    with pytest.raises(error, match=told):
        labels.read(written(tmp_path, text))


def test_of_names_of_one_taxon_the_most_frequent_holds():
    """Case, blanks and synonyms make no other taxon, and what is unknown contradicts nothing."""
    table = pd.DataFrame(
        {
            "family": ["f"] * 4,
            "class": ["Aves", "aves", "aves", ""],
            "order": ["cetartiodactyla", "artiodactyla", "artiodactyla", "unknown"],
            "phylum": [""] * 4,
        }
    )
    assert labels.of_table(table) == {"f": {"class": "aves", "order": "artiodactyla", "family": "f"}}


def test_a_family_in_two_taxa_is_refused_not_outvoted():
    table = pd.DataFrame({"family": ["felidae"] * 4 + ["canidae"], "order": ["carnivora"] * 3 + ["strigiformes", ""]})
    told = r"felidae stands in two taxa: order carnivora \(3 images\) and strigiformes \(1\)\.\nMend the column order"
    with pytest.raises(DataError, match=told):
        labels.of_table(table)
