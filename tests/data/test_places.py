"""Photographs in a store: what is listed, what is read, and what is said of a store that does not answer."""

import builtins
import sys

import pytest

from raravis.data import places
from raravis.data.decode import UnreadableImageError
from raravis.errors import DataError, MissingError, UsageError
from raravis.serve import inputs

fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")


@pytest.fixture
def store():
    """A store in memory, empty before and after."""
    found = fsspec.filesystem("memory")
    found.store.clear()
    found.pseudo_dirs[:] = [""]
    for name in ("b.jpg", "a.JPG", "deep/c.png", "deep/.hidden/d.jpg", "notes.txt", ".e.jpg"):
        found.pipe_file(f"/season/{name}", name.encode())
    yield found
    found.store.clear()


def test_an_address_means_every_image_below_it_sorted(store):
    found = inputs.expand(["memory://season", "memory://season/deep/c.png"])
    below = ["memory:///season/a.JPG", "memory:///season/b.jpg", "memory:///season/deep/c.png"]
    assert list(found.files) == [*below, "memory://season/deep/c.png"]
    assert [places.read(one) for one in found.files] == [b"a.JPG", b"b.jpg", b"deep/c.png", b"deep/c.png"]


def test_globs_are_matched_by_the_store(store):
    assert places.below("memory://season/*.jpg") == ["memory:///season/b.jpg"]
    assert places.below("memory://season/**/*.png") == ["memory:///season/deep/c.png"]
    assert inputs.expand(["memory://season/b.jpg", "memory://none*"]).notes == ("Nothing was found at memory://none*.",)


def test_a_tree_holds_the_same_by_paths_from_its_folder(store):
    found = places.tree("memory://season/")
    assert found.address == "memory:///season"
    assert {path: size for path, (size, _) in found.images.items()} == {"a.JPG": 5, "b.jpg": 5, "deep/c.png": 10}
    assert [f"{found.address}/{path}" for path in found.images] == places.below("memory://season")
    everything = places.tree("memory://")
    assert list(everything.images) == ["season/a.JPG", "season/b.jpg", "season/deep/c.png"]
    assert places.read(f"{everything.address}/season/b.jpg") == b"b.jpg"


def test_a_tree_tells_what_has_changed(store):
    before = places.tree("memory://season").images
    assert places.tree("memory://season").images == before
    store.pipe_file("/season/b.jpg", b"other")
    after = places.tree("memory://season").images
    assert [path for path in before if before[path] != after[path]] == ["b.jpg"]


def test_what_came_since_an_earlier_list_is_there(store, monkeypatch):
    """Stores keep lists; this one answers from its first until it is told to forget that."""
    real, kept = type(store).find, {}

    def find(self, name, **options):
        return kept.setdefault(name, real(self, name, **options))

    monkeypatch.setattr(type(store), "find", find)
    monkeypatch.setattr(type(store), "invalidate_cache", lambda self, path=None: kept.clear())
    assert len(places.below("memory://season")) == 3
    store.pipe_file("/season/new.jpg", b"new")
    assert len(places.below("memory://season")) == len(places.tree("memory://season").images) == 4


@pytest.mark.parametrize(
    ("address", "error", "told"),
    [
        ("memory://season/*", UsageError, "is no folder"),
        ("memory://season/b.jpg", UsageError, "is no folder"),
        ("memory://none", DataError, "holds no images, or is not there"),
        ("nonsense://bucket", UsageError, "no kind of store"),
    ],
)
def test_what_is_no_tree_of_photographs_is_told(store, address, error, told):
    with pytest.raises(error, match=told):
        places.tree(address)


def test_files_of_this_machine_have_addresses_too(tmp_path):
    (tmp_path / "a b.jpg").write_bytes(b"here")
    (one,) = places.below(f"file://{tmp_path}")
    assert one == f"file://{tmp_path}/a b.jpg"
    assert places.read(one) == places.read(str(tmp_path / "a b.jpg")) == b"here"
    assert places.tree(f"file://{tmp_path}/").address == f"file://{tmp_path}"


@pytest.mark.parametrize(
    ("name", "reason"), [("gone.jpg", "no such file"), ("empty.jpg", "is empty"), ("deep", "is no regular file")]
)
def test_what_is_no_photograph_says_why(store, name, reason):
    store.pipe_file("/season/empty.jpg", b"")
    with pytest.raises(UnreadableImageError, match=reason):
        places.read(f"memory://season/{name}")


def test_a_store_that_fails_is_asked_again_and_then_given_up(store, monkeypatch):
    monkeypatch.setattr(places, "PAUSES", (0.0, 0.0))
    failures = [TimeoutError("slow down"), ConnectionError("reset")]
    whole = type(store).cat_file

    def flaky(self, name, **options):
        if failures:
            raise failures.pop()
        return whole(self, name, **options)

    monkeypatch.setattr(type(store), "cat_file", flaky)
    assert places.read("memory://season/b.jpg") == b"b.jpg"
    failures += [TimeoutError("slow down")] * 3
    with pytest.raises(UnreadableImageError, match="cannot be fetched: slow down"):
        places.read("memory://season/b.jpg")
    assert failures == []


def test_an_unknown_store_a_lacking_package_and_a_store_that_does_not_list_are_told(store, monkeypatch):
    with pytest.raises(UsageError, match="no kind of store"):
        places.below("nonsense://bucket")
    monkeypatch.setattr(type(store), "find", lambda *_, **__: 1 / 0)
    for asked in (places.below, places.tree):
        with pytest.raises(DataError, match="Cannot list memory://season: division by zero"):
            asked("memory://season")
    real = builtins.__import__

    def without(name, *rest):
        if name.partition(".")[0] in ("s3fs", "gcsfs"):
            raise ImportError(f"No module named {name!r}")
        return real(name, *rest)

    for package in ("s3fs", "gcsfs"):
        monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(builtins, "__import__", without)
    for address, package in (("s3://bucket/a.jpg", "s3fs"), ("gs://bucket/a.jpg", "gcsfs")):
        with pytest.raises(MissingError, match=rf"pip install {package}"):
            places.read(address)


def test_a_path_with_a_colon_is_no_address():
    assert not places.is_address("C:/photos/a.jpg")
    assert not places.is_address("./s3://a.jpg")
    assert places.is_address("s3://a.jpg")
