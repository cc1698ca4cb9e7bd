"""The pixel store: right values, each image decoded once, whole after kills, full disks and company."""

import hashlib
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from raravis import files
from raravis.data import decode, rows
from raravis.data.pixels import PixelStore, open_store
from raravis.errors import DataError, StorageError, UsageError

SIZE = 32
REAL = decode.pixels


def draw(folder: Path, count: int, seed: int = 0) -> pd.DataFrame:
    """`count` random photographs, catalogued."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for i in range(count):
        height, width = rng.integers(20, 80, 2)
        coarse = rng.integers(0, 256, (4, 4, 3), np.uint8)
        Image.fromarray(coarse).resize((int(width), int(height))).save(folder / f"{seed}-{i:03d}.png")
    return catalogued(folder)


def catalogued(folder: Path) -> pd.DataFrame:
    paths = sorted(p for p in folder.iterdir() if p.is_file())
    return pd.DataFrame(
        {
            "image_id": [hashlib.sha256(p.read_bytes()).hexdigest() for p in paths],
            "file_path": [p.name for p in paths],
        }
    )


def check(store: PixelStore, table: pd.DataFrame, root: Path) -> None:
    """Every image of `table` is in the store, once, with the decoder's values."""
    assert len(store) == table["image_id"].nunique()
    expected = [REAL((root / p).read_bytes(), store.size, store.fit) for p in table["file_path"]]
    np.testing.assert_array_equal(store.read(table["image_id"].tolist()), np.stack(expected))
    ids = (store.folder / "ids.bin").read_bytes()
    assert len({ids[i : i + 32] for i in range(0, len(ids), 32)}) * 32 == len(ids)
    assert (store.folder / "rows.bin").stat().st_size == len(store) * store.size**2 * 3


@pytest.fixture
def decoded(monkeypatch):
    """The digests that were decoded, in order."""
    seen = []

    def counting(data, size, fit):
        seen.append(hashlib.sha256(data).hexdigest())
        return REAL(data, size, fit)

    monkeypatch.setattr(decode, "pixels", counting)
    return seen


@pytest.mark.parametrize("fit", ["squash", "pad", "crop"])
def test_holds_what_the_decoder_gives(tmp_path, fit):
    table = draw(tmp_path / "photos", 13)
    store = open_store(table, tmp_path / "photos", size=SIZE, fit=fit, quiet=True)
    assert (store.size, store.fit) == (SIZE, fit)
    check(store, table, tmp_path / "photos")


def test_rows_follow_the_ids_asked_for_and_batches_are_copies(tmp_path):
    table = draw(tmp_path / "photos", 9)
    store = open_store(table, tmp_path / "photos", size=SIZE, quiet=True)
    ids = table["image_id"].tolist()[::-1]
    rows = store.rows([*ids, ids[0]])
    assert rows.dtype == np.int64
    assert rows[-1] == rows[0]
    batch = store.batch(rows)
    assert batch.dtype == np.uint8
    assert batch.shape == (10, SIZE, SIZE, 3)
    before = batch[0].copy()
    batch[:] = 0
    np.testing.assert_array_equal(store.batch(rows[:1])[0], before)


def test_second_look_decodes_nothing_and_a_new_image_one(tmp_path, decoded):
    root = tmp_path / "photos"
    table = draw(root, 6)
    first = open_store(table, root, size=SIZE, quiet=True)
    rows = first.rows(table["image_id"].tolist())
    assert sorted(decoded) == sorted(table["image_id"])
    open_store(table, root, size=SIZE, quiet=True)
    assert len(decoded) == 6
    more = draw(root, 1, seed=1)
    again = open_store(more, root, size=SIZE, quiet=True)
    assert len(decoded) == 7
    np.testing.assert_array_equal(again.rows(table["image_id"].tolist()), rows)
    check(again, more, root)
    open_store(more, root, size=SIZE + 1, quiet=True)
    assert len(decoded) == 14, "another size is another store"


def test_equal_files_share_a_row(tmp_path, decoded):
    root = tmp_path / "photos"
    draw(root, 2)
    (root / "copy.png").write_bytes((root / "0-000.png").read_bytes())
    store = open_store(catalogued(root), root, size=SIZE, quiet=True)
    assert len(store) == len(decoded) == 2


