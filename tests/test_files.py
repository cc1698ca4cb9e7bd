"""Files appear whole or not at all: after a kill, on a full disk, where nothing may be written."""

import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from raravis import files
from raravis.errors import StorageError


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def child(code: str, *arguments: object) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_name_appears_with_all_of_its_bytes_and_no_neighbour_stays(tmp_path):
    path = tmp_path / "a.bin"
    with files.atomic(path) as stream:
        stream.write(b"abc")
        assert not path.exists()
    assert path.read_bytes() == b"abc"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("way", ["atomic", "atomic_path"])
def test_an_error_leaves_the_old_file(tmp_path, way):
    path = tmp_path / "model.weights.h5"
    path.write_text("old")

    def half() -> None:
        with getattr(files, way)(path) as given:
            if way == "atomic":
                given.write(b"new")
            else:
                given.write_bytes(b"new")
                assert given.name.endswith(".weights.h5")
            raise KeyError("halfway")

    with pytest.raises(KeyError):
        half()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["model.weights.h5"]


def test_a_kill_in_the_middle_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    writer = child(
        """
        import sys, time
        from pathlib import Path
        from raravis import files
        with files.atomic(Path(sys.argv[1])) as stream:
            stream.write(b"new" * 100_000)
            stream.flush()
            print("half", flush=True)
            time.sleep(60)
        """,
        path,
    )
    assert writer.stdout.readline() == "half\n"
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    assert path.read_text() == "old"
    assert [name for name in names(tmp_path) if not name.startswith(".")] == ["a.txt"]


def test_kills_at_any_moment_show_only_whole_files(tmp_path):
    path = tmp_path / "a.json"
    files.write_json(path, [0] * 5000)
    for wait in (0.0, 0.003, 0.011):
        writer = child(
            """
            import sys
            from pathlib import Path
            from raravis import files
            print("go", flush=True)
            for i in range(10**9):
                files.write_json(Path(sys.argv[1]), [i] * 5000)
            """,
            path,
        )
        writer.stdout.readline()
        time.sleep(wait)
        writer.kill()
        writer.communicate()
        found = json.loads(path.read_text())
        assert len(found) == 5000
        assert len(set(found)) == 1


@pytest.mark.parametrize("way", ["atomic", "atomic_path"])
def test_no_room_is_one_error_with_advice_and_no_leftover(tmp_path, way):
    (tmp_path / "a.bin").write_text("old")
    writer = child(
        """
        import resource, signal, sys
        from pathlib import Path
        from raravis import files
        from raravis.errors import StorageError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            with getattr(files, sys.argv[2])(Path(sys.argv[1])) as given:
                write = given.write if sys.argv[2] == "atomic" else given.write_bytes
                write(b"x" * 1_000_000)
        except StorageError as error:
            print(error)
        """,
        tmp_path / "a.bin",
        way,
    )
    told, trouble = writer.communicate(timeout=120)
    assert trouble == ""
    assert str(tmp_path / "a.bin") in told
    assert "choose another folder" in told
    assert names(tmp_path) == ["a.bin"]
    assert (tmp_path / "a.bin").read_text() == "old"


@pytest.mark.parametrize(("number", "advice"), [(28, "free some space"), (30, "choose another --out")])
def test_full_and_read_only_disks_say_what_to_do(tmp_path, number, advice):
    with pytest.raises(StorageError, match=advice), files.storage(tmp_path / "a"):
        raise OSError(number, os.strerror(number))


def test_a_part_of_the_path_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match=r"file.*choose another --out"):
        files.folder(tmp_path / "file" / "below")
    with pytest.raises(StorageError, match="choose another --out"):
        files.folder(tmp_path / "file")
    with pytest.raises(StorageError, match="choose another --out"):
        files.write_text(tmp_path / "file" / "a.txt", "x")


def test_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(StorageError, match=r"Cannot write .*a\.txt"):
        files.write_text(tmp_path / "gone" / "a.txt", "x")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_folder(tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        for call in (lambda: files.folder(tmp_path), lambda: files.write_text(tmp_path / "a", "x")):
            with pytest.raises(StorageError, match="may not write there"):
                call()
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def test_a_folder_that_says_it_is_not_writable(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StorageError, match="may not write there"):
        files.folder(tmp_path)


def test_json_refuses_what_is_no_json(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(tmp_path / "a.json", {"x": float("nan")})
    assert names(tmp_path) == []


def test_text_is_utf8(tmp_path):
    files.write_text(tmp_path / "a", "Ä\n")
    assert (tmp_path / "a").read_bytes() == b"\xc3\x84\n"


def test_digest_tells_lists_of_parts_apart():
    lists = [(), ("",), ("", ""), ("ab",), ("a", "b"), ("", "ab"), ("ab", ""), ("a", "", "b"), ("b", "a")]
    assert len({files.digest(*parts) for parts in lists}) == len(lists)
    assert files.digest("a") == files.digest(b"a")
    assert len(files.digest("\udcff")) == 64


def test_cache_is_where_it_is_told_to_be(tmp_path, monkeypatch):
    monkeypatch.setenv("RARAVIS_CACHE", str(tmp_path / "there"))
    assert files.cache("pixels", "x") == tmp_path / "there" / "pixels" / "x"
    assert (tmp_path / "there" / "pixels" / "x").is_dir()


def test_cache_is_else_the_users(tmp_path, monkeypatch):
    monkeypatch.delenv("RARAVIS_CACHE")
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / name))
    assert files.cache() == Path(tmp_path / "raravis")


class TestAtomicFolder:
    def test_the_folder_appears_whole_and_takes_the_place_of_another(self, tmp_path):
        for text in ("first", "second"):
            with files.atomic_folder(tmp_path / "made") as part:
                files.write_text(part / text, text)
                assert part.parent == tmp_path
                assert not (tmp_path / "made" / text).exists()
            assert [file.name for file in (tmp_path / "made").iterdir()] == [text]
        assert [file.name for file in tmp_path.iterdir()] == ["made"]

    def test_an_error_within_leaves_what_was_there(self, tmp_path):
        with files.atomic_folder(tmp_path / "made") as part:
            files.write_text(part / "kept", "x")

        def fail() -> None:
            with files.atomic_folder(tmp_path / "made") as part:
                files.write_text(part / "other", "x")
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fail()
        assert [file.name for file in tmp_path.rglob("*")] == ["made", "kept"]

    def test_a_disk_that_says_no_is_one_error(self, tmp_path):
        (tmp_path / "file").write_text("x")
        with pytest.raises(StorageError), files.atomic_folder(tmp_path / "file" / "made"):
            pass
