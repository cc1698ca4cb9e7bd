"""Photographs with boxes: one row an animal, cut out upright, square, with a margin."""

import csv
import io
import json
import os

import numpy as np
import pytest
from PIL import Image
from test_batch import Colours, run

from raravis.data import decode
from raravis.data.boxes import MARGIN, cut
from raravis.errors import DataError, StorageError, UsageError
from raravis.serve import detections
from raravis.serve.pictures import Picture, Pictures, look
from raravis.serve.row import Box, Row

COLOURS = {"red": (220, 20, 20), "green": (20, 220, 20), "blue": (20, 20, 220)}


def animal(left, top, width, height, conf=0.9):
    return {"category": "1", "conf": conf, "bbox": [left, top, width, height]}


def scene(path, *places, size=(200, 100)):
    """A grey photograph with coloured animals: `(colour, left, top, width, height)` in shares."""
    image = Image.new("RGB", size, (128, 128, 128))
    for colour, left, top, width, height in places:
        box = (left * size[0], top * size[1], (left + width) * size[0], (top + height) * size[1])
        image.paste(COLOURS[colour], tuple(map(round, box)))
    image.save(path, quality=95)
    return path


def boxes(folder, images, name="boxes.json"):
    told = {"info": {"format_version": "1.5"}, "detection_categories": {"1": "animal", "2": "person"}}
    (folder / name).write_text(json.dumps({**told, "images": [{"file": f, **rest} for f, rest in images.items()]}))
    return folder / name


def table(out):
    return list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"), newline="")))


@pytest.fixture
def season(tmp_path):
    """Five photographs, their detections, and the paths in the order given."""
    photos = tmp_path / "photos"
    photos.mkdir()
    scene(photos / "two.jpg", ("red", 0.1, 0.1, 0.2, 0.4), ("blue", 0.7, 0.5, 0.2, 0.4))
    scene(photos / "one.jpg", ("green", 0.4, 0.4, 0.2, 0.4))
    scene(photos / "none.jpg")
    (photos / "bad.jpg").write_bytes((photos / "two.jpg").read_bytes()[:300])
    scene(photos / "unlisted.jpg")
    (photos / "failed.jpg").write_bytes(b"x")
    listed = {
        "one.jpg": {"detections": [animal(0.4, 0.4, 0.2, 0.4)]},
        "two.jpg": {"detections": [animal(0.7, 0.5, 0.2, 0.4), animal(0, 0, 1, 1, 0.1), animal(0.1, 0.1, 0.2, 0.4)]},
        "none.jpg": {"detections": [{**animal(0, 0, 1, 1), "category": "2"}]},
        "bad.jpg": {"detections": [animal(0, 0, 0.5, 0.5), animal(0.5, 0.5, 0.5, 0.5)]},
        "failed.jpg": {"failure": "Failure image open", "detections": None},
        "elsewhere.jpg": {"detections": []},
    }
    names = ("two", "none", "bad", "one", "unlisted", "failed", "two")
    return boxes(photos, listed), [str(photos / f"{name}.jpg") for name in names]


def test_one_row_an_animal_in_the_order_given_and_one_for_every_other_photograph(tmp_path, season):
    file, paths = season
    tally = run(paths, tmp_path / "out.csv", boxes=file)
    found = [
        (os.path.basename(r["file_path"])[:-4], r["detection"], r["status"], r["family"], r["error"] + r["reason"])  # noqa: PTH119
        for r in table(tmp_path / "out.csv")
    ]
    broken = found[3][4]
    assert broken.startswith("is damaged")
    assert found == [
        ("two", "0", "ok", "blue", ""),
        ("two", "2", "ok", "red", ""),
        ("none", "", "empty", "", "no animal above 0.2; person 0.90"),
        ("bad", "0", "unreadable", "", broken),
        ("bad", "1", "unreadable", "", broken),
        ("one", "0", "ok", "green", ""),
        ("unlisted", "", "unreadable", "", "is not in boxes.json"),
        ("failed", "", "unreadable", "", "the detector failed: Failure image open"),
        ("two", "0", "ok", "blue", ""),
        ("two", "2", "ok", "red", ""),
    ]
    assert [line.split(": ")[0].rpartition("/")[2] for line in tally.unreadable] == [
        "bad.jpg", "unlisted.jpg", "failed.jpg",
    ]  # fmt: skip
    assert (tally.rows, tally.empty) == (10, 1)
    assert table(tmp_path / "out.csv")[0]["bbox"] == "0.7|0.5|0.2|0.4"
    assert table(tmp_path / "out.csv")[0]["detection_confidence"] == "0.9"


@pytest.mark.parametrize("batch_size", [1, 3, 4])
def test_cut_anywhere_it_goes_on_also_in_the_middle_of_a_photograph(tmp_path, season, batch_size):
    file, paths = season
    out = tmp_path / "out.csv"
    run(paths, out, boxes=file, batch_size=batch_size)
    whole = out.read_bytes()
    for cut_off in range(0, len(whole), 83):
        out.write_bytes(whole[:cut_off])
        run(paths, out, boxes=file, batch_size=batch_size, resume=True)
        assert out.read_bytes() == whole


