"""Many photographs into one file: order, bad files, kills, resuming, full disks, flat memory."""

import csv
import io
import os
import subprocess
import sys
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from threading import current_thread
from threading import enumerate as enumerate_threads

import numpy as np
import psutil
import pytest
from PIL import Image
from scipy.special import softmax

from raravis import registry
from raravis.data import decode
from raravis.errors import RunError, StorageError
from raravis.serve import detections, formats
from raravis.serve.batch import here, identify
from raravis.serve.formats import About, raravis
from raravis.serve.pictures import Pictures
from raravis.serve.predictor import Answer

HEADER = raravis.header()
LINEAGES: dict = {"blue": {}, "green": {}, "red": {}}


@dataclass(frozen=True)
class Colours:
    """A predictor that goes by the mean colour: cheap, and different for every photograph."""

    families: tuple[str, ...] = ("blue", "green", "red")
    size: int = 16
    fit: str = "squash"
    sign: int = 1
    wait: float = 0.0

    def answer(self, batch):
        time.sleep(self.wait)
        return Answer(softmax(self.sign * batch.mean((1, 2))[:, ::-1] / 10, axis=1).astype(np.float32))


def draw(folder: Path, count: int) -> list[str]:
    """`count` photographs of one colour each; every seventh is damaged and has an odd name."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    paths = []
    for i in range(count):
        path = folder / (f'{i:04d} "odd",\nname.jpg' if i % 7 == 3 else f"{i:04d}.jpg")
        Image.new("RGB", (20, 12), tuple(int(v) for v in rng.integers(0, 256, 3))).save(path)
        if i % 7 == 3:
            path.write_bytes(path.read_bytes()[:200])
        paths.append(str(path))
    return paths


def run(paths, out, predictor=None, *, format="raravis", boxes=None, batch_size=4, top_k=2, **options):
    seen = None if boxes is None else detections.read(boxes)
    return identify(
        here(predictor or Colours(), top_k, options.pop("jobs", 0)),
        Pictures(paths, seen),
        out,
        formats.load(format),
        About("colours", LINEAGES, seen),
        batch_size=batch_size,
        quiet=True,
        **options,
    )


def table(out: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"), newline="")))


def test_one_row_a_path_in_order_with_the_model_s_numbers(tmp_path):
    paths = draw(tmp_path / "photos", 30)
    given = [*paths[::-1], paths[0], paths[3]]
    tally = run(given, tmp_path / "out.csv")
    found = table(tmp_path / "out.csv")
    assert [r["file_path"] for r in found] == given
    assert tally.rows == len(given)
    assert len(tally.unreadable) == sum(r["status"] == "unreadable" for r in found) == 5
    for row in found:
        if row["status"] == "unreadable":
            assert row["error"].startswith("is damaged")
            continue
        image = decode.pixels(Path(row["file_path"]).read_bytes(), 16, "squash")
        (p,) = Colours().answer(image[None]).probabilities
        assert row["family"] == Colours().families[p.argmax()]
        assert float(row["confidence"]) == pytest.approx(p.max(), abs=1e-6)
        assert row["top_confidences"].split("|")[0] == row["confidence"]


def png(width: int, height: int) -> bytes:
    """A PNG that claims to be of this size and holds nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


def test_every_bad_file_is_a_row_and_none_stops_the_others(tmp_path):
    bad = {
        "zero.jpg": lambda p: p.touch(),
        "text.jpg": lambda p: p.write_text("I am no image"),
        "bomb.png": lambda p: p.write_bytes(png(60_000, 60_000)),
        "folder.jpg": lambda p: p.mkdir(),
        "pipe.jpg": os.mkfifo,
        "gone.jpg": lambda p: None,
        "loop.jpg": lambda p: p.symlink_to(p.name),
        "cut.jpg": lambda p: p.write_bytes(Path(good[0]).read_bytes()[:200]),
    }
    good = draw(tmp_path / "good", 2)
    paths = []
    for name, make in bad.items():
        make(tmp_path / name)
        paths += [str(tmp_path / name), good[len(paths) % 2]]
    paths += ["", "a\0b.jpg", "x" * 5000, "\ud800.jpg"]
    tally = run(paths, tmp_path / "out.csv")
    found = table(tmp_path / "out.csv")
    assert len(found) == len(paths)
    assert [r["status"] for r in found] == ["unreadable", "ok"] * len(bad) + ["unreadable"] * 4
    assert all(r["error"] and not r["family"] for r in found if r["status"] == "unreadable")
    errors = {Path(r["file_path"]).name: r["error"] for r in found[: 2 * len(bad) : 2]}
    assert errors["zero.jpg"] == "is empty (0 bytes)"
    assert errors["gone.jpg"] == "no such file"
    assert errors["pipe.jpg"] == errors["folder.jpg"] == "is no regular file"
    assert "pixels" in errors["bomb.png"]
    assert len(tally.unreadable) == len(bad) + 4


