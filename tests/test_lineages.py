"""Lineages of families: the bundled tables, what a catalogue adds, and what cannot be a tree."""

import csv
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raravis import lineages
from raravis.data.sources.bestiary import families as bestiary
from raravis.errors import DataError
from raravis.lineages import WIDER, Taxonomy

FAMILIES = sorted(lineages.bundled())


def synonyms():
    return lineages._rows("synonyms.csv")


def names_of(rank):
    return {row[rank] for row in lineages.bundled().values()}


def rows_of(file):
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_table_is_a_tidy_tree():
    assert len(FAMILIES) == 279
    rows = lineages._rows("families.csv")
    assert [row["family"] for row in rows] == FAMILIES, "sorted, each once"
    for row in rows:
        assert set(row) == set(WIDER)
        assert all(name.isascii() and name.isalpha() and name.islower() for name in row.values()), row
        assert row["family"].endswith("idae")
    lineages.check(lineages.bundled())
    for below, above in (("order", "class"), ("class", "phylum"), ("phylum", "kingdom")):
        assert len({(row[below], row[above]) for row in rows}) == len(names_of(below))


def test_the_table_holds_the_families_of_rare_species(rare_species_metadata):
    rows = {row["family"]: row for row in rows_of(rare_species_metadata)}
    assert len(rows) == 202
    for family, row in rows.items():
        own = lineages.bundled()[family]
        assert (own["kingdom"], own["phylum"]) == (row["kingdom"], row["phylum"])


def test_the_table_agrees_with_the_wildlife_photographs(wildlife):
    rows = {row["family"]: row for row in rows_of(wildlife / "metadata.csv")}
    assert len(rows) == 119
    for family, row in rows.items():
        assert lineages.bundled()[family] == {rank: row[rank] for rank in WIDER}


def test_the_table_agrees_with_the_bestiary():
    for family in bestiary.all_families():
        own = lineages.bundled()[family.ranks["family"]]
        assert own == {rank: lineages.accepted(name, rank)[0] for rank, name in family.ranks.items()}


def test_synonyms_lead_to_names_of_the_table():
    rows = synonyms()
    assert len({row["synonym"] for row in rows}) == len(rows)
    for row in rows:
        assert row["accepted"] in names_of(row["rank"]), row
        assert row["synonym"] not in names_of(row["rank"]), row


@pytest.mark.parametrize(
    ("name", "rank", "expected"),
    [
        ("Cetartiodactyla", "order", "artiodactyla"),
        ("teleostei", "class", "actinopterygii"),
        ("chelonii", "order", "testudines"),
        ("serpentes", "class", "serpentes"),
        ("Arctiidae", "family", "erebidae"),
        ("felidae", "family", "felidae"),
    ],
)
def test_accepted_names(name, rank, expected):
    assert lineages.accepted(name, rank)[0] == expected


def test_a_note_says_how_a_synonym_differs():
    assert lineages.accepted("urodela", "order") == ("caudata", "")
    assert "part" in lineages.accepted("serpentes", "order")[1]


def test_families_alone_get_their_lineages():
    taxonomy, notes = Taxonomy.of(("felidae", "strigidae"), {})
    assert notes == ()
    assert taxonomy.ranks == WIDER
    assert list(taxonomy.lineage("strigidae").values()) == ["animalia", "chordata", "aves", "strigiformes", "strigidae"]


def test_the_data_wins_and_is_told():
    taxonomy, notes = Taxonomy.of(("chaetodontidae", "percidae"), {"chaetodontidae": {"order": "perciformes"}})
    assert list(taxonomy.of_rank("order")) == ["perciformes", "perciformes"]
    assert list(taxonomy.of_rank("class")) == ["actinopterygii", "actinopterygii"]
    assert len(notes) == 1
    assert "chaetodontidae in perciformes (usually acanthuriformes)" in notes[0]


def test_older_names_of_families_are_told():
    taxonomy, notes = Taxonomy.of(("Arctiidae", "felidae"), {})
    assert notes == ("Names that are synonyms: Arctiidae (now erebidae); they were kept as given.",)
    assert taxonomy.lineage("Arctiidae")["order"] == "lepidoptera"


def test_what_the_data_says_of_an_order_holds_for_families_it_says_nothing_of():
    given = {"felidae": {"order": "carnivora", "class": "beasts"}}
    taxonomy, _ = Taxonomy.of(("canidae", "felidae", "strigidae"), given)
    assert list(taxonomy.of_rank("class")) == ["beasts", "beasts", "aves"]


