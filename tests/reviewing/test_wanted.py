"""What a person should look at first, and why."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from raravis.errors import DataError, UsageError
from raravis.reviewing import diverse, told, wanted
from raravis.reviewing.item import Item
from raravis.reviewing.told import Told

HEADER = "file_path,status,error,verdict,family,confidence,top_families,top_confidences,prediction_set,novelty,reason\n"


def one(path="a.jpg", families=("felidae", "canidae"), sure=(0.9, 0.05), **more):
    return Told(path, families, sure, **more)


def listed(rows, tmp_path, near=None):
    return {item.file_path: item for item in wanted.items(rows, near or {}, tmp_path)}


def test_what_is_beyond_doubt_is_left_out(tmp_path):
    assert not listed([one(sure=(0.99, 0.001), verdict="identified")], tmp_path)


def test_every_reason_is_told_and_raises_the_priority(tmp_path):
    rows = [
        one("sure.jpg", verdict="identified"),
        one("tie.jpg", sure=(0.5, 0.45), verdict="uncertain"),
        one("uncertain.jpg", sure=(0.5, 0.1), verdict="uncertain"),
        one("strange.jpg", verdict="unfamiliar", novelty=0.97),
        one("beside.jpg", verdict="identified"),
    ]
    found = listed(rows, tmp_path, {"beside.jpg": ["ursidae", "ursidae", "ursidae", "felidae"]})
    assert found["tie.jpg"].reason == "near tie: felidae 0.50, canidae 0.45"
    assert found["uncertain.jpg"].reason == "uncertain: felidae 0.50"
    assert found["strange.jpg"].reason == "unfamiliar: stranger than 97% of the animals it knows"
    assert found["beside.jpg"].reason == "3 of its 4 nearest training photographs are ursidae, not felidae"
    assert [name for name, _ in found["beside.jpg"].candidates] == ["felidae", "canidae", "ursidae"]
    order = sorted(found, key=lambda name: -found[name].priority)
    assert order == ["strange.jpg", "tie.jpg", "uncertain.jpg", "beside.jpg", "sure.jpg"]


def test_neighbours_of_many_families_are_told_so(tmp_path):
    near = {"a.jpg": ["ursidae", "ursidae", "mustelidae", "felidae"]}
    assert listed([one()], tmp_path, near)["a.jpg"].reason == (
        "3 of its 4 nearest training photographs are not felidae, 2 of them ursidae"
    )


def test_neighbours_that_mostly_agree_say_nothing(tmp_path):
    agree = listed([one()], tmp_path, {"a.jpg": ["felidae", "felidae", "ursidae"]})["a.jpg"]
    assert agree.priority == listed([one()], tmp_path)["a.jpg"].priority


def item(path, told="felidae", priority=0.9, verdict="uncertain"):
    return Item(path.name, path, told, 0.5, verdict, "why", priority)


def picture(path, seed):
    small = np.random.default_rng(seed).integers(0, 255, (6, 6, 3)).astype(np.uint8)
    Image.fromarray(small).resize((64, 64), Image.Resampling.BICUBIC).save(path, quality=95)
    return path


def test_a_family_waits_for_others(tmp_path):
    cats = [item(picture(tmp_path / f"cat{i}.jpg", i), priority=0.9 - i / 1000) for i in range(12)]
    dogs = [item(picture(tmp_path / f"dog{i}.jpg", 50 + i), "canidae", 0.6) for i in range(3)]
    found, _ = diverse.chosen([*cats, *dogs], 8)
    assert [one.told for one in found[:3]] == ["felidae"] * 3
    assert sum(one.told == "canidae" for one in found) >= 2
    assert len(found) == 8


def test_a_burst_is_asked_once(tmp_path):
    picture(tmp_path / "0.jpg", 1)
    for i in range(1, 5):
        Image.open(tmp_path / "0.jpg").save(tmp_path / f"{i}.jpg", quality=70 + i)
    picture(tmp_path / "other.jpg", 2)
    rows = [item(path, priority=0.5 + i / 100) for i, path in enumerate(sorted(tmp_path.iterdir()))]
    found, _ = diverse.chosen(sorted(rows, key=lambda one: -one.priority), 10)
    assert [(one.file_path, one.alike) for one in found] == [("other.jpg", 0), ("4.jpg", 4)]


def test_what_cannot_be_read_is_named_and_left_out(tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no image")
    rows = [item(tmp_path / "bad.jpg"), item(tmp_path / "gone.jpg"), item(picture(tmp_path / "good.jpg", 1))]
    found, bad = diverse.chosen(rows, 10)
    assert [one.file_path for one in found] == ["good.jpg"]
    assert bad == ("bad.jpg: is no image of a known format", "gone.jpg: no such file")


def test_the_unfamiliar_do_not_hide_all_that_is_uncertain(tmp_path):
    paths = [picture(tmp_path / f"{i}.jpg", i) for i in range(60)]
    rows = [item(path, f"f{i}", 0.99, "unfamiliar") for i, path in enumerate(paths[:50])]
    rows += [item(path, f"g{i}", 0.8) for i, path in enumerate(paths[50:])]
    found, _ = diverse.chosen(rows, 40)
    assert {one.verdict for one in found} == {"unfamiliar", "uncertain"}


def test_predictions_are_read_from_csv_and_parquet_alike(tmp_path):
    (tmp_path / "p.csv").write_text(
        HEADER
        + "a.jpg,ok,,uncertain,felidae,0.5,felidae|canidae,0.500000|0.400000,felidae|canidae,0.1,why\n"
        + "bad.jpg,unreadable,is no image,,,,,,,,\n"
    )
    table = pd.DataFrame(
        {
            "file_path": ["a.jpg", "bad.jpg"],
            "status": ["ok", "unreadable"],
            "verdict": ["uncertain", None],
            "family": ["felidae", None],
            "confidence": [0.5, None],
            "top_families": [["felidae", "canidae"], []],
            "top_confidences": [[0.5, 0.4], []],
            "novelty": [0.1, None],
            "reason": ["why", None],
        }
    )
    table.to_parquet(tmp_path / "p.parquet")
    expected = Told("a.jpg", ("felidae", "canidae"), (0.5, 0.4), "uncertain", 0.1, "why")
    for name in ("p.csv", "p.parquet"):
        rows, notes = told.read(tmp_path / name)
        assert rows == [expected]
        assert notes == ("1 rows name no family (unreadable, or no animal); they are left out.",)


def test_of_rows_about_the_same_the_least_sure_counts(tmp_path):
    (tmp_path / "p.csv").write_text("file_path,family,confidence\na.jpg,felidae,0.9\na.jpg,canidae,0.4\n")
    rows, notes = told.read(tmp_path / "p.csv")
    assert [row.families for row in rows] == [("canidae",)]
    assert "least sure" in notes[0]


def test_animals_in_their_boxes_are_read_one_by_one_from_csv_and_parquet_alike(tmp_path):
    sides = [(0.5, 0.25, 0.125, 0.5), (0.0, 0.0, 0.5, 0.5), None]
    table = pd.DataFrame(
        {"file_path": "a.jpg", "family": ["felidae", "canidae", "ursidae"], "confidence": 0.5}
        | {"bbox": [list(some) if some else None for some in sides]}
    )
    table.to_parquet(tmp_path / "p.parquet")
    table.assign(bbox=["|".join(map(str, some)) if some else "" for some in sides]).to_csv(
        tmp_path / "p.csv", index=False
    )
    for name in ("p.csv", "p.parquet"):
        rows, notes = told.read(tmp_path / name)
        assert [(row.families[0], row.box) for row in rows] == list(zip(table["family"], sides, strict=True))
        assert len({row.name for row in rows}) == 3
        assert notes == ()


def test_animals_before_one_camera_are_a_burst_only_where_they_look_the_same(tmp_path):
    meadow = Image.new("RGB", (640, 400), (128, 140, 120))
    for number, (seed, left) in enumerate([(1, 20), (2, 220), (1, 420)]):
        picture(tmp_path / "animal.jpg", seed)
        photograph = meadow.copy()
        with Image.open(tmp_path / "animal.jpg") as animal:
            photograph.paste(animal, (left, 100))
        photograph.save(tmp_path / f"{number}.png")
    shutil.copy(tmp_path / "1.png", tmp_path / "copy.png")
    places = {"0": 20, "1": 220, "copy": 220, "2": 420}
    rows = [
        replace(item(tmp_path / f"{name}.png"), box=(left / 640, 100 / 400, 64 / 640, 64 / 400))
        for name, left in places.items()
    ]
    found, _ = diverse.chosen(rows, 10)
    assert [(one.file_path, one.alike) for one in found] == [("0.png", 1), ("1.png", 1)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file_path,family,confidence,bbox\na,felidae,0.5,0|0|2|2\n", "row 2: bbox is '0|0|2|2'"),
        ("file_name,taxon\na,b\n", "lacks the columns file_path, family, confidence"),
        ("file_path,family,confidence\na,felidae,much\n", "row 2: could not convert"),
        ("file_path,family,confidence\na,felidae,7\n", "outside 0–1"),
        ("file_path,family,confidence,p_felidae\na,felidae,0.5,0.5\n", "Give its run folder"),
        ("file_path,family,confidence\na,,\n", "names a family"),
        (HEADER + "a,ok,,x,f,0.5,f|g,0.5,f,,\n", "do not match"),
    ],
)
def test_what_is_no_table_of_predictions_is_one_error(tmp_path, text, words):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(DataError, match=words):
        told.read(tmp_path / "p.csv")


def test_what_is_no_table_at_all_is_a_wrong_call(tmp_path):
    for name in ("gone.csv", "."):
        with pytest.raises(UsageError, match="was expected"):
            told.read(tmp_path / name)