def test_pickles_as_an_address(tmp_path):
    table = draw(tmp_path / "photos", 5)
    store = open_store(table, tmp_path / "photos", size=SIZE, quiet=True)
    packed = pickle.dumps(store)
    assert len(packed) < 1000
    check(pickle.loads(packed), table, tmp_path / "photos")


def test_pages_are_given_back_while_reading(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "_RELEASE_BYTES", SIZE * SIZE * 3)
    table = draw(tmp_path / "photos", 5)
    store = open_store(table, tmp_path / "photos", size=SIZE, quiet=True)
    for _ in range(3):
        check(store, table, tmp_path / "photos")


def test_unknown_ids_and_senseless_sizes_are_refused(tmp_path):
    root = tmp_path / "photos"
    table = draw(root, 3)
    store = open_store(table, root, size=SIZE, quiet=True)
    with pytest.raises(DataError, match="1 of 2 images are not in this store"):
        store.rows([table["image_id"][0], "ab" * 32])
    with pytest.raises(DataError, match="64 hex digits"):
        store.rows([""])
    with pytest.raises(UsageError, match="fit 'stretch'"):
        open_store(table, root, size=SIZE, fit="stretch", quiet=True)
    empty = open_store(table[:0], root, size=SIZE + 1, quiet=True)
    assert len(empty) == 0
    assert empty.read([]).shape == (0, SIZE + 1, SIZE + 1, 3)


@pytest.mark.parametrize("fault", ["changed", "gone", "damaged"])
def test_a_file_that_is_no_longer_what_was_catalogued_is_named_and_the_others_stay(tmp_path, decoded, fault):
    root = tmp_path / "photos"
    table = draw(root, 8)
    victim = root / "0-007.png"
    if fault == "changed":
        victim.write_bytes((root / "0-000.png").read_bytes())
    elif fault == "gone":
        victim.unlink()
    else:
        victim.write_text("no image")
        table = catalogued(root)
    with pytest.raises(DataError, match=r"0-007\.png.*\nCall again"):
        open_store(table, root, size=SIZE, quiet=True)
    done = len(decoded)
    victim.unlink(missing_ok=True)
    table = catalogued(root)
    check(open_store(table, root, size=SIZE, quiet=True), table, root)
    assert len(decoded) - done <= 1, "what was decoded before the error is kept"


def test_a_store_cut_short_from_outside_is_made_whole(tmp_path, decoded):
    root = tmp_path / "photos"
    table = draw(root, 6)
    store = open_store(table, root, size=SIZE, quiet=True)
    os.truncate(store.folder / "rows.bin", 4 * SIZE * SIZE * 3 + 17)
    check(open_store(table, root, size=SIZE, quiet=True), table, root)
    assert len(decoded) == 8


BUILD = """
import hashlib, pathlib, sys, threading, time
import pandas as pd
from raravis.data import decode, pixels, rows
root, size, slow, log, commit = pathlib.Path(sys.argv[1]), *sys.argv[2:]
real, one_by_one, hold = decode.pixels, threading.Lock(), root.parent / "hold"
late = time.monotonic() + 60
def slowly(data, size, fit):
    with one_by_one:
        time.sleep(float(slow))
        with open(log, "a") as stream:
            stream.write(hashlib.sha256(data).hexdigest() + "\\n")
        while hold.exists() and time.monotonic() < late:
            time.sleep(0.01)
    return real(data, size, fit)
decode.pixels = slowly
rows._COMMIT_BYTES = int(commit)
table = pd.read_csv(root.parent / "table.csv", dtype=str)
print("ready", flush=True)
sys.stdin.readline()
store = pixels.open_store(table, root, size=int(size))
print(len(store), flush=True)
"""


