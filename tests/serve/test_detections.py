"""MegaDetector's results become boxes: matching by name, thresholds, versions, and files that are none."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raravis.errors import DataError
from raravis.serve import detections

ANIMAL = {"category": "1", "conf": 0.9, "bbox": [0.1, 0.2, 0.3, 0.4]}


def results(*images, **changes) -> dict:
    head = {"info": {"format_version": "1.6", "detector": "md"}, "detection_categories": {"1": "animal", "2": "person"}}
    return {**head, "images": list(images), **changes}


def saved(folder, told, name="boxes.json"):
    file = folder / name
    file.write_text(told if isinstance(told, str) else json.dumps(told))
    return file


def of(folder, *names, threshold=0.2):
    images = [{"file": name, "detections": [ANIMAL]} for name in names]
    return detections.read(saved(folder, results(*images)), threshold)


def test_animals_from_the_threshold_on_are_boxes_with_their_numbers(tmp_path):
    found = [
        {"category": "2", "conf": 0.99, "bbox": [0, 0, 1, 1]},
        ANIMAL,
        {"category": "1", "conf": 0.19999, "bbox": [0, 0, 0.1, 0.1]},
        {"category": "1", "conf": 0.2, "bbox": [0, 0, 0.1, 0.2]},
        {"category": "7", "conf": 0.9, "bbox": [0, 0, 0.1, 0.1]},
    ]
    read = detections.read(saved(tmp_path, results({"file": "a.jpg", "detections": found})))
    boxes, error, reason = read.boxes(0)
    assert [(box.number, box.sides, box.confidence) for box in boxes] == [
        (1, (0.1, 0.2, 0.3, 0.4), 0.9),
        (3, (0.0, 0.0, 0.1, 0.2), 0.2),
    ]
    assert error == reason == ""


@pytest.mark.parametrize(
    ("image", "error", "reason"),
    [
        ({"detections": []}, "", "no animal above 0.2"),
        ({"detections": [{**ANIMAL, "conf": 0.1234}]}, "", "no animal above 0.2: the surest has 0.12"),
        ({"detections": [{**ANIMAL, "category": "2"}]}, "", "no animal above 0.2; person 0.90"),
        ({"detections": [{**ANIMAL, "conf": -0.9}]}, "", "no animal above 0.2"),  # eliminated as a repeat
        ({"detections": [{**ANIMAL, "bbox": [0.5, 0.5, 0, 0.1]}]}, "", "no animal above 0.2"),  # nothing to look at
        ({"detections": None, "failure": "Failure image open"}, "the detector failed: Failure image open", ""),
        ({"failure": "Failure image access"}, "the detector failed: Failure image access", ""),
        ({"detections": None}, "the detector failed: no detections", ""),
        ({"detections": [], "failure": None}, "", "no animal above 0.2"),
    ],
)
def test_a_photograph_without_an_animal_says_why(tmp_path, image, error, reason):
    read = detections.read(saved(tmp_path, results({"file": "a.jpg", **image})))
    assert read.boxes(0) == ((), error, reason)


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", 1.4, None])
def test_every_version_is_read(tmp_path, version):
    info = {} if version is None else {"format_version": version}
    image = {"file": "a.jpg", "max_detection_conf": 0.9, "detections": [ANIMAL]}
    assert len(detections.read(saved(tmp_path, results(image, info=info))).boxes(0)[0]) == 1


@pytest.mark.parametrize(
    ("entries", "path", "found"),
    [
        (["site1/a.jpg", "site2/a.jpg"], "/photos/site2/a.jpg", 1),
        (["site1\\a.jpg", "site2\\a.jpg"], "/photos/site2/a.jpg", 1),
        (["./site1//a.jpg"], "/photos/site1/a.jpg", 0),
        (["a.jpg", "site1/a.jpg"], "/photos/site1/a.jpg", 1),
        (["a.jpg", "site1/a.jpg"], "/photos/site9/a.jpg", 0),
        (["site1/a.jpg"], "/photos/site9/a.jpg", None),
        (["site1/a.jpg"], "/photos/Xsite1/a.jpg", None),
        (["D:\\cams\\site1\\a.jpg", "D:\\cams\\site2\\a.jpg"], "/photos/site2/a.jpg", 1),
        (["/mnt/s/site1/a.jpg", "/mnt/s/site2/b.jpg"], "/photos/site2/b.jpg", 1),
        (["/mnt/s/site1/a.jpg", "/mnt/s/site1/b.jpg"], "/mnt/s/site1/b.jpg", 1),
        (["/mnt/s/site1/a.jpg", "/mnt/t/site1/a.jpg"], "t/site1/a.jpg", 1),
        (["site1/a.jpg"], "", None),
        (["site1/a.jpg"], "\udce9/site1/a.jpg", 0),
    ],
)
def test_a_photograph_finds_its_entry(tmp_path, monkeypatch, entries, path, found):
    monkeypatch.chdir(tmp_path)
    assert of(tmp_path, *entries).find(path) == found


def test_a_path_relative_to_the_file_comes_first(tmp_path):
    folder = tmp_path / "a"
    folder.mkdir()
    assert of(folder, "x.jpg", "a/x.jpg").find(str(folder / "x.jpg")) == 0
    assert of(folder, "x.jpg", "a/x.jpg").find(str(folder / "a" / "x.jpg")) == 1


def test_a_name_that_fits_several_entries_is_an_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"a\.jpg may be 'C:/s/1/a\.jpg' and 'C:/s/2/a\.jpg'"):
        of(tmp_path, "C:/s/1/a.jpg", "C:/s/2/a.jpg").find("a.jpg")


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ([], "a JSON object was expected, found a list"),
        ({}, "info is missing"),
        ({"predictions": []}, "info is missing"),
        (results(info={"format_version": "2.0"}), r"info.format_version is '2\.0'"),
        (results(info={"format_version": [1]}), r"info.format_version is \[1\]"),
        (results(info={"format_version": "1.6", "x": float("nan")}), "not JSON compliant"),
        (results(detection_categories=None), "detection_categories is null"),
        (results(detection_categories={"1": "beast"}), "none of its detection_categories is named animal"),
        (results(detection_categories={"1": 1}), "is a number, text was expected"),
        (results(images={}), "images is an object"),
        (results(3), r"images\[0\] is a number, an object was expected"),
        (results({"detections": []}), r"images\[0\].file is missing"),
        (results({"file": "", "detections": []}), r"images\[0\].file is empty"),
        (results({"file": 5, "detections": []}), r"images\[0\].file is a number"),
        (results({"file": "a"}), r"images\[0\].detections is missing"),
        (results({"file": "a", "failure": 3}), r"images\[0\].failure is a number"),
        (results({"file": "a", "detections": {}}), r"images\[0\].detections is an object"),
        (results({"file": "a", "detections": []}, {"file": "./a", "detections": []}), "which stands there twice"),
        (results({"file": "a", "detections": [{**ANIMAL, "category": 1}]}), r"detections\[0\].category is a number"),
        (results({"file": "a", "detections": [{**ANIMAL, "conf": 1.2}]}), r"detections\[0\].conf is 1\.2"),
        (results({"file": "a", "detections": [{**ANIMAL, "conf": -1.2}]}), r"detections\[0\].conf is -1\.2"),
        (results({"file": "a", "detections": [{**ANIMAL, "conf": float("nan")}]}), r"conf is nan"),
        (results({"file": "a", "detections": [{**ANIMAL, "conf": True}]}), r"conf is true or false"),
        (results({"file": "a", "detections": [{**ANIMAL, "conf": 10**400}]}), r"conf is 1000"),
        (results({"file": "a", "detections": [{**ANIMAL, "bbox": [0, 0, 1]}]}), r"bbox is \[0, 0, 1\]"),
        (results({"file": "a", "detections": [{**ANIMAL, "bbox": [0, 0, -0.1, 1]}]}), "left, top, width, height"),
        (results({"file": "a", "detections": [{**ANIMAL, "bbox": [100, 50, 640, 480]}]}), "from 0 to 1"),
    ],
)
def test_a_file_that_is_none_is_one_error_that_says_what_is_wrong(tmp_path, told, message):
    with pytest.raises(DataError, match=message) as raised:
        detections.read(saved(tmp_path, told))
    assert str(raised.value).count("\n") == 1


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        detections.read(tmp_path / "none.json")
    with pytest.raises(DataError, match="directory"):
        detections.read(tmp_path)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(DataError, match="is no JSON"):
        detections.read(tmp_path / "bytes")


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=6,
)
DETECTION = st.fixed_dictionaries({}, optional={"category": ANY, "conf": ANY, "bbox": ANY}) | st.just(ANIMAL)
IMAGE = st.fixed_dictionaries(
    {},
    optional={"file": st.text(max_size=6) | ANY, "detections": st.lists(DETECTION, max_size=3) | ANY, "failure": ANY},
)
FILE = st.fixed_dictionaries(
    {},
    optional={
        "info": st.just({"format_version": "1.6"}) | ANY,
        "detection_categories": st.just({"1": "animal"}) | ANY,
        "images": st.lists(IMAGE, max_size=3) | ANY,
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILE | ANY)
def test_whatever_stands_in_the_file_it_is_read_or_one_error(tmp_path, told):
    try:
        read = detections.read(saved(tmp_path, told))
    except DataError:
        return
    for number, parts in enumerate(read.parts):
        boxes, error, reason = read.boxes(number)
        assert boxes or error or reason
        read.find("/".join(parts))