def test_odd_modes_are_read(tmp_path):
    base = Image.new("RGB", (9, 7), (200, 30, 30))
    paths = []
    for mode in ("L", "P", "RGBA", "CMYK", "1", "LA", "I;16"):
        path = tmp_path / f"{mode.replace(';', '')}.{'tif' if mode == 'CMYK' else 'png'}"
        (Image.new("I;16", (9, 7), 40_000) if mode == "I;16" else base.convert(mode)).save(path)
        paths.append(str(path))
    assert run(paths, tmp_path / "out.csv").unreadable == ()


def test_a_batch_of_unreadable_files_alone_asks_the_model_nothing(tmp_path):
    tally = run(["gone"] * 9, tmp_path / "out.csv", object.__new__(Colours))
    assert len(tally.unreadable) == 9


def test_predictions_of_before_are_replaced_but_nothing_else_is(tmp_path):
    paths, out = draw(tmp_path / "photos", 5), tmp_path / "out.csv"
    run(paths, out)
    run(paths[:2], out)
    assert len(table(out)) == 2
    with pytest.raises(StorageError, match=r"0000\.jpg exists and holds something else"):
        run(paths, Path(paths[0]))
    with Image.open(paths[0]) as image:
        image.load()
    with pytest.raises(StorageError, match="no regular file"):
        run(paths, tmp_path / "photos")
    with pytest.raises(StorageError, match="a file has that name"):
        run(paths, out / "deeper.csv")


def test_an_interrupted_file_goes_on_from_wherever_it_was_cut(tmp_path):
    paths, out = draw(tmp_path / "photos", 23), tmp_path / "out.csv"
    whole_tally = run(paths, out)
    whole = out.read_bytes()
    for cut in [
        0,
        5,
        len(HEADER),
        *range(len(HEADER) + 1, len(whole), 97),
        len(whole) - 1,
        len(whole),
    ]:
        out.write_bytes(whole[:cut])
        tally = run(paths, out, resume=True)
        assert out.read_bytes() == whole, cut
        assert tally.unreadable == whole_tally.unreadable
    assert tally.kept == 23
    out.unlink()
    run(paths, out, resume=True)
    assert out.read_bytes() == whole


def test_what_is_done_is_not_done_again(tmp_path, monkeypatch):
    paths, out = draw(tmp_path / "photos", 20), tmp_path / "out.csv"
    run(paths[:13], out)
    seen, real = [], decode.read_bytes
    monkeypatch.setattr(decode, "read_bytes", lambda path: seen.append(str(path)) or real(path))
    run(paths, out, resume=True)
    assert sorted(seen) == sorted(paths[12:]), "the rest, and the one batch that was begun"
    assert [r["file_path"] for r in table(out)] == paths


def test_rows_of_another_call_are_not_mixed_with_this_one_s(tmp_path):
    paths, out = draw(tmp_path / "photos", 10), tmp_path / "out.csv"
    run(paths[:6], out)
    before = out.read_bytes()
    with pytest.raises(StorageError, match=r"Row 1 of .*0000\.jpg.*0001\.jpg"):
        run(paths[1:], out, resume=True)
    with pytest.raises(StorageError, match="more rows than the 3"):
        run(paths[:3], out, resume=True)
    with pytest.raises(StorageError, match="another model"):
        run(paths, out, Colours(sign=-1), resume=True)
    with pytest.raises(StorageError, match="other options"):
        run(paths, out, top_k=3, resume=True)
    assert out.read_bytes() == before
    damaged = before.replace(b",ok,", b",oh,")
    out.write_bytes(damaged)
    with pytest.raises(StorageError, match=r"Row 1 of .* is damaged"):
        run(paths, out, resume=True)
    assert out.read_bytes() == damaged