def build(root: Path, log: Path, slow: float = 0.0, commit: int = 2 * SIZE * SIZE * 3) -> subprocess.Popen[str]:
    """Another process, ready to open the store of `root` when it is sent a line."""
    command = [sys.executable, "-c", BUILD, str(root), str(SIZE), str(slow), str(log), str(commit)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout.readline() == "ready\n", process.communicate()
    return process


def begin(process: subprocess.Popen[str]) -> None:
    process.stdin.write("\n")
    process.stdin.flush()


def test_two_processes_decode_each_image_once_between_them(tmp_path, until):
    root, log = tmp_path / "photos", tmp_path / "log"
    table = draw(root, 12)
    table.to_csv(tmp_path / "table.csv", index=False)
    hold = tmp_path / "hold"
    hold.touch()
    first, second = both = [build(root, log) for _ in range(2)]
    begin(first)
    until(log.exists)  # it decodes
    begin(second)
    assert any("waiting" in line for line in second.stderr)
    hold.unlink()
    said = [process.communicate(timeout=120) for process in both]
    assert [out for out, _ in said] == ["12\n", "12\n"], said
    assert sorted(log.read_text().split()) == sorted(table["image_id"])
    assert "waiting" not in said[0][1], said
    check(open_store(table, root, size=SIZE, quiet=True), table, root)


def test_a_kill_at_any_moment_leaves_a_store_that_the_next_call_completes(tmp_path):
    root, log = tmp_path / "photos", tmp_path / "log"
    table = draw(root, 200)
    table.to_csv(tmp_path / "table.csv", index=False)
    rng, kept = random.Random(0), [0]
    for _ in range(4):
        process = build(root, log, slow=0.05)
        begin(process)
        wanted = len(log.read_text()) if log.exists() else 0
        while not log.exists() or len(log.read_text()) <= wanted + 4 * 65:
            time.sleep(0.002)  # until some more images were decoded
            assert process.poll() is None, process.communicate()
        time.sleep(rng.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        (home,) = files.cache("pixels").iterdir()
        kept.append(len(PixelStore(home, SIZE, "squash")))
    assert kept == sorted(kept), "no committed row is ever lost"
    assert 0 < kept[-1] < 200, "the kills fell into the work"
    check(open_store(table, root, size=SIZE, quiet=True), table, root)


@pytest.mark.parametrize("ids_tail", [b"", b"\x07" * 13])
def test_bytes_that_a_kill_left_without_an_id_are_cut_off(tmp_path, ids_tail):
    root = tmp_path / "photos"
    store = open_store(draw(root, 3), root, size=SIZE, quiet=True)
    with (store.folder / "rows.bin").open("ab") as stream:
        stream.write(b"\x01" * (SIZE * SIZE * 3 + 100))
    with (store.folder / "ids.bin").open("ab") as stream:
        stream.write(ids_tail)
    table = draw(root, 2, seed=1)
    check(open_store(table, root, size=SIZE, quiet=True), table, root)


FULL = """
import resource
room = int(sys.argv[6])
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
"""


def test_a_disk_that_fills_up_is_one_error_and_what_was_committed_stays(tmp_path):
    root, log = tmp_path / "photos", tmp_path / "log"
    table = draw(root, 12)
    table.to_csv(tmp_path / "table.csv", index=False)
    row = SIZE * SIZE * 3
    script = BUILD.replace('print("ready"', FULL + 'print("ready"')
    script = script.replace(
        "root, size, slow, log, commit = pathlib.Path(sys.argv[1]), *sys.argv[2:]",
        "root, size, slow, log, commit = pathlib.Path(sys.argv[1]), *sys.argv[2:6]",
    )
    command = [
        sys.executable,
        "-c",
        script,
        str(root),
        str(SIZE),
        "0",
        str(log),
        str(2 * row),
        str(7 * row + 50),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "StorageError: Cannot write" in done.stderr.splitlines()[-1], done.stderr
    (home,) = files.cache("pixels").iterdir()
    assert len(PixelStore(home, SIZE, "squash")) == 7
    log.write_text("")
    check(open_store(table, root, size=SIZE, quiet=True), table, root)


def test_too_little_room_is_said_before_anything_is_decoded(tmp_path, monkeypatch, decoded):
    table = draw(tmp_path / "photos", 3)
    usage = rows.shutil.disk_usage(tmp_path)._replace(free=3 * SIZE * SIZE * 3)
    monkeypatch.setattr(rows.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(StorageError, match=r"3 images need 0\.0 MiB.*\n.*RARAVIS_CACHE"):
        open_store(table, tmp_path / "photos", size=SIZE, quiet=True)
    assert decoded == []


def test_a_cache_that_cannot_be_written_is_one_error(tmp_path, monkeypatch):
    table = draw(tmp_path / "photos", 1)
    (tmp_path / "file").touch()
    monkeypatch.setenv("RARAVIS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(StorageError, match="a part of the path is a file"):
        open_store(table, tmp_path / "photos", size=SIZE, quiet=True)
