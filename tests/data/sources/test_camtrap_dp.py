"""Camtrap DP: who is seen in an image, by its own observations or those of its event."""

import json

import pytest

from raravis.errors import DataError


def medium(name, at="2024-05-01T10:00:00Z", **more):
    return {"mediaID": name, "deploymentID": "d1", "timestamp": at, "filePath": f"media/{name}.jpg", **more}


def seen(name, media="", kind="animal", **more):
    level = "media" if media else "event"
    return {
        **{"deploymentID": "d1", "mediaID": media, "observationLevel": level, "observationType": kind},
        **{"scientificName": name, "eventID": "", "eventStart": "", "eventEnd": "", **more},
    }


def rows(found, *columns):
    return list(found.table[list(columns)].itertuples(index=False, name=None))


TAXA = [{"scientificName": "Vulpes vulpes", "taxonRank": "species", "family": "Canidae", "order": "Carnivora"}]
ABOUT = {
    "taxonomic": TAXA,
    "licenses": [
        {"name": "CC0-1.0", "scope": "data"},
        {"path": "http://creativecommons.org/licenses/by/4.0/", "scope": "media"},
    ],
    "contributors": [{"title": "Institute", "role": "rightsHolder"}, {"title": "Someone", "role": "contact"}],
    "homepage": "https://example.org/traps",
}


def test_images_have_the_taxon_the_place_and_the_rights_of_the_package(camtrap, listed, touch, tmp_path):
    touch(tmp_path / "p/media/m1.jpg")
    found = listed(camtrap(tmp_path / "p", [medium("m1")], [seen("Vulpes vulpes", "m1")], **ABOUT))
    assert found.kind == "camtrap_dp"
    assert rows(found, "file_path", "order", "family", "genus", "species", "problem") == [
        ("media/m1.jpg", "Carnivora", "Canidae", "Vulpes", "Vulpes vulpes", "")
    ]
    assert rows(found, "locationName", "license", "rights_holder", "references") == [
        ("ridge", "CC BY 4.0", "Institute", "https://example.org/traps")
    ]
    assert listed(tmp_path / "p/datapackage.json").table.equals(found.table)


def test_blanks_people_vehicles_and_mixtures_are_left_out_and_counted(camtrap, listed, tmp_path):
    media = [medium(f"m{n}") for n in range(9)] + [medium("m9", fileMediatype="video/mp4")]
    observations = [
        seen("", "m0", "blank"),
        *(seen("Vulpes vulpes", "m1"), seen("Homo sapiens", "m1", "human")),
        seen("", "m2", "vehicle"),
        *(seen("Vulpes vulpes", "m3"), seen("Meles meles", "m3")),
        *(seen("Vulpes vulpes", "m4"), seen("", "m4", "unknown"), seen("", "m4", "vehicle")),
        seen("", "m5", "unclassified"),
        seen("Homo sapiens", "m6"),  # told as an animal
        seen("Canidae", "m7"),
    ]
    found = listed(camtrap(tmp_path / "p", media, observations, **ABOUT))
    assert rows(found, "media_id", "family") == [("m4", "Canidae"), ("m5", ""), ("m7", "Canidae"), ("m8", "")]
    assert found.notes[:5] == (
        "1 images show nothing (blank, empty); they are left out.",
        "2 images show people; they are left out.",
        "1 images show vehicles alone; they are left out.",
        "1 images show animals of more than one name; they are left out.",
        "1 media are no images (films); they are left out.",
    )


def test_an_event_holds_for_images_between_its_ends_but_an_images_own_observations_win(camtrap, listed, tmp_path):
    media = [
        medium("before", "2024-05-01T09:59:59Z"),
        medium("first", "2024-05-01T10:00:00Z"),
        medium("last", "2024-05-01T12:05:00+02:00"),
        medium("own", "2024-05-01T10:01:00Z"),
        {**medium("other", "2024-05-01T10:01:00Z"), "deploymentID": "d2"},
    ]
    event = {"eventID": "e", "eventStart": "2024-05-01T10:00:00Z", "eventEnd": "2024-05-01T10:05:00Z"}
    observations = [seen("Vulpes vulpes", **event), seen("Felidae", "own")]
    found = listed(camtrap(tmp_path / "p", media, observations, **ABOUT))
    assert dict(rows(found, "media_id", "family")) == {
        **{"before": "", "first": "Canidae", "last": "Canidae", "own": "Felidae", "other": ""}
    }


