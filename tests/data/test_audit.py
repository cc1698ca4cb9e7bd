"""Faults of images: each kind is found, where it is and nowhere else."""

import shutil

import numpy as np
import pytest
from PIL import Image

from raravis.data import audit, catalogue
from raravis.data.sources import Request


def picture(seed: int, side: int = 160) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3)).astype(np.uint8)
    return Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)


@pytest.fixture
def data(tmp_path):
    for number, family in enumerate(("canidae", "felidae")):
        (tmp_path / family).mkdir()
        for i in range(4):
            picture(10 * number + i).save(tmp_path / family / f"{i}.jpg", quality=95)
    return tmp_path


def table(folder):
    return catalogue.read(Request(str(folder)), quiet=True).table


def found(folder) -> dict[str, set[str]]:
    rows = audit.findings(table(folder))
    return {kind: set(part["file_path"]) for kind, part in rows.groupby("kind")}


def test_clean_images_have_no_findings(data):
    rows = audit.findings(table(data))
    assert len(rows) == 0
    assert list(rows.columns) == ["file_path", "kind", "group", "detail"]
    assert len(set(audit.groups(table(data)))) == 8


def test_what_was_cut_out_of_one_photograph_stays_together_with_it(data):
    rows = table(data)
    whole, left, right, other, *_ = rows["image_id"]
    cut_from = {left: whole, right: whole, other: "ab" * 32, rows["image_id"].iloc[7]: "ab" * 32}
    given = rows.assign(**{audit.CUT_FROM: rows["image_id"].map(cut_from).fillna("")})
    assert audit.together(given).tolist() == [0, 0, 0, 1, 2, 3, 4, 1]
    assert len(set(audit.together(rows))) == len(set(audit.groups(given))) == 8


def test_exact_copies(data):
    shutil.copy(data / "canidae" / "0.jpg", data / "canidae" / "copy.jpg")
    assert found(data) == {"exact_duplicate": {"canidae/0.jpg", "canidae/copy.jpg"}}


@pytest.mark.parametrize(("side", "quality"), [(160, 40), (128, 95), (128, 40)])
def test_near_copies(data, side, quality):
    with Image.open(data / "canidae" / "0.jpg") as image:
        image.resize((side, side), Image.Resampling.LANCZOS).save(data / "canidae" / "near.jpg", quality=quality)
    assert found(data) == {"near_duplicate": {"canidae/0.jpg", "canidae/near.jpg"}}


def test_exact_and_near_copies_are_one_group(data):
    shutil.copy(data / "canidae" / "0.jpg", data / "canidae" / "copy.jpg")
    with Image.open(data / "canidae" / "0.jpg") as image:
        image.save(data / "canidae" / "near.jpg", quality=40)
    rows = audit.findings(table(data))
    assert set(rows["group"]) == {1}
    assert set(rows.loc[rows["kind"] == "exact_duplicate", "file_path"]) == {"canidae/0.jpg", "canidae/copy.jpg"}
    assert rows.loc[rows["kind"] == "near_duplicate", "file_path"].nunique() == 3
    assert "label_conflict" not in set(rows["kind"])


@pytest.mark.parametrize("near", [False, True])
def test_copies_under_two_families_are_a_conflict(data, near):
    with Image.open(data / "canidae" / "0.jpg") as image:
        image.save(data / "felidae" / "copy.jpg", quality=40)
    if not near:
        shutil.copy(data / "canidae" / "0.jpg", data / "felidae" / "copy.jpg")
    both = {"canidae/0.jpg", "felidae/copy.jpg"}
    assert found(data) == {"label_conflict": both, ("near" if near else "exact") + "_duplicate": both}
    rows = audit.findings(table(data))
    assert rows["detail"][0] == "canidae; in its group stand canidae, felidae"


@pytest.mark.parametrize(("side", "tiny"), [(31, True), (32, False)])
def test_tiny_images(data, side, tiny):
    picture(99).resize((200, side)).save(data / "felidae" / "small.png")
    assert found(data) == ({"tiny": {"felidae/small.png"}} if tiny else {})


def test_blank_images_are_copies_of_nothing(data):
    for name, grey in (("white", 255), ("black", 0)):
        Image.new("RGB", (64, 64), (grey, grey, grey)).save(data / "felidae" / f"{name}.png")
    assert found(data) == {"blank": {"felidae/white.png", "felidae/black.png"}}


def test_unreadable_files_are_copies_of_nothing(data):
    whole = (data / "canidae" / "0.jpg").read_bytes()
    (data / "felidae" / "empty.jpg").write_bytes(b"")
    (data / "felidae" / "void.jpg").write_bytes(b"")
    (data / "felidae" / "text.jpg").write_text("not an image")
    (data / "felidae" / "half.jpg").write_bytes(whole[: len(whole) // 2])
    rows = audit.findings(table(data))
    assert set(rows["kind"]) == {"unreadable"}
    assert sorted(rows["file_path"]) == [f"felidae/{name}.jpg" for name in ("empty", "half", "text", "void")]
    assert (rows["group"] == -1).all()
    assert (rows["detail"] != "").all()


def test_unlabelled_images_are_found_and_make_no_conflict(data):
    listing = data / "list.csv"
    shutil.copy(data / "canidae" / "0.jpg", data / "copy.jpg")
    listing.write_text("path,label\ncanidae/0.jpg,canidae\nfelidae/0.jpg,felidae\ncopy.jpg,\n")
    looked = catalogue.read(Request(str(listing), "path", "label"), quiet=True)
    rows = audit.findings(looked.table)
    kinds = {kind: sorted(part["file_path"]) for kind, part in rows.groupby("kind")}
    assert kinds == {"unlabelled": ["copy.jpg"], "exact_duplicate": ["canidae/0.jpg", "copy.jpg"]}


def test_the_order_of_the_rows_changes_no_group(data):
    shutil.copy(data / "canidae" / "0.jpg", data / "felidae" / "copy.jpg")
    whole = table(data)
    turned = whole[::-1].reset_index(drop=True)
    forth = {frozenset(whole["file_path"][audit.groups(whole) == g]) for g in set(audit.groups(whole))}
    back = {frozenset(turned["file_path"][audit.groups(turned) == g]) for g in set(audit.groups(turned))}
    assert forth == back
