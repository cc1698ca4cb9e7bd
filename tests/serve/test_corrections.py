"""Corrections: nothing acknowledged is lost, nothing foreign is touched, and what leaves is data to train on."""

import csv
import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image

from raravis.data import catalogue
from raravis.data.sources import Request
from raravis.errors import StorageError, UsageError
from raravis.serve.corrections import SOMETHING_ELSE, Correction, Corrections

WORDS = {"suffix": ".jpg", "file_name": "IMG_1.JPG", "told": "canidae", "who": "Ada", "model": "m" * 64}


@pytest.fixture
def kept(tmp_path):
    with Corrections.open(tmp_path / "deep" / "corrections.db") as found:
        yield found


def photograph(folder: Path, shade: int) -> bytes:
    path = folder / f"{shade}.png"
    Image.new("RGB", (40, 30), (shade, 90, 200)).save(path)
    return path.read_bytes()


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "metadata.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def child(code: str, *arguments: object) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


WRITER = """
import sys
from raravis.serve.corrections import Corrections
path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with Corrections.open(path) as kept:
    for number in range(count):
        image = f"{name} {number} ".encode() * 3000
        made = kept.add(image, suffix=".jpg", file_name=str(number), told="a", family="felidae", who=name, model="m")
        print(made, number, flush=True)
"""


def test_what_was_added_is_read_back_word_for_word(kept):
    number = kept.add(b"picture", family="Felidae", note="whiskers", **WORDS)
    (found,) = kept.table()
    sha = hashlib.sha256(b"picture").hexdigest()
    assert found == Correction(
        number, found.time, "Ada", "m" * 64, "IMG_1.JPG", "canidae", "Felidae", "whiskers", sha, ".jpg"
    )
    assert found.time.endswith("+00:00")
    assert kept.image(sha) == b"picture"


def test_the_same_photograph_corrected_twice_stands_once_and_the_last_word_counts(kept, tmp_path):
    kept.add(b"x" * 100_000, family="felidae", **WORDS)
    size = sum(f.stat().st_size for f in kept.path.parent.iterdir())
    kept.add(b"x" * 100_000, family="ursidae", **WORDS)
    assert sum(f.stat().st_size for f in kept.path.parent.iterdir()) < size + 50_000
    (row,) = rows_of(kept.export(tmp_path / "out"))
    assert (row["family"], row["also_said"]) == ("ursidae", "felidae")


def test_taking_back_marks_and_keeps_the_history(kept, tmp_path):
    first = kept.add(b"one", family="felidae", **WORDS)
    second = kept.add(b"one", family="ursidae", **WORDS)
    assert kept.undo(second)
    assert not kept.undo(second)
    assert not kept.undo(999)
    assert not kept.undo(10**30)
    assert kept.count() == 1
    assert [(one.id, bool(one.undone)) for one in kept.table()] == [(first, False), (second, True)]
    assert rows_of(kept.export(tmp_path / "out"))[0]["family"] == "felidae"


def test_no_statement_removes_or_rewrites_history(kept):
    kept.add(b"one", family="felidae", **WORDS)
    for statement in ("DELETE FROM corrections", "UPDATE corrections SET family = 'x'"):
        with sqlite3.connect(kept.path) as other, pytest.raises(sqlite3.IntegrityError, match="kept"):
            other.execute(statement)
        other.close()


def test_an_export_is_data_that_the_catalogue_takes(kept, tmp_path):
    kept.add(photograph(tmp_path, 1), family="felidae", **{**WORDS, "suffix": ".PNG"})
    kept.add(photograph(tmp_path, 2), family="Nothing known/../..", **{**WORDS, "suffix": ".png"})
    out = kept.export(tmp_path / "out")
    assert sorted(path.parent.name for path in out.glob("*/*.png")) == ["Nothing-known", "chordata_felidae"]
    found = catalogue.read(Request(str(out)), quiet=True)
    assert found.table["status"].tolist() == ["ok", "ok"]
    assert found.table["family"].tolist() == ["felidae", "Nothing known/../.."]
    assert found.table["order"].tolist() == ["carnivora", ""]
    assert found.table[["who", "told", "model"]].iloc[0].tolist() == ["Ada", "canidae", "m" * 64]