def test_rows_of_other_detections_are_not_mixed(tmp_path, season):
    file, paths = season
    out = tmp_path / "out.csv"
    run(paths, out, boxes=file)
    before = out.read_bytes()
    with pytest.raises(StorageError, match=r"was begun with --detections"):
        run(paths, out, resume=True)
    other = json.loads(file.read_text())
    other["images"][1]["detections"][0]["bbox"][0] = 0.6
    file.write_text(json.dumps(other))
    with pytest.raises(StorageError, match="of another box in"):
        run(paths, out, boxes=file, resume=True)
    assert out.read_bytes() == before
    run(paths, out)
    with pytest.raises(StorageError, match=r"was begun without --detections"):
        run(paths, out, boxes=file, resume=True)


def test_photographs_that_are_not_those_of_the_detections_are_one_error(tmp_path, season):
    file, _ = season
    scene(tmp_path / "x.jpg")
    with pytest.raises(UsageError, match=r"None of the 1 photographs \(.*x\.jpg, …\) is among the 6 of"):
        run([str(tmp_path / "x.jpg")], tmp_path / "out.csv", boxes=file)
    paths = []
    for name in ("s1", "s2"):
        (tmp_path / name).mkdir()
        paths.append(str(scene(tmp_path / name / "one.jpg")))
    with pytest.raises(DataError, match=r"s1/one\.jpg and .*s2/one\.jpg both fit 'one\.jpg'"):
        run(paths, tmp_path / "out.csv", boxes=file)
    assert not (tmp_path / "out.csv").exists()


def square(image, box, size=16):
    return decode.squared(cut(image, box), size, "squash")


@pytest.mark.parametrize(
    ("size", "box", "expected"),
    [
        ((200, 100), (0.4, 0.4, 0.1, 0.2), (79, 39, 101, 61)),
        ((200, 100), (0.4, 0.3, 0.1, 0.4), (68, 28, 112, 72)),
        ((200, 100), (0.0, 0.0, 0.1, 0.2), (0, 0, 22, 22)),
        ((200, 100), (0.95, 0.9, 0.05, 0.1), (189, 89, 200, 100)),
        ((200, 100), (0.0, 0.2, 1.0, 0.5), (0, 0, 200, 100)),
        ((200, 100), (0.5, 0.5, 1e-9, 1e-9), (100, 50, 101, 51)),
        ((200, 100), (1.005, 1.005, 0.004, 0.004), (199, 99, 200, 100)),
        ((1, 1), (0.0, 0.0, 1.0, 1.0), (0, 0, 1, 1)),
    ],
)
def test_the_part_around_an_animal_is_square_with_a_margin_and_inside(size, box, expected):
    pixels = np.arange(size[0] * size[1], dtype=np.int64).reshape(size[1], size[0])
    image = Image.fromarray(np.stack([pixels % 256, pixels // 256, pixels * 0], axis=2).astype(np.uint8))
    left, top, right, bottom = expected
    np.testing.assert_array_equal(np.asarray(cut(image, box)), np.asarray(image)[top:bottom, left:right])
    assert MARGIN == 0.05


def test_boxes_are_of_the_upright_photograph(tmp_path):
    image = Image.new("RGB", (200, 100), (128, 128, 128))
    image.paste(COLOURS["red"], (0, 0, 40, 40))
    turned = Image.Exif()
    turned[0x0112] = 6  # turn right to see it upright: what was left above is right above
    image.save(tmp_path / "a.jpg", exif=turned, quality=95)
    picture = Picture(str(tmp_path / "a.jpg"), (Row("a.jpg", box=Box(0, 0.6, 0.0, 0.4, 0.2, 0.9)),))
    (seen,) = look(picture, 16, "squash")
    assert seen.pixels is not None
    assert seen.pixels.mean((0, 1)) @ (1, -0.5, -0.5) > 150


@pytest.mark.parametrize("fit", ["squash", "pad", "crop"])
def test_a_large_photograph_decoded_at_a_fraction_shows_the_same_animal(tmp_path, fit):
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8))
    coarse.resize((4000, 3000), Image.Resampling.BICUBIC).save(tmp_path / "a.jpg", quality=95)
    box = Box(0, 0.3, 0.2, 0.4, 0.5, 0.9)
    (seen,) = look(Picture(str(tmp_path / "a.jpg"), (Row("a", box=box),)), 64, fit)
    with Image.open(tmp_path / "a.jpg") as image:
        whole = decode.squared(cut(image.convert("RGB"), box.sides), 64, fit)
    assert seen.pixels is not None
    assert np.abs(seen.pixels.astype(int) - whole).mean() < 2


def test_rows_are_counted_before_any_photograph_is_opened(season):
    file, paths = season
    pictures = Pictures(paths, detections.read(file))
    assert pictures.count == 10
    left = [[row.box and row.box.number for row in p.rows[p.skipped :]] for p in pictures.after(4)]
    assert left == [[1], [0], [None], [None], [0, 2]]
    assert Pictures(paths).count == len(paths)
    assert [p.path for p in Pictures(paths).after(5)] == paths[5:]


def test_each_photograph_is_opened_once_however_many_animals_it_shows(tmp_path, season, monkeypatch):
    file, paths = season
    opened, real = [], decode.read_bytes
    monkeypatch.setattr(decode, "read_bytes", lambda path: opened.append(path.name) or real(path))
    run(paths[:4], tmp_path / "out.csv", Colours(), boxes=file)
    assert sorted(opened) == ["bad.jpg", "one.jpg", "two.jpg"]
