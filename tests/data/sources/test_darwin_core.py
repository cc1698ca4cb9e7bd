"""Darwin Core archives: GBIF downloads, iNaturalist exports, and what strangers make of them."""

import pytest

from raravis.errors import DataError, UsageError

LYNX = {
    **{"gbifID": "101", "kingdom": "Animalia", "phylum": "Chordata", "class": "Mammalia", "order": "Carnivora"},
    **{"family": "Felidae", "genus": "Lynx", "species": "Lynx pardinus", "license": "CC_BY_4_0"},
    **{"rightsHolder": "A. Holder", "scientificName": "Lynx pardinus (Temminck, 1827)", "countryCode": "ES"},
}
OWL = {"gbifID": "102", "family": "Strigidae", "genus": "Bubo", "specificEpithet": "bubo"}
PHOTOS = [
    {
        **{"gbifID": "101", "type": "StillImage", "format": "image/jpeg", "identifier": "https://a.org/1/original.jpg"},
        **{"license": "http://creativecommons.org/licenses/by-nc/4.0/", "rightsHolder": "B. Taker"},
        "references": "https://a.org/photos/1",
    },
    {"gbifID": "101", "type": "StillImage", "format": "image/png", "identifier": "https://a.org/2/original"},
    {"gbifID": "101", "type": "Sound", "format": "audio/mpeg", "identifier": "https://a.org/3.mp3"},
    {"gbifID": "102", "type": "StillImage", "format": "image/jpeg", "identifier": "https://a.org/4/original.jpg"},
    {"gbifID": "999", "type": "StillImage", "format": "image/jpeg", "identifier": "https://a.org/5.jpg"},
]


def rows(found, *columns):
    return list(found.table[list(columns)].itertuples(index=False, name=None))


def test_each_image_has_its_lineage_and_its_own_rights_else_those_of_the_occurrence(darwin, listed, tmp_path):
    found = listed(darwin(tmp_path / "a", [LYNX, OWL, {"gbifID": "103", "family": "Canidae"}], PHOTOS))
    assert (found.kind, found.root) == ("darwin_core", tmp_path / "a")
    assert rows(found, "family", "species", "license", "rights_holder", "references") == [
        ("Felidae", "Lynx pardinus", "CC BY-NC 4.0", "B. Taker", "https://a.org/photos/1"),
        ("Felidae", "Lynx pardinus", "CC BY 4.0", "A. Holder", ""),
        ("Strigidae", "Bubo bubo", "", "", ""),
    ]
    assert set(found.table["problem"]) == {"is not at hand; `raravis fetch` gets it"}
    assert found.table["source_url"].tolist() == [PHOTOS[i]["identifier"] for i in (0, 1, 3)]
    assert [path.rpartition(".")[2] for path in found.table["file_path"]] == ["jpg", "png", "jpg"]
    assert all(path.startswith("media/10") for path in found.table["file_path"])
    assert found.table["countryCode"].tolist() == ["ES", "ES", ""]
    assert found.notes[:3] == (
        "1 media are no images (films, sounds); they are left out.",
        "1 occurrences have no image; they are left out.",
        "1 media belong to no occurrence of the archive; they are left out.",
    )


def test_files_at_hand_are_found_by_path_by_name_and_by_id(darwin, listed, touch, tmp_path):
    media = [
        {"gbifID": "1", "identifier": "pictures/a.jpg"},
        {"gbifID": "2", "identifier": "https://a.org/x/b.JPG?size=large"},
        {"gbifID": "3", "identifier": "https://a.org/x/original.jpg"},
        {"gbifID": "4", "identifier": "https://a.org/y/original.jpg"},
    ]
    archive = darwin(tmp_path / "a", [{"gbifID": str(n), "family": "f"} for n in range(1, 5)], media)
    for name in ("pictures/a.jpg", "deep/b.jpg", "deep/3.jpg", "deep/original.jpg"):
        touch(tmp_path / "here" / name)
    found = listed(archive, root=tmp_path / "here")
    assert found.table["file_path"].tolist()[:3] == ["pictures/a.jpg", "deep/b.jpg", "deep/3.jpg"]
    assert found.table["problem"].tolist() == ["", "", "", "is not at hand; `raravis fetch` gets it"]


def test_a_zip_is_read_as_its_folder_is_and_its_images_are_unpacked(darwin, zipped, listed, put, tmp_path):
    folder = darwin(tmp_path / "a", [LYNX], [{"gbifID": "101", "identifier": "images/l.jpg"}])
    put(folder / "images/l.jpg")
    for above in ("", "dwca-1.0/"):
        found = listed(zipped(folder, above))
        assert rows(found, "file_path", "family", "problem") == [("images/l.jpg", "Felidae", "")]
        assert (found.root / "images/l.jpg").read_bytes() == (folder / "images/l.jpg").read_bytes()
        assert tmp_path not in found.root.parents


def test_a_zip_without_images_looks_beside_itself_and_not_at_strangers(darwin, zipped, listed, touch, tmp_path):
    archive = zipped(darwin(tmp_path / "in/a", [LYNX], [{"gbifID": "101", "identifier": "https://a.org/l.jpg"}]))
    touch(tmp_path / "in/else/l.jpg")
    found = listed(archive)
    assert found.root == tmp_path / "in"
    assert found.table["file_path"].tolist()[0].startswith("a.media/101-")
    assert found.table["problem"].tolist() == ["is not at hand; `raravis fetch` gets it"]


