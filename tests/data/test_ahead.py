"""Work ahead on threads: order, bound, errors, an early end."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from raravis.data.ahead import ahead


def test_results_keep_the_order_of_their_items():
    def work(item):
        time.sleep(0.002 * (item % 3))
        return item * item

    assert list(ahead(work, range(40), window=6, threads=4)) == [i * i for i in range(40)]


def test_no_more_items_are_taken_than_the_window_allows():
    taken = []

    def items():
        for i in range(50):
            taken.append(i)
            yield i

    for done, _ in enumerate(ahead(lambda i: i, items(), window=5, threads=2)):
        assert len(taken) <= done + 6


def test_an_error_comes_at_its_item_s_turn_and_ends_the_work():
    def work(item):
        if item == 3:
            raise LookupError("three")
        return item

    results = ahead(work, range(100), window=8, threads=2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(LookupError, match="three"):
        next(results)


def test_closing_early_leaves_no_thread_and_starts_no_more_work(monkeypatch):
    before, started, gate = set(threading.enumerate()), [], threading.Event()

    class Pool(ThreadPoolExecutor):
        """The gate opens when it is shut down, before it waits for its threads."""

        def shutdown(self, wait=True, **options):
            super().shutdown(wait=False, **options)
            gate.set()
            super().shutdown(wait)

    monkeypatch.setattr("raravis.data.ahead.ThreadPoolExecutor", Pool)
    results = ahead(lambda i: (started.append(i), i == 0 or gate.wait(60)), range(1000), window=100, threads=2)
    next(results)
    results.close()
    assert not [one for one in threading.enumerate() if one not in before and one.name.startswith("raravis")]
    assert sorted(started) in ([0], [0, 1], [0, 1, 2])