def test_a_taxon_is_one_however_it_is_written():
    given = {"felidae": {"class": "Mammalia"}, "ursidae": {"class": " mammalia"}}
    given["bovidae"] = {"order": "Cetartiodactyla"}
    taxonomy, notes = Taxonomy.of(("bovidae", "canidae", "cervidae", "felidae", "ursidae"), given)
    assert set(taxonomy.of_rank("class")) == {"Mammalia"}
    assert list(taxonomy.of_rank("order")[[0, 2]]) == ["Cetartiodactyla", "Cetartiodactyla"]
    assert notes == ()


def test_a_part_of_a_taxon_is_not_taken_for_the_whole():
    taxonomy, _ = Taxonomy.of(("bovidae", "delphinidae"), {"delphinidae": {"order": "cetacea"}})
    assert list(taxonomy.of_rank("order")) == ["artiodactyla", "cetacea"]
    assert set(taxonomy.of_rank("class")) == {"mammalia"}


def test_families_of_which_more_is_said_come_first():
    taxonomy, _ = Taxonomy.of(("percidae", "serranidae"), {"serranidae": {"class": "teleostei"}})
    assert list(taxonomy.of_rank("class")) == ["teleostei", "teleostei"]
    assert list(taxonomy.of_rank("order")) == ["perciformes", "perciformes"]


def test_what_contradicts_the_data_is_left_blank():
    taxonomy, notes = Taxonomy.of(("carabidae", "felidae"), {"felidae": {"class": "insecta"}})
    assert taxonomy.lineage("felidae") == {
        "kingdom": "animalia",
        "phylum": "arthropoda",
        "class": "insecta",
        "family": "felidae",
    }
    assert "felidae in insecta (usually mammalia)" in notes[0]


def test_classes_of_the_gbif_backbone_are_not_doubled():
    families = ("agamidae", "scincidae")
    taxonomy, notes = Taxonomy.of(families, {family: {"class": "Squamata"} for family in families})
    assert "agamidae in Squamata (usually reptilia)" in notes[0]
    assert list(taxonomy.of_rank("class")) == ["Squamata", "Squamata"]
    assert list(taxonomy.of_rank("order")) == ["", ""]


@pytest.mark.parametrize("blank", ["unknown", "Incertae sedis", "Eupercaria incertae sedis", "n/a", " "])
def test_words_for_unknown_are_blank(blank):
    given = {"felidae": {"order": blank}, "strigidae": {"order": blank, "class": blank}}
    taxonomy, notes = Taxonomy.of(("felidae", "strigidae"), given)
    assert list(taxonomy.of_rank("order")) == ["carnivora", "strigiformes"]
    assert notes == ()


def test_unknown_families_are_told_with_what_they_may_be():
    given = {"canidea": {"order": "carnivora"}, "sittidae": {"order": "passeriformes"}}
    taxonomy, notes = Taxonomy.of(("canidea", "felidea", "red fox", "sittidae"), given)
    assert taxonomy.lineage("red fox") == {"family": "red fox"}
    assert taxonomy.lineage("canidea")["class"] == "mammalia"
    misspelt, unknown = notes
    assert "canidea (canidae?)" in misspelt
    assert "sittidae" not in misspelt
    assert "felidea (did you mean felidae?), red fox;" in unknown


def test_many_names_are_cut_short():
    _, (note,) = Taxonomy.of(tuple(f"kind {number}" for number in range(8)), {})
    assert "kind 4 and 3 more" in note


@pytest.mark.parametrize(
    ("given", "culprits"),
    [
        ({"a": {"order": "x", "class": "p"}, "b": {"order": "X", "class": "q"}}, ["order x", "p and q"]),
        (
            {"a": {"order": "x", "phylum": "f"}, "b": {"order": "x", "class": "p"}, "c": {"order": "x", "class": "q"}},
            ["order x", "p and q"],
        ),
        ({"a": {"class": "p", "phylum": "f"}, "b": {"class": "p", "phylum": "g"}}, ["class p", "f and g"]),
        ({"a": {"order": "x", "kingdom": "f"}, "b": {"order": "x", "kingdom": "g"}}, ["order x", "f and g"]),
    ],
)
def test_two_parents_are_refused(given, culprits):
    with pytest.raises(DataError, match="two taxa") as caught:
        Taxonomy.of(tuple(given), given)
    assert all(culprit in str(caught.value) for culprit in culprits)
    assert "Mend the columns" in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {"a": {"order": "A"}, "b": {}},
        {"a": {"order": "x", "class": "y"}, "b": {"order": "y", "class": "x"}},
        {"a": {"order": "x", "class": "y"}, "b": {"order": "y", "class": "z"}, "c": {"order": "z", "class": "x"}},
    ],
)
def test_loops_are_refused(given):
    with pytest.raises(DataError, match=r"its own ancestor: .* < .*\nMend the columns"):
        Taxonomy.of(tuple(given), given)