def test_what_is_something_else_is_exported_without_a_family(kept, tmp_path):
    felid, stone = photograph(tmp_path, 10), photograph(tmp_path, 20)
    kept.add(felid, family="felidae", **{**WORDS, "suffix": ".png"})
    kept.add(stone, family=SOMETHING_ELSE, **{**WORDS, "suffix": ".png"})
    folder = kept.export(tmp_path / "out")
    assert [row["family"] for row in rows_of(folder)] == ["felidae", ""]
    found = catalogue.read(Request(str(folder), None, None, None), quiet=True)
    assert found.table.set_index("family")["status"].to_dict() == {"felidae": "ok", "": "unlabelled"}
    assert found.readable["family"].tolist() == ["felidae"]


def test_an_export_again_brings_the_folder_up_to_date(kept, tmp_path):
    first = kept.add(b"one", family="felidae", **WORDS)
    kept.add(b"two", family="ursidae", **WORDS)
    out = kept.export(tmp_path / "out")
    kept.undo(first)
    kept.add(b"two", family="canidae", **WORDS)
    kept.export(out)
    assert [row["family"] for row in rows_of(out)] == ["canidae"]
    named = {row["file_path"] for row in rows_of(out)}
    assert {str(path.relative_to(out)) for path in out.glob("*/*")} == named
    assert sorted(path.name for path in out.iterdir()) == ["chordata_canidae", "metadata.csv"]


def test_an_export_that_is_cut_short_leaves_the_table_before_it(kept, tmp_path, monkeypatch):
    kept.add(b"one", family="felidae", **WORDS)
    out = kept.export(tmp_path / "out")
    before = (out / "metadata.csv").read_bytes()
    kept.add(b"two", family="ursidae", **WORDS)
    monkeypatch.setattr(Corrections, "image", lambda self, image_id: (_ for _ in ()).throw(StorageError("gone")))
    with pytest.raises(StorageError, match="gone"):
        kept.export(out)
    assert (out / "metadata.csv").read_bytes() == before
    assert all((out / row["file_path"]).is_file() for row in rows_of(out))


def test_an_export_leaves_a_strangers_folder_alone(kept, tmp_path):
    kept.add(b"one", family="felidae", **WORDS)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "metadata.csv").write_text("file_path,family\na.jpg,felidae\n")
    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").write_text("dear")
    for folder in (mine, other, other / "letter.txt"):
        with pytest.raises(StorageError, match="holds something else"):
            kept.export(folder)
    assert [path.name for path in mine.iterdir()] == ["metadata.csv"]


def test_a_changed_table_of_an_export_removes_no_other_file(kept, tmp_path):
    kept.add(b"one", family="felidae", **WORDS)
    out = kept.export(tmp_path / "out")
    precious = tmp_path / f"{'a' * 64}.jpg"
    precious.write_bytes(b"precious")
    (out / "metadata.csv").write_text(
        (out / "metadata.csv").read_text() + f"../{precious.name}" + "," * (len(rows_of(out)[0]) - 1) + "\n"
    )
    kept.export(out)
    assert precious.read_bytes() == b"precious"


def test_nothing_to_export_is_said(kept, tmp_path):
    kept.undo(kept.add(b"one", family="felidae", **WORDS))
    with pytest.raises(UsageError, match="no correction that stands"):
        kept.export(tmp_path / "out")


@pytest.mark.parametrize(
    ("image", "changes", "told"),
    [
        (b"", {}, "0 bytes"),
        (b"x", {"suffix": ".exe"}, "no suffix of an image"),
        (b"x", {"suffix": "/../a.jpg"}, "no suffix of an image"),
        (b"x", {"family": " \n\t"}, "names no family"),
        (b"x", {"family": "f" * 201}, "201 characters"),
    ],
)
def test_what_is_no_correction_is_refused_and_nothing_is_kept(kept, image, changes, told):
    with pytest.raises(UsageError, match=told):
        kept.add(image, **{"family": "felidae", **WORDS, **changes})
    assert kept.table() == []


def test_odd_words_are_kept_as_one_printable_line(kept, tmp_path):
    odd = {"file_name": "../../etc/\udce9\x00\n.jpg" + "n" * 999, "who": '=1+1,"x"', "told": ""}
    kept.add(b"one", family="féli\tdae", note="a\r\nb", **{**WORDS, **odd})
    (found,) = kept.table()
    assert found.file_name.startswith("../../etc/\\udce9 .jpg")
    assert len(found.file_name) == 500
    assert (found.family, found.note, found.who) == ("féli dae", "a b", '=1+1,"x"')
    assert rows_of(kept.export(tmp_path / "out"))[0]["who"] == '=1+1,"x"'


