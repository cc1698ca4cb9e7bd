"""Lineages: the bundled table, the user's own columns, and what is told of both."""

import csv

import pytest

from raravis.data.sources.bestiary._sample import _chosen
from raravis.errors import DataError
from raravis.lineages import WIDER, Taxonomy, bundled, check, synonyms


def test_the_bundled_table_is_a_tree_of_lower_case_names():
    table = bundled()
    assert len(table) == 279
    check(table)
    for row in table.values():
        assert all(row[rank] and row[rank] == row[rank].lower() for rank in WIDER)


def test_every_family_of_rare_species_is_in_it(rare_species_metadata):
    with rare_species_metadata.open(encoding="utf-8") as stream:
        found = {row["family"]: row["phylum"] for row in csv.DictReader(stream)}
    assert len(found) == 202
    assert {family: bundled()[family]["phylum"] for family in found} == found


def test_every_family_of_the_bestiary_is_in_it():
    for family in _chosen(None):
        own = dict(zip(WIDER, family.lineage.split(), strict=True))
        known = bundled()[own["family"]]
        assert {r: synonyms().get(own[r], own[r]) for r in WIDER} == {r: known[r] for r in WIDER}


def test_synonyms_lead_to_names_of_the_table():
    names = {row[rank] for row in bundled().values() for rank in WIDER}
    assert set(synonyms().values()) <= names | {"cercopithecidae", "fringillidae"}
    assert not set(synonyms()) & set(bundled())


def test_the_users_own_columns_win_and_the_rest_is_filled_in():
    tree, notes = Taxonomy.of(["felidae", "canidae"], {"felidae": {"order": "my cats"}})
    assert tree.lineage("felidae")["order"] == "my cats"
    assert tree.lineage("canidae") == {
        "kingdom": "animalia",
        "phylum": "chordata",
        "class": "mammalia",
        "order": "carnivora",
        "family": "canidae",
    }
    assert notes == ("The data places felidae in my cats (usually carnivora); the data was followed.",)


def test_synonyms_and_misspellings_are_told():
    _, notes = Taxonomy.of(["polychrotidae", "felidea", "nonsense"], {})
    assert any("polychrotidae (now dactyloidae)" in note for note in notes)
    assert any("felidea (did you mean felidae?), nonsense" in note for note in notes)
    assert Taxonomy.of(["ranidae"], {"ranidae": {"order": "salientia"}})[1] == ()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"a": {"order": "x", "class": "y"}, "b": {"order": "x", "class": "z"}}, "stands in two taxa: y and z"),
        ({"a": {"order": "q", "phylum": "q"}}, "its own ancestor"),
    ],
)
def test_what_is_no_tree_is_refused(given, told):
    with pytest.raises(DataError, match=told):
        Taxonomy.of(list(given), given)


def test_a_record_is_read_back():
    tree, _ = Taxonomy.of(["ranidae", "felidae"], {})
    again = Taxonomy.of_record(tree.record())
    assert again.families == tree.families
    assert again.of_rank("class").tolist() == ["amphibia", "mammalia"]
    with pytest.raises(DataError, match="none of the 2 families"):
        again.lineage("canidae")


def test_what_families_share():
    tree, _ = Taxonomy.of(["felidae", "canidae", "ranidae", "apidae"], {})
    assert tree.common(["felidae", "canidae"]) == ("order", "carnivora")
    assert tree.common(["felidae", "ranidae"]) == ("phylum", "chordata")
    assert tree.common(["felidae"]) == ("family", "felidae")
    assert tree.common(["felidae", "apidae"]) == ("kingdom", "animalia")