def test_a_record_makes_the_round_trip():
    taxonomy, _ = Taxonomy.of(("felidae", "red fox", "agamidae"), {"felidae": {"class": "beasts"}})
    assert Taxonomy.of_record(json.loads(json.dumps(taxonomy.record()))) == taxonomy


def test_a_damaged_record_is_refused():
    rows = Taxonomy.of(("felidae", "canidae"), {})[0].record()
    with pytest.raises(DataError, match="two taxa"):
        Taxonomy.of_record([rows[0], rows[1] | {"class": "aves"}])
    del rows[1]["class"]
    with pytest.raises(DataError, match="lacks the rank class"):
        Taxonomy.of_record(rows)


def test_lumping_by_hand():
    taxonomy, _ = Taxonomy.of(("felidae", "red fox", "canidae", "strigidae"), {})
    names, members = taxonomy.lump("class")
    assert list(names) == ["aves", "mammalia"]
    assert members.dtype == np.float32
    assert members.tolist() == [[0, 1], [0, 0], [0, 1], [1, 0]]
    nothing, none = Taxonomy.of(("red fox", "dog"), {})[0].lump("class")
    assert (nothing.shape, none.shape) == ((0,), (2, 0))


@pytest.mark.parametrize(
    ("families", "expected"),
    [
        (("felidae",), ("family", "felidae")),
        (("felidae", "canidae"), ("order", "carnivora")),
        (("felidae", "equidae"), ("class", "mammalia")),
        (("felidae", "strigidae", "canidae"), ("phylum", "chordata")),
        (("felidae", "octopodidae"), ("kingdom", "animalia")),
        (("felidae", "red fox"), ("kingdom", "")),
    ],
)
def test_what_families_share(families, expected):
    taxonomy, _ = Taxonomy.of(("felidae", "canidae", "equidae", "strigidae", "octopodidae", "red fox"), {})
    assert taxonomy.common(families) == expected


def test_a_family_that_is_not_there():
    with pytest.raises(DataError, match="dodo is none of the 1 families"):
        Taxonomy.of(("felidae",), {})[0].lineage("dodo")


OTHER = {
    "actinopterygii": ["teleostei", "Actinopterygii"],
    "squamata": ["serpentes", "lacertilia"],
    "reptilia": ["sauropsida", "squamata"],
    "artiodactyla": ["cetacea", "cetartiodactyla"],
    "chordata": ["vertebrata"],
    "carnivora": ["incertae sedis", "meat eaters"],
}


@st.composite
def catalogues(draw):
    """Some families, some of their ranks, now and then by another name."""
    families = draw(st.lists(st.sampled_from(FAMILIES), min_size=2, max_size=12, unique=True))
    given = {}
    for family in families:
        known = draw(st.sets(st.sampled_from(WIDER[:-1])))
        own = {rank: lineages.bundled()[family][rank] for rank in WIDER if rank in known}
        given[family] = {rank: draw(st.sampled_from([name, name, *OTHER.get(name, [])])) for rank, name in own.items()}
    return given


@settings(max_examples=150, deadline=None)
@given(catalogues())
def test_filling_in_never_breaks_the_tree_nor_changes_the_data(catalogue):
    try:
        lineages.check({family: own | {"family": family} for family, own in catalogue.items()})
    except DataError:
        with pytest.raises(DataError):
            Taxonomy.of(tuple(catalogue), catalogue)
        return
    taxonomy, _ = Taxonomy.of(tuple(catalogue), catalogue)
    lineages.check(taxonomy.lineages)
    for family, own in catalogue.items():
        for rank, name in own.items():
            assert name == "incertae sedis" or taxonomy.lineages[family][rank].casefold() == name.casefold()
