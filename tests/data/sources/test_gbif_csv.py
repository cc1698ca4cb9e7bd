"""GBIF's simple table: no media in it, so images come by their names."""

import zipfile

import pytest

from raravis.errors import DataError

HEADER = (
    "gbifID\toccurrenceID\tkingdom\tphylum\tclass\torder\tfamily\tgenus\tspecies\tlicense\trightsHolder\tmediaType\n"
)
BODY = (
    "11\thttps://x.org/a-1\tAnimalia\tChordata\tMammalia\tCarnivora\tFelidae\tLynx\t"
    'Lynx "P." lynx\tCC_BY_NC_4_0\tDoe\tStillImage\n'
    "12\tq\tAnimalia\tChordata\tAves\tStrigiformes\tStrigidae\tBubo\tBubo bubo\tCC0_1_0\t\tStillImage\n"
    "13\tz\tAnimalia\tChordata\tAves\tStrigiformes\tStrigidae\tBubo\tBubo bubo\tCC0_1_0\t\t\n"
)


@pytest.fixture
def table(tmp_path):
    (tmp_path / "0012-2301.csv").write_text(HEADER + BODY)
    return tmp_path / "0012-2301.csv"


def test_images_bear_the_ids_of_occurrences(table, listed, touch, zipped, tmp_path):
    for name in ("in/11.jpg", "in/11_2.jpg", "in/q.png", "in/14.jpg"):
        touch(tmp_path / name)
    for data in (table, zipped_table(table)):
        found = listed(data, root=tmp_path / "in")
        assert found.kind == "gbif_csv"
        assert list(
            found.table[["file_path", "family", "license", "references"]].itertuples(index=False, name=None)
        ) == [
            ("11.jpg", "Felidae", "CC BY-NC 4.0", "https://www.gbif.org/occurrence/11"),
            ("11_2.jpg", "Felidae", "CC BY-NC 4.0", "https://www.gbif.org/occurrence/11"),
            ("q.png", "Strigidae", "CC0 1.0", "https://www.gbif.org/occurrence/12"),
        ]
        assert found.table["species"].tolist()[0] == 'Lynx "P." lynx'
        assert found.notes == (f"1 occurrences have no image below {tmp_path / 'in'}; they are left out.",)


def zipped_table(table):
    with zipfile.ZipFile(table.with_suffix(".zip"), "w") as archive:
        archive.write(table, table.name)
    return table.with_suffix(".zip")


def test_without_images_it_says_how_to_get_them(table, listed, tmp_path):
    with pytest.raises(DataError, match=r"(?s)no image below .* bears a gbifID.*Darwin Core archive"):
        listed(table)


def test_a_row_that_is_cut_off_is_an_error(table, listed, touch, tmp_path):
    table.write_text(HEADER + BODY[:-40])
    touch(tmp_path / "11.jpg")
    with pytest.raises(DataError, match="row 4 has 6 fields, the header 12"):
        listed(table)
