"""Photographs of many clients become batches of one model: asked in turn, answered on one thread, in bounded number.

While the model works on one batch the next one gathers, so a busy server runs full batches and a quiet one answers at
once. Clients take turns photograph by photograph: whoever sends one is not kept waiting by whoever sends thirty.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raravis.errors import RunError
from raravis.serve.predictor import Answer
from raravis.web.model import Model, Near

_log = logging.getLogger("raravis.web")


class BusyError(Exception):
    """The queue is full; the client is to come back."""


@dataclass(frozen=True)
class Said:
    """What the model says of one photograph.

    Attributes:
        answer: of the batch that it was in.
        number: its place there.
        heat: where the evidence for its likeliest family lies, float32 `(h, w)`; None unless asked for and known. What
            fails here is logged and lacking: the answer stands without it, and so do those of others.
        nearest: the training photographs most like it; empty unless asked for and known; likewise.
    """

    answer: Answer
    number: int
    heat: NDArray[np.float32] | None = None
    nearest: tuple[Near, ...] = ()


@dataclass(frozen=True)
class _Job:
    pixels: NDArray[np.uint8]
    more: bool
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Said]


class Batcher:
    """One thread that asks one model; see the file's docstring."""

    def __init__(
        self,
        model: Model,
        *,
        batch: int,
        linger: float,
        waiting: int,
        neighbours: int = 6,
        told: Callable[[int, float], None] = lambda size, seconds: None,
    ) -> None:
        """Take a model and the limits of the queue.

        Args:
            model: it is asked by this object's thread alone.
            batch: photographs at once.
            linger: seconds that the first photograph of a batch waits for others.
            waiting: places in the queue; one client may hold half of them.
            neighbours: training photographs named for a photograph.
            told: hears the size and the seconds of every batch.
        """
        self._model, self._batch, self._linger, self._room = model, batch, linger, waiting
        self._neighbours, self._told = neighbours, told
        self._lanes: OrderedDict[str, deque[_Job]] = OrderedDict()
        self._held: Counter[str] = Counter()
        self._wake = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """Places of the queue that are taken."""
        return self._held.total()

    @contextmanager
    def places(self, client: str, count: int) -> Iterator[None]:
        """Hold places for the photographs of one request, from before they are decoded until they are answered.

        Raises:
            BusyError: there are not so many left, or the client holds half of them already.
        """
        if self.waiting + count > self._room or self._held[client] + count > max(1, self._room // 2):
            raise BusyError
        self._held[client] += count
        try:
            yield
        finally:
            self._held[client] -= count
            if not self._held[client]:
                del self._held[client]

    async def ask(self, pixels: NDArray[np.uint8], client: str, *, more: bool = False) -> Said:
        """Ask the model about one photograph.

        Args:
            pixels: `uint8` `(size, size, 3)`.
            client: whose turn it takes.
            more: ask for the heat map and the neighbours too.

        Raises:
            RunError: the model failed, or the server is stopping.
        """
        loop = asyncio.get_running_loop()
        job = _Job(pixels, more, loop, loop.create_future())
        with self._wake:
            if self._closed:
                raise RunError("The server is stopping.\nAsk again when it is back.")
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="raravis-model", daemon=True)
                self._thread.start()
            self._lanes.setdefault(client, deque()).append(job)
            self._wake.notify()
        return await job.future

    def close(self) -> None:
        """Let the thread finish its batch and end; what waits is told. A later photograph starts it again."""
        with self._wake:
            self._closed = True
            self._wake.notify()
            thread = self._thread
        if thread is not None:
            thread.join()
        self._closed, self._thread = False, None  # an application may be started again

    def _work(self) -> None:
        while jobs := self._next():
            begun = time.perf_counter()
            said: Sequence[Said] | Exception
            try:
                said = self._answers(jobs)
            except Exception as error:  # whatever a model raises is its clients' answer, and the thread goes on
                said = error
            self._told(len(jobs), time.perf_counter() - begun)  # first: who has an answer finds it counted
            _deliver(jobs, said)
        left = [job for lane in self._lanes.values() for job in lane]
        self._lanes.clear()
        _deliver(left, RunError("The server is stopping.\nAsk again when it is back."))

    def _next(self) -> list[_Job]:
        """Wait for photographs and take a batch of them, client by client; [] when closing."""
        jobs: list[_Job] = []
        with self._wake:
            while not jobs and not self._closed:
                self._wake.wait_for(lambda: self._closed or bool(self._lanes))
                end = time.monotonic() + self._linger
                while not self._closed and self._gathered() < self._batch and (left := end - time.monotonic()) > 0:
                    self._wake.wait(left)
                while self._lanes and len(jobs) < self._batch:
                    client, lane = self._lanes.popitem(last=False)
                    job = lane.popleft()
                    if lane:
                        self._lanes[client] = lane  # to the end of the turn
                    if not job.future.done():  # its client may have gone
                        jobs.append(job)
        return jobs

    def _gathered(self) -> int:
        return sum(map(len, self._lanes.values()))

    def _answers(self, jobs: Sequence[_Job]) -> list[Said]:
        batch = np.stack([job.pixels for job in jobs])
        answer = self._model.answer(batch)
        heats: dict[int, NDArray[np.float32]] = {}
        nearest: dict[int, tuple[Near, ...]] = {}
        if asking := [number for number, job in enumerate(jobs) if job.more]:
            for number in asking:
                with _spared("heat map"):
                    best = answer.probabilities[number : number + 1].argmax(axis=1).astype(np.int64)
                    if (heat := self._model.heat(batch[number : number + 1], best)) is not None:
                        heats[number] = heat[0]
            with _spared("training photographs"):
                features = None if answer.features is None else answer.features[asking]
                if near := self._model.nearest(features, self._neighbours):
                    nearest = {number: tuple(some) for number, some in zip(asking, near, strict=True)}
        return [Said(answer, number, heats.get(number), nearest.get(number, ())) for number in range(len(jobs))]


@contextmanager
def _spared(what: str) -> Iterator[None]:
    """Log what goes wrong with a thing that an answer can do without; it is then lacking."""
    try:
        yield
    except Exception as error:  # as of a model that answers
        _log.error("An answer lacks its %s: %s: %s", what, type(error).__name__, error)


def _deliver(jobs: Sequence[_Job], said: Sequence[Said] | Exception) -> None:
    """Hand answers, or one error, back to the event loops that wait for them."""

    def settle(mine: Sequence[tuple[_Job, Said | Exception]]) -> None:
        for job, one in mine:
            if job.future.done():
                continue
            if isinstance(one, Exception):
                job.future.set_exception(one)
            else:
                job.future.set_result(one)

    answers: Sequence[Said | Exception] = [said] * len(jobs) if isinstance(said, Exception) else said
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Job, Said | Exception]]] = {}
    for job, one in zip(jobs, answers, strict=True):
        by_loop.setdefault(job.loop, []).append((job, one))
    for loop, mine in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, mine)
