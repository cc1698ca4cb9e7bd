import time

import pytest

from raravis.runtimes import _others


def test_work_of_this_process_is_not_that_of_others(monkeypatch):
    counts = iter([(10.0, 100.0, 5.0), (12.0, 103.0, 6.5), (14.0, 104.0, 9.5)])
    monkeypatch.setattr(_others, "_counts", lambda: next(counts))
    monkeypatch.setattr(_others.psutil, "cpu_count", lambda: 4)
    others = _others.Others()
    assert others.share() == pytest.approx((3.0 - 1.5) / (2.0 * 4))
    assert others.share() == 0.0


def test_what_a_process_takes_is_counted():
    began = _others._counts()
    until = time.process_time() + 0.3
    while time.process_time() < until:
        sum(range(1000))
    wall, busy, own = (now - then for now, then in zip(_others._counts(), began, strict=True))
    assert wall > 0
    assert busy > 0.1
    assert own > 0.2  # the system counts in hundredths of a second, each of its counts rounded by itself
