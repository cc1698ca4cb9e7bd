"""Killed at 20 random moments: a resumed call ends with the rows of an unbroken one.

One process loads everything once and forks a child for every call, so that a call takes a fraction of a second.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from test_batch import draw

SCRIPT = r"""
import hashlib, json, os, random, signal, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_batch import Colours, run
listing, out, format, boxes = Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], sys.argv[5]
paths = listing.read_text().split("\0")
journal = out if format == "raravis" else out.with_name(out.name + ".rows")
options = {"format": format, "boxes": Path(boxes) if boxes else None, "resume": True}

def begin(wait):
    if child := os.fork():
        return child
    try:
        run(paths, out, Colours(wait=wait), **options)
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)

def ended(child):
    _, status = os.waitpid(child, 0)
    return status

def anew():
    for file in (out, journal):
        file.unlink(missing_ok=True)

def size():
    return journal.stat().st_size if journal.exists() else 0

run(paths, out, Colours(), **options)  # here, so that the children find all modules loaded
whole, rows = out.read_bytes(), journal.read_bytes()
anew()
rng, kills, inside, late = random.Random(int(sys.argv[6])), 0, set(), 0
while kills < 20:
    further = size() + rng.choice([-1, 0, 0, 500, 1000])
    child = begin(0.005)
    while size() <= further and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        time.sleep(0.001)
    time.sleep(rng.uniform(0, 0.02))
    try:
        os.kill(child, signal.SIGKILL)
    except ProcessLookupError:
        pass
    status = ended(child)
    assert status in (0, signal.SIGKILL), status
    if status == 0:
        late += 1
        assert (out.read_bytes(), journal.read_bytes()) == (whole, rows), "it went on to something else"
        anew()
        continue
    kills += 1
    if journal.exists():
        left = journal.read_bytes()
        inside.add(len(left))
        assert rows.startswith(left)
    assert journal == out or not out.exists() or out.read_bytes() == whole, "half an output"
run(paths, out, Colours(), **options)
assert (out.read_bytes(), journal.read_bytes()) == (whole, rows)
print(json.dumps({"kills": kills, "different": len(inside), "finished": late, "rows": rows.count(b"\n")}))
"""


@pytest.mark.parametrize(("format", "boxes"), [("raravis", False), ("speciesnet", False), ("megadetector", True)])
def test_killed_at_20_random_moments_it_ends_with_the_rows_of_an_unbroken_call(tmp_path, format, boxes):
    paths = draw(tmp_path / "photos", 80)
    (tmp_path / "list").write_text("\0".join(paths))
    file = ""
    if boxes:
        side = {"category": "1", "conf": 0.9}
        two = [{**side, "bbox": [0, 0, 0.5, 0.5]}, {**side, "bbox": [0.5, 0.5, 0.5, 0.5]}]
        images = [{"file": path, "detections": two[: number % 3]} for number, path in enumerate(paths)]
        told = {"info": {"format_version": "1.6"}, "detection_categories": {"1": "animal"}, "images": images}
        file = str(tmp_path / "boxes.json")
        Path(file).write_text(json.dumps(told))
    command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), str(tmp_path / "list")]
    done = subprocess.run(
        [*command, str(tmp_path / "out"), format, file, "1"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["kills"] == 20
    assert found["different"] > 5, "the kills fell into the work"