@pytest.mark.parametrize("answered", [0, 1, 2, 4])
def test_another_model_is_found_out_behind_photographs_that_it_was_not_asked_about(tmp_path, answered):
    """The last batches hold no answer; an unbroken call goes on nevertheless, as nothing stands there to be mixed."""
    paths, out = draw(tmp_path / "photos", 8), tmp_path / "out.csv"
    gone = [str(tmp_path / f"gone{number}") for number in range(7)]
    given = [*paths[:answered], *gone, *paths[answered:]]
    run(given, out)
    whole = out.read_bytes()
    out.write_bytes(b"".join(whole.splitlines(keepends=True)[: 1 + answered + 7]))
    before = out.read_bytes()
    if answered:
        with pytest.raises(StorageError, match="another model"):
            run(given, out, Colours(sign=-1), resume=True)
        assert out.read_bytes() == before
    run(given, out, resume=True)
    assert out.read_bytes() == whole


PREDICT = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from test_batch import Colours, run
paths = Path(sys.argv[2]).read_text().split("\\0")
{before}
run(paths, Path(sys.argv[3]), Colours(wait=float(sys.argv[4])), resume=True, format=sys.argv[5])
"""


def other(
    listing: Path, out: Path, wait: float = 0.0, before: str = "", format: str = "raravis"
) -> subprocess.Popen[str]:
    """Another process that goes on with `out`."""
    command = [sys.executable, "-c", PREDICT.format(before=before)]
    command += [str(Path(__file__).parent), str(listing), str(out), str(wait), format]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


HELD = """
answer, batches = Colours.answer, []
def held(self, batch):
    batches.append(batch)
    if len(batches) > 1:
        sys.stdin.read()
    return answer(self, batch)
