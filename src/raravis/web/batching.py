"""Photographs of many clients become batches of one model: asked in turn, answered on threads, in bounded number.

While the model works on one batch the next one gathers, so a busy server runs full batches and a quiet one answers at
once. A model that two threads may ask waits for nothing that surrounds it: one batch is judged and handed out while the
next is computed. Clients take turns photograph by photograph.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from raravis.errors import RunError
from raravis.serve.predictor import Answer
from raravis.web.model import Model, Near
from raravis.web.photos import Photo
from raravis.web.turns import Turns

T = TypeVar("T")

_log = logging.getLogger("raravis.web")


class BusyError(Exception):
    """The queue is full; the client is to come back."""


@dataclass(frozen=True)
class Said:
    """What the model says of one photograph.

    Attributes:
        photo: it.
        answer: of the batch that it was in.
        number: its place there.
        heat: where the evidence for its likeliest family lies, float32 `(h, w)`; None unless asked for and known. What
            fails here is logged and lacking: the answer stands without it, and so do those of others.
        nearest: the training photographs most like it; empty unless asked for and known; likewise.
    """

    photo: Photo
    answer: Answer
    number: int
    heat: NDArray[np.float32] | None = None
    nearest: tuple[Near, ...] = ()


@dataclass(frozen=True)
class _Job:
    photo: Photo
    more: bool
    future: asyncio.Future[Said]
    since: float


class Batcher:
    """The threads that ask one model; see the file's docstring."""

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
            model: it is asked by this object's threads alone.
            batch: photographs at once, of all threads together.
            linger: seconds that the first photograph of a batch waits for others.
            waiting: places in the queue; one client may hold half of them.
            neighbours: training photographs named for a photograph.
            told: hears the size and the seconds of every batch.
        """
        self._model, self._linger, self._room = model, linger, waiting
        self._batch = -(-batch // model.at_once)
        self._neighbours, self._told = neighbours, told
        self._jobs = Turns[_Job](lambda job: job.future.done())  # its client may have gone
        self._held: Counter[str] = Counter()
        self._wake = threading.Condition()
        self._closed = False
        self._threads: list[threading.Thread] = []

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

    def put(self, photo: Photo, client: str, future: asyncio.Future[Said], *, more: bool = False) -> None:
        """Ask the model about one photograph, from any thread.

        Args:
            photo: it.
            client: whose turn it takes.
            future: gets the answer, or RunError where the model failed or the server is stopping.
            more: ask for the heat map and the neighbours too.
        """
        job = _Job(photo, more, future, time.monotonic())
        with self._wake:
            if not self._closed:
                for number in range(len(self._threads), self._model.at_once):
                    thread = threading.Thread(target=self._work, name=f"raravis-model-{number}", daemon=True)
                    thread.start()
                    self._threads.append(thread)  # not before: one that could not start is tried again
                self._jobs.put(client, job)
                self._wake.notify()
                return
        settle([(future, stopping())])

    def close(self) -> None:
        """Let the threads finish their batches and end; what waits is told. A later photograph starts them again."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        for thread in self._threads:
            thread.join()
        settle((job.future, stopping()) for job in self._jobs.cleared())
        self._closed, self._threads = False, []  # an application may be started again

    def _work(self) -> None:
        while jobs := self._next():
            begun = time.perf_counter()
            said = self._said(jobs)
            self._told(len(jobs), time.perf_counter() - begun)  # first: who has an answer finds it counted
            settle((job.future, one) for job, one in zip(jobs, said, strict=True))

    def _next(self) -> list[_Job]:
        """Wait for photographs and take a batch of them, client by client; [] when closing."""
        jobs: list[_Job] = []
        with self._wake:
            while not jobs and not self._closed:
                self._wake.wait_for(lambda: self._closed or len(self._jobs) > 0)
                end = min((job.since for job in self._jobs.firsts()), default=0.0) + self._linger
                while not self._closed and len(self._jobs) < self._batch and (left := end - time.monotonic()) > 0:
                    self._wake.wait(left)
                while len(jobs) < self._batch and (job := self._jobs.take()):
                    jobs.append(job)
        return jobs

    def _said(self, jobs: Sequence[_Job]) -> Sequence[Said | Exception]:
        """Whatever a model raises is its client's answer, and nobody else's: a batch that fails is asked one by one."""
        try:
            return self._answers(jobs)
        except Exception as error:
            if len(jobs) == 1 or self._closed:
                return [error] * len(jobs)
            return [one for job in jobs for one in ([error] if job.future.done() else self._said([job]))]

    def _answers(self, jobs: Sequence[_Job]) -> list[Said]:
        batch = np.stack([job.photo.pixels for job in jobs])
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
        return [
            Said(job.photo, answer, number, heats.get(number), nearest.get(number, ()))
            for number, job in enumerate(jobs)
        ]


@contextmanager
def _spared(what: str) -> Iterator[None]:
    """Log what goes wrong with a thing that an answer can do without; it is then lacking."""
    try:
        yield
    except Exception as error:  # as of a model that answers
        _log.error("An answer lacks its %s: %s: %s", what, type(error).__name__, error)


def stopping() -> RunError:
    """What those are told who wait while the server ends."""
    return RunError("The server is stopping.\nAsk again when it is back.")


def settle(answers: Iterable[tuple[asyncio.Future[T], T | Exception]]) -> None:
    """Give futures their results or errors, from any thread; each is set by the event loop that waits for it."""

    def give(mine: Sequence[tuple[asyncio.Future[T], T | Exception]]) -> None:
        for future, one in mine:
            if future.done():  # its client has gone
                continue
            if isinstance(one, Exception):
                future.set_exception(one)
            else:
                future.set_result(one)

    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[T], T | Exception]]] = {}
    for future, one in answers:
        by_loop.setdefault(future.get_loop(), []).append((future, one))
    for loop, mine in by_loop.items():
        with suppress(RuntimeError):  # it is closed: nobody waits
            loop.call_soon_threadsafe(give, mine)
