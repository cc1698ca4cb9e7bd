"""Work done ahead on threads: results in order, a bounded number of them alive.

Enters: a function and the items to call it on. Leaves: an iterator of results in the items' order. Why:
decoding releases the interpreter lock, so threads keep all cores busy, and a bound keeps memory flat however
many items there are. Close the generator when leaving it early, so that no thread goes on.
"""

from __future__ import annotations

import os
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def cores() -> int:
    """How many cores this process may use (at least 1)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def ahead(work: Callable[[T], R], items: Iterable[T], *, window: int, threads: int | None = None) -> Generator[R]:
    """Yield `work(item)` for every item, in order, with at most `window` results under way or waiting.

    Args:
        work: called on threads; what it raises is raised here, at its item's turn.
        items: read no further than `window` items ahead of the consumer.
        window: at least 1; bounds the memory.
        threads: how many threads; one a core unless told.
    """
    pool = ThreadPoolExecutor(threads or cores(), thread_name_prefix="raravis")
    waiting: deque[Future[R]] = deque()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")  # of odd metadata; what matters becomes an error
        try:
            for item in items:
                if len(waiting) >= window:
                    yield waiting.popleft().result()
                waiting.append(pool.submit(work, item))
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