def test_media_named_by_the_occurrence_itself(darwin, listed, tmp_path):
    row = {**LYNX, "associatedMedia": "https://a.org/1.jpg | https://a.org/2.jpg"}
    found = listed(darwin(tmp_path / "a", [row]))
    assert found.table["source_url"].tolist() == ["https://a.org/1.jpg", "https://a.org/2.jpg"]


def test_audubon_media_and_quoted_commas(listed, tmp_path):
    (tmp_path / "meta.xml").write_text(
        '<archive xmlns="http://rs.tdwg.org/dwc/text/" metadata="eml.xml"><core rowType="http://rs.tdwg.org/dwc/terms/'
        'Occurrence" ignoreHeaderLines="1"><files><location>o.csv</location></files><id index="0"/>'
        '<field index="1" term="http://rs.tdwg.org/dwc/terms/scientificName"/>'
        '<field term="http://rs.tdwg.org/dwc/terms/family" default="Felidae"/></core>'
        '<extension rowType="http://rs.tdwg.org/ac/terms/Multimedia"><files><location>m.csv</location></files>'
        '<coreid index="0"/><field index="1" term="http://rs.tdwg.org/ac/terms/accessURI"/>'
        '<field index="2" term="http://ns.adobe.com/xap/1.0/rights/Owner"/></extension></archive>'
    )
    (tmp_path / "o.csv").write_text('id,name\n1,"Lynx, the"\n')
    (tmp_path / "m.csv").write_text('1,https://a.org/1.jpg,"Doe, J."\n')
    found = listed(tmp_path)
    assert rows(found, "family", "scientificName", "rights_holder") == [("Felidae", "Lynx, the", "Doe, J.")]


def test_without_any_family_the_scientific_names_are_labels_and_others_can_be_asked_for(darwin, listed, tmp_path):
    archive = darwin(
        tmp_path / "a",
        [{"gbifID": "1", "scientificName": "Lynx pardinus", "genus": "Lynx"}],
        [{"gbifID": "1", "identifier": "https://a.org/1.jpg"}],
    )
    found = listed(archive)
    assert found.table["family"].tolist() == ["Lynx pardinus"]
    assert found.notes[0] == "No family is known of any image; labels are those of the column 'scientificName'."
    assert listed(archive, label_column="genus").table["family"].tolist() == ["Lynx"]
    with pytest.raises(UsageError, match="no column for the label named 'colour'"):
        listed(archive, label_column="colour")


BOMB = (
    '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    + "".join(f'<!ENTITY {chr(n + 1)} "{f"&{chr(n)};" * 10}">' for n in range(98, 110))
    + "]><archive><core>&n;</core></archive>"
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "is no XML"),
        ("<archive>", "is no XML"),
        ("<archive/>", "describes no core"),
        (BOMB, "has a DOCTYPE"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "has a DOCTYPE"),
        ("<archive>" + "<a>" * 40 + "</a>" * 40 + "</archive>", "nested more than"),
        ('<archive><core rowType="x/Occurrence"/></archive>', "not in which file"),
        ('<archive><core encoding="klingon"/></archive>', "the encoding 'klingon'"),
        ('<archive><core encoding="rot13"/></archive>', "the encoding 'rot13'"),
        ('<archive><core fieldsTerminatedBy="||"/></archive>', "One character each"),
        ('<archive><core ignoreHeaderLines="-1"/></archive>', "ignoreHeaderLines is '-1'"),
        ('<archive><core><field index="99999999999" term="x"/></core></archive>', "index is '99999999999'"),
        ('<archive><core rowType="x/Taxon"><files><location>t</location></files></core></archive>', "core of .* Taxon"),
        (
            '<archive><core rowType="x/Occurrence"><files><location>../secret</location></files></core></archive>',
            "has no file '../secret'",
        ),
    ],
)
def test_a_bad_meta_xml_is_one_clear_error(text, wanted, listed, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "secret").write_text("1\n")
    (tmp_path / "a/meta.xml").write_text(text)
    with pytest.raises(DataError, match=wanted) as caught:
        listed(tmp_path / "a")
    assert len(str(caught.value).splitlines()) <= 2


def test_utf16_entities_are_refused_too(listed, tmp_path):
    (tmp_path / "meta.xml").write_bytes(BOMB.encode("utf-16"))
    with pytest.raises(DataError, match="has a DOCTYPE"):
        listed(tmp_path)


def test_an_archive_without_an_image_says_so(darwin, listed, tmp_path):
    with pytest.raises(DataError, match=r"(?s)names no image.*1 occurrences have no image"):
        listed(darwin(tmp_path / "a", [LYNX], []))


def test_paths_of_media_that_leave_the_archive_are_never_opened(darwin, listed, touch, tmp_path):
    touch(tmp_path / "secret.jpg")
    found = listed(darwin(tmp_path / "a", [LYNX], [{"gbifID": "101", "identifier": "../secret.jpg"}]))
    assert found.table["problem"].tolist() == ["the path leaves the folder of the data"]
