"""Work on many machines: a pool of workers on Ray, and results in the order of the work.

Enters: an `Opener`, which makes each worker ready once, and the pieces of work. Leaves: the result of every piece, in
order, with a bounded number of them alive. A worker that dies loses nothing: what it was doing is given to another one
and a new one is started, as long as the pieces get done. Ray is an extra and is loaded when it is asked for.

The bookkeeping is done here and not by Ray, which would give a lost piece back to the same worker, and wait for that
one for ever if its machine does not come back.
"""

from __future__ import annotations

import os
import secrets
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final, Generic, Protocol, TypeVar

import raravis
from raravis import extras, progress
from raravis.errors import ClusterError, RaravisError, UsageError

T_contra = TypeVar("T_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")
R = TypeVar("R")

ATTEMPTS: Final = 4
"""How many workers may die on one piece of work before it is taken for the cause."""
DEPTH: Final = 2
"""Pieces that a worker has at once: while it computes one, it can read the other."""
WINDOW: Final = 8
"""Results for each worker that may wait for an earlier one."""
PATIENCE: Final = 60.0
"""Seconds without any worker after which the user is told what is waited for."""


class Opener(Protocol[T_contra, R_co]):
    """What a worker needs to become ready; it is pickled and sent to each."""

    def open(self) -> Callable[[T_contra], R_co]:
        """Make ready, once, in the worker; what it gives is called on up to `DEPTH` threads at once."""

    def told(self, piece: T_contra) -> str:
        """Name a piece of work for an error."""


@dataclass(frozen=True)
class Cluster:
    """A Ray that this process has joined.

    Attributes:
        ray: the module.
        workers: how many to start, each with one core.
        quiet: say nothing on standard error.
    """

    ray: Any
    workers: int
    quiet: bool = False

    def map(self, opener: Opener[T, R], pieces: Iterable[T]) -> Generator[R]:
        """Yield the result of every piece, in order; close the generator when leaving early.

        Args:
            opener: makes the workers ready.
            pieces: read only as far ahead as there is work for.

        Raises:
            ClusterError: workers keep dying, or run another version of raravis.
            RaravisError: what opening or a piece of work raises in a worker.
        """
        pool: _Pool[T, R] = _Pool(self, opener, iter(pieces))
        try:
            yield from pool.run()
        finally:
            pool.close()


@contextmanager
def joined(address: str, *, workers: int = 0, quiet: bool = False) -> Iterator[Cluster]:
    """Join a Ray while the block runs; one that this process has joined already is taken as it is.

    Args:
        address: `auto` (the cluster that this machine is part of), `local` (this machine alone), `HOST:PORT`, or
            `ray://HOST:PORT`.
        workers: how many; 0 for one on every core that the cluster has now.
        quiet: say nothing on standard error.

    Raises:
        MissingError: Ray is not installed.
        ClusterError: there is no such cluster, it does not let this process in, or it has no core.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody is told what is computed here
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # as Ray will have it; it warns until it is said
    if address == "local":
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # no cluster: it listens for this machine alone
    with extras.told():
        ray = import_module("ray")
    own = not ray.is_initialized()
    if own:
        _join(ray, address)
    try:
        yield Cluster(ray, workers or _cores(ray, address), quiet)
    finally:
        if own:
            ray.shutdown()


def asked(address: str | None, workers: int, *, quiet: bool) -> AbstractContextManager[Cluster | None]:
    """What the options `ray` and `workers` of a verb mean; nothing is joined before the block begins.

    Raises:
        UsageError: workers without a cluster, or fewer than none.
    """
    if workers < 0:
        raise UsageError(f"workers is {workers}; 0 or more was expected.")
    if address is None:
        if workers:
            raise UsageError(
                "workers was given, but no cluster to have them.\nAdd --ray auto, --ray local or an address."
            )
        return nullcontext()
    return joined(address, workers=workers, quiet=quiet)


def _join(ray: Any, address: str) -> None:
    options: dict[str, Any] = {"address": address, "log_to_driver": False, "logging_level": "ERROR"}
    if address == "local":
        options |= {"include_dashboard": False}
        if not any(os.environ.get(name) for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")):
            os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)  # nobody else gets in, and none is left on the disk
    try:
        ray.init(**options)
    except Exception as error:  # Ray raises many kinds: no cluster, another version, no right to enter
        told = " ".join(str(error).split())[:300]
        raise ClusterError(
            f"Cannot join the Ray cluster {address!r}: {told}.\n"
            "Start one with `ray start --head`, or give auto, local, HOST:PORT or ray://HOST:PORT."
        ) from error


def _cores(ray: Any, address: str) -> int:
    found = int(ray.cluster_resources().get("CPU", 0))
    if found < 1:
        raise ClusterError(
            f"The Ray cluster {address!r} has no core to work on.\nAdd machines to it, or tell --workers."
        )
    return found


class _Worker:
    """What runs in a worker's process."""

    def __init__(self, opener: Opener[Any, Any]) -> None:
        self._opener = opener
        self._call: Callable[[Any], Any] | None = None

    def ready(self) -> str:
        self._call = self._opener.open()
        return raravis.__version__

    def work(self, piece: Any) -> Any:
        assert self._call is not None
        return self._call(piece)