def test_without_families_the_scientific_names_are_labels(camtrap, listed, tmp_path):
    found = listed(camtrap(tmp_path / "p", [medium("a")], [seen("Vulpes vulpes", "a")]))
    assert rows(found, "family", "genus", "license") == [("Vulpes vulpes", "Vulpes", "")]


def test_addresses_are_kept_but_those_that_are_not_public(camtrap, listed, zipped, tmp_path):
    media = [
        {**medium("a"), "filePath": "https://a.org/a.jpg", "filePublic": "true", "fileName": "IMG_1.JPG"},
        {**medium("b"), "filePath": "https://a.org/b.jpg", "filePublic": "false", "fileName": "IMG_2.JPG"},
    ]
    package = camtrap(tmp_path / "p", media, [seen("Felidae", "a"), seen("Felidae", "b")])
    found = listed(zipped(package))
    assert found.table["source_url"].tolist() == ["https://a.org/a.jpg", ""]
    assert found.table["problem"].tolist() == ["is not at hand; `raravis fetch` gets it", "no such file"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("1" * 5000, "is no JSON"),
        ("[]", "no resource 'media'"),
        ('{"resources": 3}', "no resource 'media'"),
        ('{"resources": [{"name": "media", "path": "media.csv"}]}', "no resource 'observations'"),
        (
            '{"resources": [{"name": "media", "path": "../m.csv"}, {"name": "observations", "path": "o.csv"}]}',
            "no file '../m.csv'",
        ),
        (
            '{"resources": [{"name": "media", "path": "m.csv"}, {"name": "observations", "path": "m.csv"}]}',
            "no column 'mediaID'",
        ),
    ],
)
def test_a_bad_package_is_one_clear_error(text, wanted, listed, tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "m.csv").write_text("mediaID\nsecret\n")
    (tmp_path / "p/m.csv").write_text("x\n1\n")
    (tmp_path / "p/datapackage.json").write_text(text)
    with pytest.raises(DataError, match=wanted) as caught:
        listed(tmp_path / "p")
    assert len(str(caught.value).splitlines()) <= 2


def test_a_long_event_over_many_images_takes_no_long_time(camtrap, listed, tmp_path):
    media = [medium(f"m{n}", f"2024-05-01T10:{n // 60 % 60:02}:{n % 60:02}Z") for n in range(3000)]
    whole = {"eventStart": "2024-05-01T00:00:00Z", "eventEnd": "2024-05-02T00:00:00Z"}
    observations = [seen("Felidae", **whole) for _ in range(3000)]  # 9,000,000 pairs
    found = listed(camtrap(tmp_path / "p", media, observations))
    assert set(found.table["family"]) == {"Felidae"}


def test_a_folder_with_its_own_metadata_is_no_camera_trap(listed, touch, tmp_path):
    touch(tmp_path / "a.jpg")
    (tmp_path / "metadata.csv").write_text("file_path,family\na.jpg,f\n")
    (tmp_path / "datapackage.json").write_text(json.dumps({"resources": []}))
    assert listed(tmp_path).kind == "layout"


@pytest.mark.parametrize("encoding", ["klingon", "rot13", "a\ud800b", "\0"])
def test_an_encoding_that_none_knows_is_one_clear_error(camtrap, listed, tmp_path, encoding):
    made = camtrap(tmp_path / "p", [medium("m1")], [seen("Vulpes vulpes", "m1")], **ABOUT)
    about = json.loads((made / "datapackage.json").read_text())
    about["resources"][1]["encoding"] = encoding
    (made / "datapackage.json").write_text(json.dumps(about))
    with pytest.raises(DataError, match=r"media\.csv is said to be in an unknown encoding"):
        listed(made)
