"""iNaturalist: the export of observations, and the open data."""

import gzip
import zipfile

import pytest

from raravis.data.sources import inaturalist
from raravis.errors import DataError

HEADER = (
    "id,observed_on,user_login,user_name,license,url,image_url,scientific_name,taxon_family_name,taxon_genus_name\n"
)
BODY = (
    "7,2024-01-02,ana,Ana Doe,CC-BY-NC,https://www.inaturalist.org/observations/7,"
    "https://static.inaturalist.org/photos/77/medium.jpg,Lynx lynx,Felidae,Lynx\n"
    "8,2024-01-03,bo,,,,https://static.inaturalist.org/photos/88/medium.jpeg,Bubo bubo,Strigidae,Bubo\n"
    "9,2024-01-03,bo,,,,,Bubo bubo,Strigidae,Bubo\n"
)


def rows(found, *columns):
    return list(found.table[list(columns)].itertuples(index=False, name=None))


def test_an_export_is_known_by_its_columns(listed, touch, tmp_path):
    (tmp_path / "observations-1.csv").write_text(HEADER + BODY)
    touch(tmp_path / "photos/88.jpg")
    found = listed(tmp_path / "observations-1.csv", root=tmp_path / "photos")
    assert found.kind == "inaturalist"
    assert rows(found, "family", "license", "rights_holder", "references") == [
        ("Felidae", "CC BY-NC", "Ana Doe", "https://www.inaturalist.org/observations/7"),
        ("Strigidae", "", "bo", "https://www.inaturalist.org/observations/8"),
    ]
    assert found.table["problem"].tolist() == ["is not at hand; `raravis fetch` gets it", ""]
    assert found.table["file_path"].tolist()[1] == "88.jpg"  # by the photograph's number
    assert "1 observations have no image; they are left out." in found.notes


def test_an_export_is_read_from_its_zip(listed, tmp_path):
    with zipfile.ZipFile(tmp_path / "observations-1.csv.zip", "w") as archive:
        archive.writestr("observations-1.csv", HEADER + BODY)
    found = listed(tmp_path / "observations-1.csv.zip")
    assert (found.kind, len(found.table)) == ("inaturalist", 2)


def test_a_table_that_names_files_itself_stays_a_table(listed, touch, tmp_path):
    touch(tmp_path / "a.jpg")
    (tmp_path / "t.csv").write_text("id,image_url,scientific_name,file_path,family\n1,https://a.org/1,x,a.jpg,f\n")
    assert listed(tmp_path / "t.csv").kind == "table"
    (tmp_path / "u.csv").write_text("id,image_url,scientific_name,photo\n1,https://a.org/1,x,a.jpg\n")
    found = listed(tmp_path / "u.csv", path_column="photo", label_column="scientific_name")
    assert rows(found, "file_path", "family", "problem", "source_url") == [("a.jpg", "x", "", "https://a.org/1")]


def test_an_export_without_images_says_what_to_tick(listed, tmp_path):
    (tmp_path / "o.csv").write_text(HEADER + BODY.splitlines()[2] + "\n")
    with pytest.raises(DataError, match="Tick image_url"):
        listed(tmp_path / "o.csv")


PHOTOS = "photo_uuid\tphoto_id\tobservation_uuid\tobserver_id\textension\tlicense\twidth\theight\tposition\n"
OBSERVATIONS = (
    "observation_uuid\tobserver_id\tlatitude\tlongitude\tpositional_accuracy\ttaxon_id\tquality_grade\tobserved_on\n"
)
TAXA = (
    "taxon_id\tancestry\trank_level\trank\tname\tactive\n1\t48460\t70\tkingdom\tAnimalia\ttrue\n"
    "2\t48460/1\t60\tphylum\tChordata\ttrue\n5\t48460/1/2\t30\tfamily\tFelidae\ttrue\n"
    "9\t48460/1/2/5\t10\tspecies\tLynx lynx\ttrue\n"
)


@pytest.mark.parametrize("packed", [False, True])
def test_the_open_data_join_photographs_taxa_and_people(packed, listed, tmp_path):
    tables = {
        "photos": PHOTOS + "u\t70\to1\t3\tjpg\tCC-BY\t1\t1\t0\nv\t71\to2\t3\tjpeg\tCC0\t1\t1\t0\n",
        "observations": OBSERVATIONS + "o1\t3\t1.0\t2.0\t5\t9\tresearch\t2020-01-01\n",
        "taxa": TAXA,
        "observers": 'observer_id\tlogin\tname\n3\tcy\tCy "the" Doe\n',
    }
    for name, text in tables.items():
        file = tmp_path / f"{name}.csv{'.gz' if packed else ''}"
        file.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    found = listed(tmp_path)
    assert found.kind == "inaturalist_open_data"
    assert rows(found, "phylum", "family", "species", "license", "rights_holder", "source_url") == [
        (
            *("Chordata", "Felidae", "Lynx lynx", "CC BY", 'Cy "the" Doe'),
            "https://inaturalist-open-data.s3.amazonaws.com/photos/70/original.jpg",
        )
    ]
    assert found.notes[0] == "1 photographs belong to no observation in the tables; they are left out."


def test_a_packed_table_that_unfolds_without_end_is_refused(listed, tmp_path):
    for name in ("observations", "taxa"):
        (tmp_path / f"{name}.csv").write_text("x\n")
    (tmp_path / "photos.csv.gz").write_bytes(gzip.compress(PHOTOS.encode() + b"0" * (64 << 20)))
    with pytest.raises(DataError, match="unfolds to far more"):
        listed(tmp_path)


def test_a_column_that_is_missing_is_named(listed, tmp_path):
    for name in ("photos", "observations", "taxa"):
        (tmp_path / f"{name}.csv").write_text("x\ty\n1\t2\n")
    with pytest.raises(DataError, match=r"photos.csv has no column 'photo_id'"):
        listed(tmp_path)


def test_a_table_of_another_spelling_or_with_files_of_its_own_is_no_export(tmp_path):
    for header in ("ID,Image_URL,taxon_family_name", "id,image_url,taxon_family_name,File_Path", "id,image_url,place"):
        (tmp_path / "table.csv").write_text(header + "\n")
        assert not inaturalist.claims(str(tmp_path / "table.csv")), header
    (tmp_path / "export.csv").write_text("id,image_url,taxon_family_name\n")
    assert inaturalist.claims(str(tmp_path / "export.csv"))