@dataclass
class _Piece(Generic[T]):
    """A piece of work under way: its place, itself, and how many workers died on it."""

    number: int
    work: T
    deaths: int = 0

    @property
    def weight(self) -> int:
        """A piece that a worker died on has its next worker alone, so that no other is blamed for it."""
        return DEPTH if self.deaths else 1


@dataclass
class _Hand:
    """A worker as the pool sees it: Ray's handle, what it does, and whether it is ready."""

    actor: Any
    load: int = 0
    ready: bool = False


@dataclass
class _Pool(Generic[T, R]):
    cluster: Cluster
    opener: Opener[T, R]
    pieces: Iterator[T]
    hands: list[_Hand] = field(default_factory=list)
    busy: dict[Any, tuple[_Hand, _Piece[T] | None]] = field(default_factory=dict)
    again: deque[_Piece[T]] = field(default_factory=deque)
    done: dict[int, R] = field(default_factory=dict)
    taken: int = 0
    given: int = 0
    exhausted: bool = False
    deaths: int = 0
    """Since a piece was last done."""

    def run(self) -> Generator[R]:
        ray, told = self.cluster.ray, False
        held = ray.put(self.opener)
        for _ in range(self.cluster.workers):
            self._start(held)
        while True:
            self._hand_out()
            if self.exhausted and self.given == self.taken:
                return
            found, _ = ray.wait(list(self.busy), num_returns=1, timeout=PATIENCE)
            if not found and not told and not any(hand.ready for hand in self.hands):
                told = True
                progress.say("Waiting for the cluster to start a worker…", quiet=self.cluster.quiet)
            for ref in found:
                self._take(ref, held)
            while self.given in self.done:
                result = self.done.pop(self.given)
                self.given += 1
                yield result

    def close(self) -> None:
        for hand in self.hands:
            self.cluster.ray.kill(hand.actor)

    def _start(self, held: Any) -> None:
        kind = self.cluster.ray.remote(num_cpus=1, max_restarts=0, max_concurrency=DEPTH)(_Worker)
        hand = _Hand(kind.remote(held))
        self.hands.append(hand)
        self.busy[hand.actor.ready.remote()] = hand, None

    def _hand_out(self) -> None:
        """Give work to the workers that have the least, as far as the window reaches."""
        while free := [hand for hand in self.hands if hand.ready and hand.load < DEPTH]:
            hand = min(free, key=lambda one: one.load)
            piece = self._next(hand)
            if piece is None:
                return
            hand.load += piece.weight
            self.busy[hand.actor.work.remote(piece.work)] = hand, piece

    def _next(self, hand: _Hand) -> _Piece[T] | None:
        if self.again and not hand.load:
            return self.again.popleft()
        if self.again or self.exhausted or self.taken - self.given >= WINDOW * self.cluster.workers:
            return None
        for work in self.pieces:
            self.taken += 1
            return _Piece(self.taken - 1, work)
        self.exhausted = True
        return None

    def _take(self, ref: Any, held: Any) -> None:
        """Take what a worker has done, or note that it died."""
        if ref not in self.busy:
            return  # its worker was found dead meanwhile
        errors = self.cluster.ray.exceptions
        hand, piece = self.busy[ref]
        try:
            result = self.cluster.ray.get(ref)
        except errors.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, RaravisError):
                raise cause from None
            raise error.as_instanceof_cause() from None
        except errors.RayError as error:
            self._lost(hand, error, held)
            return
        del self.busy[ref]
        if piece is None:
            if result != raravis.__version__:
                raise ClusterError(
                    f"The workers have raravis {result}, this machine has {raravis.__version__}.\n"
                    "Install the same version on all machines."
                )
            hand.ready = True
            return
        hand.load -= piece.weight
        self.deaths = 0
        self.done[piece.number] = result

    def _lost(self, hand: _Hand, error: Exception, held: Any) -> None:
        """Take back what a dead worker had, and start another one."""
        self.hands.remove(hand)
        self.cluster.ray.kill(hand.actor)
        refs = [ref for ref, (other, _) in self.busy.items() if other is hand]
        pieces = [piece for ref in refs if (piece := self.busy.pop(ref)[1])]
        for piece in sorted(pieces, key=lambda one: one.number):
            piece.deaths += 1
            if piece.deaths >= ATTEMPTS:
                raise ClusterError(
                    f"{piece.deaths} workers died on {self.opener.told(piece.work)}: {_line(error)}.\n"
                    "Look at these; if they are in order, the workers need more memory. --resume goes on from here."
                )
        self.again = deque(sorted([*self.again, *pieces], key=lambda one: one.number))
        self.deaths += 1
        if self.deaths > ATTEMPTS + 2 * self.cluster.workers:
            raise ClusterError(
                f"Workers keep dying; the last one: {_line(error)}.\n"
                "See Ray's logs on its machine. What is written stays, and --resume goes on from there."
            )
        self._start(held)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
