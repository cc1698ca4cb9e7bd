"""Rows are on the disk for good every few seconds, however few they are: a kill costs seconds, not hours."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from raravis.data import rows
from raravis.data.rows import Rows, committed, writing
from raravis.errors import DataError

ROW = np.arange(4, dtype=np.float32)

SLOW = """
import sys, time
from pathlib import Path
import numpy as np
from raravis.data import rows
rows._COMMIT_SECONDS = 0.05
with rows.writing(rows.Rows(Path(sys.argv[1]), (4,), np.float32), 10**4, smaller="") as writer:
    for number in range(10**4):
        writer.add(f"{number:064x}", np.arange(4, dtype=np.float32))
        time.sleep(0.01)
"""


def test_rows_reach_the_disk_when_some_seconds_passed(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(rows.time, "monotonic", lambda: now[0])
    with writing(Rows(tmp_path, (4,), np.float32), 3, smaller="") as writer:
        writer.add("00" * 32, ROW)
        assert not len(committed(tmp_path, ROW.nbytes))
        now[0] = 21.0
        writer.add("01" * 32, ROW)
        assert len(committed(tmp_path, ROW.nbytes)) == 2
        writer.add("02" * 32, ROW)
        assert len(committed(tmp_path, ROW.nbytes)) == 2
    assert len(committed(tmp_path, ROW.nbytes)) == 3


def test_a_kill_leaves_what_was_written_before(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", SLOW, str(tmp_path)])
    try:
        end = time.monotonic() + 60
        while not len(committed(tmp_path, ROW.nbytes)) and time.monotonic() < end:
            assert child.poll() is None
            time.sleep(0.02)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    held = Rows(tmp_path, ROW.shape, np.float32)
    assert len(held) > 0
    with writing(held, 1, smaller="") as writer:
        writer.add("ff" * 32, 2 * ROW)
    after = Rows(tmp_path, ROW.shape, np.float32)
    assert len(after) > len(held)
    np.testing.assert_array_equal(after.read([f"{0:064x}", "ff" * 32]), [ROW, 2 * ROW])


@pytest.mark.parametrize("wrong", [np.zeros((3, 4), np.float32), np.zeros(3, np.float32), np.zeros(4, np.float64)])
def test_a_row_that_would_shift_the_others_is_refused(tmp_path, wrong):
    with writing(Rows(tmp_path, (4,), np.float32), 3, smaller="") as writer:
        writer.add("00" * 32, ROW)
        with pytest.raises(DataError, match=r"image 0101010101.* of shape .*float32 of shape \(4,\) was expected"):
            writer.add("01" * 32, wrong)
    held = Rows(tmp_path, (4,), np.float32)
    assert len(held) == 1
    np.testing.assert_array_equal(held.read(["00" * 32]), [ROW])
