"""The verb on photographs in a store: its files are those of a copy on this machine; what is wrong is one sentence."""

import json
import shutil
import sys

import numpy as np
import pytest

from raravis.errors import DataError, MissingError, UsageError
from raravis.verbs.embed import embed

fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")

OPTIONS = {"backbone": "MobileNet", "weights": "none", "size": 32, "quiet": True}


@pytest.fixture
def store():
    """A store in memory, empty before and after."""
    found = fsspec.filesystem("memory")
    found.store.clear()
    yield found
    found.store.clear()


@pytest.mark.engine
def test_features_of_a_store_are_those_of_a_copy(store, photos36, tmp_path, monkeypatch):
    copy = shutil.copytree(photos36, tmp_path / "copy")
    (copy / "canidae" / "bad.jpg").write_bytes(b"no image")
    shutil.copy(copy / "felidae" / "00.jpg", copy / "ursidae" / "again.jpg")
    store.put(str(copy), "/season", recursive=True)
    here = embed(copy, out=tmp_path / "here", **OPTIONS)
    monkeypatch.setenv("RARAVIS_CACHE", str(tmp_path / "another"))
    there = embed("memory://season", out=tmp_path / "there", **OPTIONS)
    assert (there.figures["images"], there.unreadable) == (36, ("canidae/bad.jpg: is no image of a known format",))
    assert (here.unreadable, here.notes) == (there.unreadable, there.notes)
    assert (tmp_path / "there" / "images.csv").read_bytes() == (tmp_path / "here" / "images.csv").read_bytes()
    found, expected = (np.load(tmp_path / name / "features.npy") for name in ("there", "here"))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    about = [json.loads((tmp_path / name / "about.json").read_text()) for name in ("there", "here")]
    for one in about:
        del one["computed"]  # whatever was fastest
    assert about[0] == about[1]


@pytest.mark.engine
def test_photographs_without_a_label_have_features_too(store, photos36, tmp_path):
    digests = set()
    for number in range(2):
        store.put(str(photos36 / "felidae" / f"0{number}.jpg"), f"/flat/{number}.jpg")
        outcome = embed("memory://flat", out=tmp_path / "out", **OPTIONS)
        assert outcome.figures["images"] == len(np.load(tmp_path / "out" / "features.npy")) == number + 1
        digests.add(outcome.figures["data_digest"])
    assert len(digests) == 2


@pytest.mark.engine
def test_no_feature_of_a_damaged_cache_is_handed_out(photos36, tmp_path, monkeypatch):
    monkeypatch.setenv("RARAVIS_CACHE", str(tmp_path / "cache"))
    embed(photos36, out=tmp_path / "whole", **OPTIONS)
    (rows,) = (file for file in (tmp_path / "cache").rglob("rows.bin") if "embed" in str(file))
    with rows.open("r+b") as stream:
        stream.write(np.array([np.nan], np.float32).tobytes())
    with pytest.raises(DataError, match=r"NaN or infinity\.\nDelete the folder"):
        embed(photos36, out=tmp_path / "out", **OPTIONS)
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("data", "options", "error", "told"),
    [
        ("memory://none", {}, DataError, "memory://none holds no images, or is not there"),
        ("memory://season/*", {}, UsageError, "is no folder"),
        ("nonsense://bucket", {}, UsageError, "no kind of store"),
        ("memory://season", {"label_column": "family"}, UsageError, "--label-column and --root belong to tables"),
        ("memory://season", {}, DataError, "None of the 1 files of memory://season is an image that can be read"),
    ],
)
def test_what_is_wrong_with_a_store_is_told(store, tmp_path, data, options, error, told):
    store.pipe_file("/season/a.jpg", b"no image")
    with pytest.raises(error, match=told) as caught:
        embed(data, out=tmp_path / "out", **OPTIONS, **options)
    assert len(str(caught.value).splitlines()) <= 2
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(("address", "package"), [("s3://bucket/photos", "s3fs"), ("gs://bucket/photos", "gcsfs")])
def test_a_package_that_a_store_needs_is_named(tmp_path, monkeypatch, address, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingError, match=f"pip install {package}"):
        embed(address, out=tmp_path / "out", **OPTIONS)
