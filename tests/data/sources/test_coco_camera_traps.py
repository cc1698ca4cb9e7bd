"""COCO Camera Traps: categories become labels, and what shows no animal is left out."""

import json

import pytest

from raravis.errors import DataError


def rows(found, *columns):
    return list(found.table[list(columns)].itertuples(index=False, name=None))


def test_categories_that_are_families_bring_their_lineage(coco, listed, touch, tmp_path):
    for name in ("s1/a.jpg", "s1/b.jpg"):
        touch(tmp_path / name)
    file = coco(tmp_path / "c.json", {"s1/a.jpg": ["Felidae", "Felidae"], "s1/b.jpg": ["canidae"], "c.jpg": ["empty"]})
    found = listed(file)
    assert (found.kind, found.root) == ("coco_camera_traps", tmp_path)
    assert rows(found, "file_path", "class", "order", "family", "problem") == [
        ("s1/a.jpg", "mammalia", "carnivora", "Felidae", ""),
        ("s1/b.jpg", "mammalia", "carnivora", "canidae", ""),
    ]
    assert found.notes == ("1 images show nothing (blank, empty); they are left out.",)


def test_other_names_are_labels_themselves_unless_families_are_asked_for(coco, listed, tmp_path):
    file = coco(tmp_path / "c.json", {"a.jpg": ["Vulpes vulpes"], "b.jpg": ["felidae"], "c.jpg": ["coyote"]})
    found = listed(file)
    assert rows(found, "family", "species") == [("Vulpes vulpes", "Vulpes vulpes"), ("felidae", ""), ("coyote", "")]
    assert found.notes[0] == "2 categories name no family (such as 'Vulpes vulpes')."
    assert listed(file, label_column="family").table["family"].tolist() == ["", "felidae", ""]


def test_ranks_that_categories_carry_are_taken(coco, listed, tmp_path):
    categories = [
        {"id": 0, "name": "Lynx lynx", "family": "Felidae", "order": "Carnivora", "common_name": "lynx"},
        {"id": 1, "name": "red fox", "supercategory": "Canidae"},
    ]
    file = coco(tmp_path / "c.json", {"a.jpg": ["x"], "b.jpg": ["y"]}, categories=categories)
    found = listed(file)
    assert rows(found, "family", "order", "genus", "category") == [
        ("Felidae", "Carnivora", "Lynx", "Lynx lynx"),
        ("Canidae", "Carnivora", "", "red fox"),
    ]


def test_people_vehicles_mixtures_and_the_unnamed(coco, listed, tmp_path):
    images = {
        **{"a.jpg": ["Felidae", "Human"], "b.jpg": ["vehicle"], "c.jpg": ["Felidae", "Canidae"]},
        **{"d.jpg": ["unidentifiable"], "e.jpg": [], "f.jpg": ["Felidae", "unknown"]},
    }
    found = listed(coco(tmp_path / "c.json", images))
    assert rows(found, "file_path", "family") == [("d.jpg", ""), ("e.jpg", ""), ("f.jpg", "Felidae")]
    assert [note.split(" images")[0] for note in found.notes[:3]] == ["1", "1", "1"]


def test_licences_and_holders_come_from_the_image_else_from_the_file(coco, listed, tmp_path):
    images = [
        {"id": 1, "file_name": "a.jpg", "license": 2, "rights_holder": "Ana", "location": 7},
        {"id": "2", "file_name": "https://a.org/b.jpg"},
    ]
    file = coco(
        tmp_path / "c.json",
        {"x": ["Felidae"]},
        images=images,
        annotations=[{"image_id": 1, "category_id": 0}, {"image_id": 2, "category_id": 0}],
        licenses=[{"id": 1, "name": "CC BY"}, {"id": 2, "url": "http://creativecommons.org/licenses/by-nc/3.0/"}],
        info={"contributor": "Institute", "url": "https://example.org"},
    )
    found = listed(file)
    assert rows(found, "license", "rights_holder", "references", "location", "source_url") == [
        ("CC BY-NC 3.0", "Ana", "https://example.org", "7", ""),
        ("", "Institute", "https://example.org", "", "https://a.org/b.jpg"),
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "is no JSON"),
        (b"\xff\xfe\x00", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "no list of 'images'"),
        ('{"images": {}, "annotations": [], "categories": []}', "no list of 'images'"),
        ('{"images": [], "annotations": [3], "categories": []}', "no list of 'annotations'"),
        ('{"images": [], "annotations": [], "categories": []}', "names no image"),
        ('{"images": [{"id": 1}], "annotations": [], "categories": []}', "image 0 has no file_name"),
        ('{"images": [], "detection_categories": {"1": "animal"}}', "what a detector found"),
    ],
)
def test_a_bad_file_is_one_clear_error(text, wanted, listed, tmp_path):
    (tmp_path / "c.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=wanted) as caught:
        listed(tmp_path / "c.json")
    assert len(str(caught.value).splitlines()) <= 2


def test_odd_values_are_no_names(coco, listed, tmp_path):
    categories = [{"id": [1], "name": ["x"]}, {"id": 0, "name": "Felidae"}, {"id": None}]
    images = [
        {"id": {"a": 1}, "file_name": "a.jpg", "license": [1], "location": {}},
        {"id": 5, "file_name": "\ud800.jpg"},
    ]
    annotations = [{"image_id": 5, "category_id": 0}, {"image_id": None}, {}]
    file = coco(tmp_path / "c.json", {}, images=images, annotations=annotations, categories=categories)
    found = listed(file)
    assert found.table["family"].tolist()[1] == "Felidae"
    json.dumps(found.table.to_dict("records")).encode()
