"""What every source promises, by name: a listing of one form, and errors of one form."""

import shutil
import zipfile
from pathlib import Path

import pytest

from raravis import registry, taxonomy
from raravis.data import sources
from raravis.data.sources import Request, open_source
from raravis.errors import RaravisError

RIGHTS = ("license", "rights_holder", "source_url", "references")
NAMES = registry.names(sources.__name__)
ARCHIVES = ("camtrap_dp", "coco_camera_traps", "darwin_core", "gbif_csv", "inaturalist", "inaturalist_open_data")


@pytest.fixture
def data(tmp_path, put, darwin, camtrap, coco):
    """Give DATA for a source, of two images, one of Felidae, one of Strigidae."""

    def make(name: str) -> str:
        home = tmp_path / "in"
        a, b = put(home / "1.jpg"), put(home / "2.jpg")
        if name == "folder":
            for file, family in ((a, "Felidae"), (b, "Strigidae")):
                (home / family).mkdir()
                shutil.move(file, home / family / file.name)
        elif name == "layout":
            (home / "metadata.csv").write_text("family,file_path\nFelidae,1.jpg\nStrigidae,2.jpg\n")
        elif name == "table":
            (home / "t.csv").write_text("family,file_path\nFelidae,1.jpg\nStrigidae,2.jpg\n")
            return str(home / "t.csv")
        elif name == "rare_species":
            for file, family in ((a, "Felidae"), (b, "Strigidae")):
                folder = home / "dataset" / f"A-B-C-D-{family}-F-g"
                folder.mkdir(parents=True)
                shutil.move(file, folder / file.name)
            (home / "metadata.csv").write_text("eol_content_id\n1\n2\n")
        elif name == "darwin_core":
            rows = [{"gbifID": "1", "family": "Felidae"}, {"gbifID": "2", "family": "Strigidae"}]
            darwin(home, rows, [{"gbifID": n, "identifier": f"{n}.jpg"} for n in "12"])
        elif name == "gbif_csv":
            (home / "g.csv").write_text("gbifID\tfamily\n1\tFelidae\n2\tStrigidae\n")
            return str(home / "g.csv")
        elif name == "inaturalist":
            rows = "1,https://a.org/1.jpg,Felidae\n2,https://a.org/2.jpg,Strigidae\n"
            (home / "o.csv").write_text("id,image_url,taxon_family_name\n" + rows)
            return str(home / "o.csv")
        elif name == "inaturalist_open_data":
            (home / "photos.csv").write_text(
                "photo_id\tobservation_uuid\textension\tlicense\n1\to\tjpg\tCC0\n2\tp\tjpg\tCC0\n"
            )
            columns = "observation_uuid\ttaxon_id\tquality_grade\tobserved_on\tlatitude\tlongitude\tobserver_id\n"
            (home / "observations.csv").write_text(columns + "o\t1\t\t\t\t\t\np\t2\t\t\t\t\t\n")
            taxa = "taxon_id\tancestry\trank\tname\n1\t\tfamily\tFelidae\n2\t\tfamily\tStrigidae\n"
            (home / "taxa.csv").write_text(taxa)
        elif name == "camtrap_dp":
            media = [{"mediaID": n, "deploymentID": "d1", "filePath": f"{n}.jpg"} for n in "12"]
            seen = [
                {"mediaID": n, "deploymentID": "d1", "observationType": "animal", "scientificName": family}
                for n, family in zip("12", ("Felidae", "Strigidae"), strict=True)
            ]
            camtrap(home, media, seen)
        elif name == "coco_camera_traps":
            return str(coco(home / "c.json", {"1.jpg": ["Felidae"], "2.jpg": ["Strigidae"]}))
        return str(home)

    return make


@pytest.mark.parametrize("name", [name for name in NAMES if name != "bestiary"])
def test_every_source_claims_its_own_and_gives_a_listing_of_one_form(name, data):
    given = data(name)
    claimed = [one for one in NAMES if registry.load(sources.__name__, one, "source").claims(given)]
    assert name in claimed
    request = Request(given, root=None if name != "inaturalist" else Path(given).parent)
    found = open_source(request, quiet=True)
    table = found.table
    assert found.kind == name
    assert found.root.is_absolute()
    assert {"file_path", "problem", *taxonomy.RANKS, *RIGHTS} <= set(table.columns)
    assert table.map(lambda value: isinstance(value, str)).all(axis=None)
    assert sorted(table["family"]) == ["Felidae", "Strigidae"]
    assert set(table["problem"]) == {""}
    assert table["file_path"].is_unique
    assert all((found.root / path).is_file() and "\\" not in path for path in table["file_path"])


@pytest.mark.parametrize("name", ARCHIVES)
@pytest.mark.parametrize("options", [{"path_column": "x"}, {"label_column": "no such"}, {"root": "/no/such/folder"}])
def test_every_archive_refuses_what_it_cannot_do(name, options, data):
    given = {key: Path(value) if key == "root" else value for key, value in options.items()}
    with pytest.raises(RaravisError) as caught:
        open_source(Request(data(name), **given), quiet=True)
    assert len(str(caught.value).splitlines()) <= 2


def test_what_is_no_source_is_told_with_all_forms(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("readme.md", "nothing")
    with pytest.raises(RaravisError, match=r"(?s)is none of the forms.*Camtrap DP.*COCO.*Darwin Core"):
        open_source(Request(str(tmp_path / "x.zip")), quiet=True)