Colours.answer = held
"""


@pytest.fixture
def job(tmp_path):
    """Paths, the file that lists them, and what an unbroken call makes of them."""
    paths = draw(tmp_path / "photos", 60)
    (tmp_path / "list").write_text("\0".join(paths))
    run(paths, tmp_path / "whole.csv")
    return paths, tmp_path / "list", (tmp_path / "whole.csv").read_bytes()


def test_two_processes_do_not_write_one_file(tmp_path, job):
    paths, listing, whole = job
    out = tmp_path / "out.csv"
    process = other(listing, out, before=HELD)
    while not out.exists() or out.stat().st_size <= len(HEADER):
        time.sleep(0.01)
        assert process.poll() is None, process.communicate()
    with pytest.raises(StorageError, match="Another process is writing"):
        run(paths, out)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert out.read_bytes() == whole


def test_a_disk_that_fills_up_is_one_error_and_resuming_goes_on(tmp_path, job):
    paths, listing, whole = job
    out = tmp_path / "out.csv"
    room = len(HEADER) + (len(whole) - len(HEADER)) // 2
    before = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))"
    process = other(listing, out, before=before)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "StorageError: Cannot write" in said.splitlines()[-1], said
    assert out.read_bytes() == whole[:room]
    run(paths, out, resume=True)
    assert out.read_bytes() == whole


def test_a_disk_that_fills_up_while_the_format_is_written_leaves_no_half_file(tmp_path):
    paths = draw(tmp_path / "photos", 30)
    (tmp_path / "list").write_text("\0".join(paths))
    out = tmp_path / "out.json"
    run(paths, tmp_path / "whole.json", format="megadetector")
    whole, rows = (tmp_path / "whole.json").read_bytes(), (tmp_path / "whole.json.rows").stat().st_size
    assert len(whole) > rows + 200
    before = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({rows + 100}, {rows + 100}))"
    process = other(tmp_path / "list", out, before=before, format="megadetector")
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "StorageError: Cannot write" in said.splitlines()[-1], said
    assert sorted(f.name for f in tmp_path.glob("out*")) == ["out.json.rows"]
    asked = run(paths, out, format="megadetector", resume=True)
    assert out.read_bytes() == whole
    assert asked.kept == 30


@pytest.mark.parametrize("format", registry.names("raravis.serve.formats"))
def test_every_format_goes_on_and_replaces_only_its_own(tmp_path, format):
    paths, out = draw(tmp_path / "photos", 11), tmp_path / "out"
    run(paths, out, format=format)
    whole = out.read_bytes()
    journal = out if format == "raravis" else tmp_path / "out.rows"
    rows = journal.read_bytes()
    for cut in (0, len(rows) // 2, len(rows)):
        out.unlink()
        journal.write_bytes(rows[:cut])
        run(paths, out, format=format, resume=True)
        assert (out.read_bytes(), journal.read_bytes()) == (whole, rows)
    run(paths[:4], out, format=format)
    assert len(out.read_bytes()) < len(whole)
    out.write_text('{"info": {"format_version": "1.6", "detector": "md_v5a.0.0.pt"}, "images": []}')
    with pytest.raises(StorageError, match="holds something else"):
        run(paths, out, format=format)
    assert "md_v5a" in out.read_text()


def test_an_output_of_before_stands_until_the_new_one_is_whole(tmp_path, monkeypatch):
    paths, out = draw(tmp_path / "photos", 11), tmp_path / "out.json"
    run(paths[:4], out, format="speciesnet")
    before = out.read_bytes()

    def breaks(rows, about, stream):
        stream.write(b'{"predictions": [')
        raise KeyboardInterrupt

    monkeypatch.setattr(formats.load("speciesnet"), "write", breaks)
    with pytest.raises(KeyboardInterrupt):
        run(paths, out, format="speciesnet")
    assert out.read_bytes() == before
    assert not list(tmp_path.glob(".*part*"))


@pytest.mark.parametrize("jobs", [1, 3, 0])
def test_the_rows_do_not_depend_on_how_many_threads_decode(tmp_path, jobs):
    paths = draw(tmp_path / "photos", 25)
    run(paths, tmp_path / "one.csv", jobs=2)
    run(paths, tmp_path / "out.csv", jobs=jobs)
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()


def test_as_many_threads_decode_as_were_asked_for(tmp_path, monkeypatch):
    paths, threads, real = draw(tmp_path / "photos", 25), set(), decode.read_bytes
    monkeypatch.setattr(decode, "read_bytes", lambda path: threads.add(current_thread().name) or real(path))
    run(paths, tmp_path / "out.csv", jobs=1)
    assert len(threads) == 1


def test_an_error_of_the_model_ends_the_call_and_leaves_what_was_done(tmp_path):
    class Breaking(Colours):
        def answer(self, batch):
            if len(batch) < 4:
                raise RunError("The model gives no finite numbers.")
            return super().answer(batch)

    paths = [path for i, path in enumerate(draw(tmp_path / "photos", 12)) if i % 7 != 3]
    before = set(enumerate_threads())
    with pytest.raises(RunError, match="no finite"):
        run(paths, tmp_path / "out.csv", Breaking())
    assert len(table(tmp_path / "out.csv")) == 8
    assert not [one for one in enumerate_threads() if one.name.startswith("raravis") and one not in before]


def test_memory_does_not_grow_with_the_number_of_photographs(tmp_path):
    path = tmp_path / "photo.png"
    Image.effect_noise((96, 96), 80).convert("RGB").save(path)
    bad = tmp_path / "bad.png"
    bad.touch()

    class Watching(Colours):
        def answer(self, batch):
            resident.append(psutil.Process().memory_info().rss)
            return super().answer(batch)

    resident: list[int] = []
    run([str(path), str(path), str(bad)] * 700, tmp_path / "out.csv", Watching(size=96), batch_size=16)
    warm, end = max(resident[:40]), max(resident[-20:])
    assert len(resident) > 100
    assert end - warm < 8 << 20, f"{(end - warm) >> 20} MiB more; all decoded images would be 39 MiB"
