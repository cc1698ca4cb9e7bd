"""Clients take turns: whoever wants one thing is not kept waiting by whoever wants thirty."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """A queue that gives one thing of each client in turn; any thread may put and take."""

    def __init__(self, gone: Callable[[T], bool]) -> None:
        """Begin empty; what is `gone` when its turn comes is dropped."""
        self._gone = gone
        self._lanes: OrderedDict[str, deque[T]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many wait."""
        with self._lock:
            return sum(map(len, self._lanes.values()))

    def put(self, client: str, one: T) -> None:
        """Let a client wait for one more."""
        with self._lock:
            self._lanes.setdefault(client, deque()).append(one)

    def take(self) -> T | None:
        """Take the first of the client whose turn it is; None when nobody waits."""
        with self._lock:
            while self._lanes:
                client, lane = self._lanes.popitem(last=False)
                one = lane.popleft()
                if lane:
                    self._lanes[client] = lane  # to the end of the turn
                if not self._gone(one):
                    return one
        return None

    def firsts(self) -> list[T]:
        """The first of every client."""
        with self._lock:
            return [lane[0] for lane in self._lanes.values()]

    def cleared(self) -> list[T]:
        """Take all that wait."""
        with self._lock:
            left = [one for lane in self._lanes.values() for one in lane]
            self._lanes.clear()
            return left