def test_a_kill_loses_no_acknowledged_correction(tmp_path):
    path = tmp_path / "corrections.db"
    writer = child(WRITER, path, "killed", 100_000)
    acknowledged = [tuple(map(int, writer.stdout.readline().split())) for _ in range(25)]
    os.kill(writer.pid, signal.SIGKILL)
    acknowledged += [tuple(map(int, line.split())) for line in writer.stdout.read().splitlines()]
    writer.stdout.close()
    assert writer.wait() == -signal.SIGKILL
    with Corrections.open(path) as kept:
        found = {one.id: one for one in kept.table()}
        assert len(found) - len(acknowledged) in (0, 1)
        for number, place in acknowledged:
            assert kept.image(found[number].image_id) == f"killed {place} ".encode() * 3000


def test_processes_and_threads_write_at_once(tmp_path):
    path = tmp_path / "corrections.db"
    writers = [child(WRITER, path, f"process {number}", 15) for number in range(3)]
    with Corrections.open(path) as kept:
        threads = [
            threading.Thread(
                target=lambda n=n: [kept.add(f"{n} {i}".encode(), family="felidae", **WORDS) for i in range(15)]
            )
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for writer in writers:
            assert len(writer.communicate(timeout=120)[0].splitlines()) == 15
            assert writer.returncode == 0
        assert kept.count() == 7 * 15
        assert len({one.id for one in kept.table()}) == 7 * 15


def test_a_full_disk_is_one_error_and_what_was_kept_stays(kept):
    kept.add(b"one", family="felidae", **WORDS)
    kept._connection.execute("PRAGMA max_page_count = 40")
    with pytest.raises(StorageError, match="the disk is full"):
        kept.add(os.urandom(400_000), family="felidae", **WORDS)
    assert kept.count() == 1
    kept._connection.execute("PRAGMA max_page_count = 100000")
    assert kept.add(os.urandom(400_000), family="felidae", **WORDS)
    assert kept.count() == 2


def test_a_file_of_something_else_is_left_alone(tmp_path):
    text, database, folder = tmp_path / "a.db", tmp_path / "b.db", tmp_path / "c.db"
    text.write_bytes(b"not a database, " * 100)
    with sqlite3.connect(database) as other:
        other.execute("CREATE TABLE mine (x)")
    other.close()
    folder.mkdir()
    before = {path: path.read_bytes() for path in (text, database)}
    told = ((text, "no file of corrections"), (database, "something else"), (folder, "cannot be opened"))
    for path, words in told:
        with pytest.raises(StorageError, match=words):
            Corrections.open(path)
    assert {path: path.read_bytes() for path in before} == before


def test_a_file_of_a_later_version_is_refused(kept):
    path = kept.path
    kept.close()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(StorageError, match="later raravis"):
        Corrections.open(path)


def test_a_damaged_file_is_one_error(kept):
    for number in range(30):
        kept.add(os.urandom(5000) + bytes([number]), family="felidae", **WORDS)
    path = kept.path
    kept.close()
    data = bytearray(path.read_bytes())
    data[4096 : len(data) // 2] = b"\xa5" * (len(data) // 2 - 4096)
    path.write_bytes(data)
    with pytest.raises(StorageError, match="damaged"), Corrections.open(path) as found:
        found.table()


def test_changed_bytes_of_a_photograph_are_found(kept, tmp_path):
    kept.add(b"one" * 50, family="felidae", **WORDS)
    with sqlite3.connect(kept.path) as other:
        other.execute("UPDATE photographs SET bytes = CAST('two' AS BLOB)")
    other.close()
    with pytest.raises(StorageError, match="is not what was kept"):
        kept.export(tmp_path / "out")


def test_a_photograph_that_was_never_kept_is_named(kept):
    with pytest.raises(UsageError, match="keeps no photograph 'abc'"):
        kept.image("abc")


def test_a_closed_file_says_so(kept):
    kept.close()
    kept.close()
    with pytest.raises(StorageError, match="closed"):
        kept.count()
