"""The catalogue: a checked table, each unchanged file looked at once."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from raravis import credits, taxonomy
from raravis.data import _looks, catalogue
from raravis.data.catalogue import Catalogue
from raravis.data.decode import Probe
from raravis.data.sources import Request
from raravis.errors import DataError, UsageError

COLUMNS = {
    *("file_path", *taxonomy.RANKS, "image_id", "bytes", "mtime_ns", "width", "height"),
    *("mode", "format", "phash", "status", "error"),
    *credits.COLUMNS,
}


def read(data: object, **options: object) -> Catalogue:
    return catalogue.read(Request(str(data), **options), quiet=True)


@pytest.fixture
def looked(monkeypatch):
    """The names of the files that were looked at."""
    names: list[str] = []
    real = _looks.probe

    def spy(path: str) -> Probe:
        names.append(Path(path).name)
        return real(path)

    monkeypatch.setattr(_looks, "probe", spy)
    return names


@pytest.fixture
def photos(tmp_path, put) -> Path:
    root = tmp_path / "photos"
    for name in ("chordata_felidae/1.jpg", "chordata_felidae/2.jpg", "mollusca_unionidae/3.jpg"):
        put(root / name)
    return root


def test_every_file_is_a_row_in_the_order_of_the_listing(photos):
    found = read(photos)
    table = found.table
    assert set(table.columns) == COLUMNS
    assert (found.kind, found.root, found.notes, found.unreadable) == ("folder", photos, (), ())
    assert table["file_path"].tolist() == [
        "chordata_felidae/1.jpg",
        "chordata_felidae/2.jpg",
        "mollusca_unionidae/3.jpg",
    ]
    assert table["phylum"].tolist() == ["chordata", "chordata", "mollusca"]
    for row in table.itertuples():
        path = photos / row.file_path
        assert row.image_id == hashlib.sha256(path.read_bytes()).hexdigest()
        assert (row.bytes, row.mtime_ns) == (path.stat().st_size, path.stat().st_mtime_ns)
        assert (row.width, row.height, row.mode, row.format) == (48, 40, "RGB", "JPEG")
        assert (row.status, row.error) == ("ok", "")
    assert len(table["phash"].unique()) == 3


def test_faults_are_named_and_nothing_is_lost(photos, tmp_path, put):
    whole = put(photos / "mollusca_unionidae/7.jpg").read_bytes()
    (photos / "mollusca_unionidae/4.jpg").write_bytes(b"")
    (photos / "mollusca_unionidae/5.jpg").write_text("a text")
    (photos / "mollusca_unionidae/6.jpg").write_bytes(whole[: len(whole) // 2])
    (photos / "mollusca_unionidae/8.jpg").symlink_to("gone.jpg")
    put(photos / "9.jpg")
    found = read(photos)
    status = dict(zip(found.table["file_path"].map(lambda p: Path(p).stem), found.table["status"], strict=True))
    assert status == {
        **dict.fromkeys("1237", "ok"),
        **dict.fromkeys("4568", "unreadable"),
        "9": "unlabelled",
    }
    assert len(found.unreadable) == 4
    assert found.unreadable[0] == "mollusca_unionidae/4.jpg: is empty (0 bytes)"
    assert found.unreadable[3] == "mollusca_unionidae/8.jpg: no such file"
    assert found.notes == ("1 images have no label; nothing can be learned from them.",)
    assert found.readable["file_path"].map(lambda p: Path(p).stem).tolist() == ["1", "2", "3", "7"]
    bad = found.table[found.table["status"] == "unreadable"]
    assert set(bad["image_id"]) == set(bad["phash"]) == {""}
    loose = found.table.set_index("file_path").loc["9.jpg"]
    assert loose["error"] == "no label"
    assert loose["image_id"]


def test_rows_that_must_not_be_read_are_not(photos, looked, tmp_path):
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (photos / "t.csv").write_text("path,label\nchordata_felidae/1.jpg,a\n../secret.jpg,a\ngone.jpg,b\n")
    found = read(photos / "t.csv")
    assert looked == ["1.jpg"]
    assert found.unreadable == ("../secret.jpg: the path leaves the folder of the data", "gone.jpg: no such file")


def test_odd_names_are_read(photos, put):
    names = ["a b.jpg", "a,b.jpg", "a'b\"c.jpg", "a\nb.jpg", "Füchsin 狐.jpg"]
    for name in names:
        put(photos / "o d,d" / name)
    table = read(photos).table
    assert set(names) <= set(table["file_path"].map(lambda p: p.rpartition("/")[2]))
    assert (table["status"] == "ok").all()


def test_what_could_make_a_reader_hang_or_a_table_unwritable_is_a_row(photos, tmp_path):
    os.mkfifo(photos / "mollusca_unionidae/pipe.jpg")
    (photos / "mollusca_unionidae/loop.jpg").symlink_to("loop.jpg")
    shutil.copy(photos / "chordata_felidae/1.jpg", os.fsencode(photos / "chordata_felidae") + b"/\xff\xfe.jpg")
    found = read(photos)
    why = dict(line.rpartition("/")[2].split(": ", 1) for line in found.unreadable)
    assert set(why) == {"pipe.jpg", "loop.jpg", "\\xff\\xfe.jpg"}
    assert why["pipe.jpg"] == "is no regular file"
    assert why["\\xff\\xfe.jpg"] == "its name is not UTF-8; rename it"
    assert len(found.readable) == 3
    catalogue.save(found, tmp_path / "c.parquet")
    assert len(catalogue.load(tmp_path / "c.parquet").table) == 6


def test_the_photographs_at_hand_are_all_readable(wildlife, looked):
    found = read(wildlife)
    assert (len(found.readable), found.unreadable, len(looked)) == (7_466, (), 7_466)
    assert (found.readable["family"].nunique(), found.readable["phylum"].nunique()) == (119, 5)
    looked.clear()
    assert read(wildlife).digest == found.digest
    assert looked == []


def test_a_second_look_decodes_nothing(photos, looked):
    first = read(photos)
    assert sorted(looked) == ["1.jpg", "2.jpg", "3.jpg"]
    looked.clear()
    second = read(photos)
    assert looked == []
    pd.testing.assert_frame_equal(first.table, second.table)
    assert first.digest == second.digest


def test_only_what_changed_is_looked_at_again(photos, looked, put):
    first = read(photos)
    looked.clear()
    put(photos / "chordata_felidae/2.jpg", seed=99)
    put(photos / "mollusca_unionidae/new.jpg")
    (photos / "chordata_felidae/1.jpg").unlink()
    second = read(photos)
    assert sorted(looked) == ["2.jpg", "new.jpg"]
    both = first.table.merge(second.table, on="file_path", suffixes=("", "_now"))
    same = both.set_index("file_path")["image_id"] == both.set_index("file_path")["image_id_now"]
    assert same.to_dict() == {"chordata_felidae/2.jpg": False, "mollusca_unionidae/3.jpg": True}
    assert first.digest != second.digest


def test_a_change_of_time_alone_is_looked_at_again(photos, looked):
    read(photos)
    looked.clear()
    os.utime(photos / "chordata_felidae/1.jpg", ns=(1, 1))
    assert read(photos).table["mtime_ns"].tolist()[0] == 1
    assert looked == ["1.jpg"]


def test_two_tables_of_one_folder_share_what_was_seen(photos, looked):
    (photos / "a.csv").write_text("path,label\nchordata_felidae/1.jpg,a\n")
    (photos / "b.csv").write_text("path,label\nchordata_felidae/2.jpg,b\n")
    for name in ("a.csv", "b.csv", "a.csv", "b.csv"):
        read(photos / name)
    assert sorted(looked) == ["1.jpg", "2.jpg"]


def test_another_limit_of_pixels_is_another_look(photos, monkeypatch):
    assert not read(photos).unreadable
    monkeypatch.setenv("RARAVIS_MAX_PIXELS", "100")
    with pytest.raises(DataError, match="more than the limit of 100"):
        read(photos)
    monkeypatch.setenv("RARAVIS_MAX_PIXELS", "lots")
    with pytest.raises(UsageError, match="RARAVIS_MAX_PIXELS"):
        read(photos)
    monkeypatch.delenv("RARAVIS_MAX_PIXELS")
    assert not read(photos).unreadable


def test_a_file_that_could_not_be_opened_is_tried_again(photos, monkeypatch):
    real = _looks.probe
    monkeypatch.setattr(_looks, "probe", lambda path: Probe(error="cannot be opened: Too many open files"))
    with pytest.raises(DataError):
        read(photos)
    monkeypatch.setattr(_looks, "probe", real)
    assert not read(photos).unreadable


@pytest.mark.parametrize("damage", [b"", b"PAR1 no table PAR1", None])
def test_a_damaged_cache_is_rebuilt_in_silence(damage, photos, looked, capfd):
    first = read(photos)
    (cached,) = (Path(os.environ["RARAVIS_CACHE"]) / "catalogues").iterdir()
    if damage is None:
        pd.DataFrame({"other": [1]}).to_parquet(cached)
    else:
        cached.write_bytes(damage)
    looked.clear()
    pd.testing.assert_frame_equal(first.table, read(photos).table)
    assert len(looked) == 3
    looked.clear()
    read(photos)
    assert looked == []
    assert capfd.readouterr() == ("", "")


def test_what_was_seen_before_an_interruption_is_kept(photos, put, monkeypatch, looked):
    for i in range(200):
        put(photos / f"chordata_felidae/x{i:03d}.jpg", seed=1)
    spy = _looks.probe

    def stop(path: str) -> Probe:
        if Path(path).name == "x150.jpg":
            raise KeyboardInterrupt
        return spy(path)

    monkeypatch.setattr(_looks, "probe", stop)
    with pytest.raises(KeyboardInterrupt):
        read(photos)
    monkeypatch.setattr(_looks, "probe", spy)
    looked.clear()
    assert len(read(photos).table) == 203
    assert "x000.jpg" not in looked
    assert len(looked) < 120


READ = """
import sys
from raravis.data import catalogue
from raravis.data.sources import Request
print(catalogue.read(Request(sys.argv[1])).digest)
"""


def test_processes_at_once_agree(photos, put):
    for i in range(60):
        put(photos / f"mollusca_unionidae/y{i}.jpg")
    call = [sys.executable, "-c", READ, str(photos)]
    workers = [subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    said = [worker.communicate(timeout=100) for worker in workers]
    assert said == [(read(photos).digest + "\n", "")] * 3
    assert len(list((Path(os.environ["RARAVIS_CACHE"]) / "catalogues").iterdir())) == 1


def test_the_digest_is_that_of_the_data_not_of_the_place(photos, tmp_path):
    there = tmp_path / "elsewhere"
    shutil.copytree(photos, there)
    os.utime(there / "chordata_felidae/1.jpg", ns=(5, 5))
    assert read(photos).digest == read(there).digest
    (there / "chordata_felidae").rename(there / "chordata_canidae")
    assert read(photos).digest != read(there).digest


def test_the_digest_does_not_depend_on_order_and_leaves_out_what_cannot_be_read():
    rows = [("1" * 64, "a.jpg", "x", "ok"), ("2" * 64, "b.jpg", "y", "ok"), ("", "c.jpg", "y", "unreadable")]
    table = pd.DataFrame(rows, columns=["image_id", "file_path", "family", "status"])
    one = Catalogue("folder", Path("/a"), table)
    assert one.digest == Catalogue("table", Path("/b"), table[::-1]).digest
    assert one.digest == Catalogue("folder", Path("/a"), table[:2]).digest
    # Written down once: the same on every machine and in every version.
    assert one.digest == "3894d07b668bf8be95ed961e306e1c2726d511cfc925c0bba45b73f6331a9765"


def test_measured_columns_win_over_those_of_the_user(photos):
    (photos / "t.csv").write_text("path,label,width,status,site\nchordata_felidae/1.jpg,a,wide,new,north\n")
    row = read(photos / "t.csv").table.iloc[0]
    assert (row["width"], row["status"], row["site"]) == (48, "ok", "north")


def test_saved_and_loaded_is_the_same(photos, tmp_path):
    (photos / "mollusca_unionidae/4.jpg").write_bytes(b"")
    found = read(photos)
    catalogue.save(found, tmp_path / "c.parquet")
    back = catalogue.load(tmp_path / "c.parquet")
    pd.testing.assert_frame_equal(back.table, found.table)
    assert (back.kind, back.root, back.notes, back.digest) == (found.kind, found.root, found.notes, found.digest)


def test_what_is_no_catalogue_is_refused(tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    (tmp_path / "text.parquet").write_text("no")
    for name in ("other.parquet", "text.parquet", "none.parquet"):
        with pytest.raises(DataError, match="is no catalogue"):
            catalogue.load(tmp_path / name)


def test_no_readable_labelled_image_is_an_error(tmp_path, put):
    (tmp_path / "fox").mkdir()
    (tmp_path / "fox/a.jpg").write_text("a text")
    put(tmp_path / "b.jpg")
    with pytest.raises(DataError, match=r"None of the 2 files .* is an image with a label") as caught:
        read(tmp_path)
    assert len(str(caught.value).splitlines()) == 2
    (tmp_path / "t.csv").write_text("path,label\ngone.jpg,x\n")
    with pytest.raises(DataError, match=r"(?s)no such file.*--root"):
        read(tmp_path / "t.csv")


def test_a_bomb_is_a_row_not_a_crash(photos):
    Image.new("1", (20_000, 20_000)).save(photos / "chordata_felidae/bomb.png")
    found = read(photos)
    assert len(found.readable) == 3
    assert "20000 × 20000" in found.unreadable[0] or "limit of" in found.unreadable[0]


def test_images_without_a_label_will_do_where_nothing_is_learned(tmp_path, put):
    put(tmp_path / "a.jpg")
    with pytest.raises(DataError, match="is an image with a label that can be read"):
        read(tmp_path)
    request = Request(str(tmp_path))
    assert catalogue.read(request, unlabelled=True, quiet=True).table["status"].tolist() == ["unlabelled"]
    (tmp_path / "a.jpg").write_text("a text")
    with pytest.raises(DataError, match=r"is an image that can be read \(the first, 'a.jpg': is no image"):
        catalogue.read(request, unlabelled=True, quiet=True)


class TestStores:
    """Photographs in a store are those of a copy of it on this machine."""

    @pytest.fixture
    def store(self, photos):
        """A store in memory that holds the same as a folder, at `memory://season`."""
        fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
        (photos / "chordata_felidae/bad.jpg").write_text("a text")
        (photos / "deep.jpg").write_bytes((photos / "mollusca_unionidae/3.jpg").read_bytes())
        found = fsspec.filesystem("memory")
        found.store.clear()
        for file in photos.rglob("*.jpg"):
            found.pipe_file(f"/season/{file.relative_to(photos).as_posix()}", file.read_bytes())
        yield found
        found.store.clear()

    def test_the_table_is_that_of_a_copy(self, store, photos):
        found, expected = catalogue.stored("memory://season/", quiet=True), read(photos)
        stamped = ["mtime_ns"]
        pd.testing.assert_frame_equal(found.table.drop(columns=stamped), expected.table.drop(columns=stamped))
        assert (found.kind, found.notes, found.digest) == (expected.kind, expected.notes, expected.digest)
        assert found.unreadable == expected.unreadable == ("chordata_felidae/bad.jpg: is no image of a known format",)
        assert found.place == "memory:///season"
        with pytest.raises(UsageError, match="lie in a store"):
            _ = found.root

    def test_what_has_not_changed_is_not_read_again(self, store, photos, looked):
        catalogue.stored("memory://season", quiet=True)
        assert sorted(looked) == ["1.jpg", "2.jpg", "3.jpg", "bad.jpg", "deep.jpg"]
        looked.clear()
        store.pipe_file("/season/chordata_felidae/2.jpg", (photos / "chordata_felidae/2.jpg").read_bytes()[::-1])
        store.rm_file("/season/chordata_felidae/1.jpg")
        found = catalogue.stored("memory://season", quiet=True)
        assert looked == ["2.jpg"]
        assert found.table["status"].tolist() == ["unreadable", "unreadable", "unlabelled", "ok"]

    def test_other_verbs_say_that_they_do_not_read_from_there(self, store):
        with pytest.raises(UsageError, match="'memory://season' lies in a store; only predict and embed read"):
            read("memory://season")
