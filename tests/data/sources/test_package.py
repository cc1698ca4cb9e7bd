"""Archives from strangers: what leaves them, unfolds without end, is encrypted or damaged."""

import random
import struct
import zipfile

import pytest

from raravis import files
from raravis.data.sources._package import Package
from raravis.errors import DataError


def packed(path, entries, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("name", ["../x.jpg", "/etc/x.jpg", "a/../../x.jpg", "..\\x.jpg", "C:\\x.jpg"])
def test_an_entry_that_leaves_the_archive_is_refused_and_nothing_is_written(name, tmp_path):
    file = packed(tmp_path / "a.zip", [("meta.xml", "x"), (name, "x")])
    with pytest.raises(DataError, match="an entry that leaves it"):
        Package(file)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_links_are_no_files(tmp_path):
    info = zipfile.ZipInfo("link.jpg")
    info.external_attr = 0o120777 << 16
    with Package(packed(tmp_path / "a.zip", [(info, "/etc/passwd"), ("b.txt", "b")])) as package:
        assert package.names() == ["b.txt"]


def test_a_bomb_is_refused_by_what_its_entries_claim(tmp_path):
    file = packed(tmp_path / "a.zip", [("occurrence.txt", b"0" * (32 << 20))])
    with pytest.raises(DataError, match="unfolds to 33,554,432 bytes"):
        Package(file)


def test_a_bomb_that_lies_of_its_size_is_cut_off(tmp_path):
    file = packed(tmp_path / "a.zip", [("o.txt", b"0" * (32 << 20))])
    raw = bytearray(file.read_bytes())
    for sign, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        struct.pack_into("<I", raw, raw.index(sign) + place, 1000)
    file.write_bytes(raw)
    with Package(file) as package, pytest.raises(DataError, match="cannot be read"):
        package.read("o.txt", 1 << 30)


def test_images_that_unfold_to_far_more_than_photographs_do_are_a_bomb(tmp_path):
    noise = random.Random(0).randbytes(100_000)
    with Package(packed(tmp_path / "a.zip", [(f"{n}.jpg", noise) for n in range(4)])) as package:
        assert package.images(quiet=True) is not None
    with (
        Package(packed(tmp_path / "b.zip", [(f"{n}.jpg", b"0" * (12 << 20)) for n in range(3)])) as package,
        pytest.raises(DataError, match="unfolds to far more than its size"),
    ):
        package.images(quiet=True)


def test_encrypted_and_damaged_archives_are_told(tmp_path):
    file = packed(tmp_path / "a.zip", [("o.txt", "hello hello hello")])
    raw = bytearray(file.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "e.zip").write_bytes(raw)
    with pytest.raises(DataError, match="is encrypted"):
        Package(tmp_path / "e.zip")
    for cut in (0, 10, 60, len(raw) - 5):
        (tmp_path / "d.zip").write_bytes(file.read_bytes()[:cut])
        with pytest.raises(DataError, match="no zip archive that can be opened"):
            Package(tmp_path / "d.zip")
    raw = bytearray(file.read_bytes())
    raw[40] ^= 0xFF
    (tmp_path / "f.zip").write_bytes(raw)
    with pytest.raises(DataError), Package(tmp_path / "f.zip") as package:
        package.read("o.txt", 1000)


def test_unpacked_images_are_kept_and_made_whole_again(tmp_path):
    file = packed(tmp_path / "a.zip", [("d/x.jpg", b"one"), ("d/y.txt", b"no"), ("__MACOSX/d/._x.jpg", b"no")])
    with Package(file) as package:
        assert package.above == "d/"
        home = package.images(quiet=True)
    assert home is not None
    assert home.is_relative_to(files.cache("archives"))
    assert sorted(path.name for path in home.rglob("*")) == ["x.jpg"]
    (home / "x.jpg").write_bytes(b"o")
    with Package(file) as package:
        assert package.images(quiet=True) == home
    assert (home / "x.jpg").read_bytes() == b"one"


def test_a_name_never_leaves_a_folder(tmp_path):
    (tmp_path / "secret").write_text("x")
    (tmp_path / "in").mkdir()
    with Package(tmp_path / "in") as package:
        for name in ("../secret", str(tmp_path / "secret"), "\0", ""):
            assert not package.has(name)
