"""The pool of workers, with a Ray that is played: order, windows, deaths, and who is blamed for them."""

from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

import raravis
from raravis import cluster
from raravis.cluster import ATTEMPTS, DEPTH, WINDOW, Cluster
from raravis.errors import BundleError, ClusterError, MissingError, UsageError


class DiedError(Exception):
    """What Ray says of a worker that is gone."""


class RaisedError(DiedError):
    """What Ray says of a piece of work that raised."""

    def __init__(self, cause):
        super().__init__(str(cause))
        self.cause = cause

    def as_instanceof_cause(self):
        return self.cause


@dataclass
class Played:
    """As much of Ray as the pool uses; a worker does its work when it is waited for, the latest first."""

    order: int = -1
    alive: list = field(default_factory=list)
    started: int = 0
    most: int = 0
    waiting: dict = field(default_factory=dict)
    exceptions: Any = field(default_factory=lambda: SimpleNamespace(RayTaskError=RaisedError, RayError=DiedError))

    def put(self, value):
        return value

    def remote(self, *, num_cpus, max_restarts, max_concurrency):
        assert (num_cpus, max_restarts, max_concurrency) == (1, 0, DEPTH)
        return lambda kind: SimpleNamespace(remote=lambda held: self._actor(kind(held)))

    def wait(self, refs, *, num_returns, timeout):
        assert refs, "nothing to wait for: the pool is stuck"
        return [refs[self.order]], []

    def get(self, ref):
        actor, call, piece = self.waiting[ref]
        if actor not in self.alive:
            raise DiedError("the worker is gone")
        try:
            return call(*piece)
        except DiedError:
            self.alive.remove(actor)
            raise
        except Exception as error:
            raise RaisedError(error) from None

    def kill(self, actor):
        if actor in self.alive:
            self.alive.remove(actor)

    def _actor(self, worker):
        actor = SimpleNamespace(number=self.started)
        for name in ("ready", "work"):
            setattr(actor, name, SimpleNamespace(remote=self._call(actor, getattr(worker, name))))
        self.alive.append(actor)
        self.started += 1
        self.most = max(self.most, len(self.alive))
        return actor

    def _call(self, actor, call):
        def remote(*piece):
            ref = object()
            self.waiting[ref] = actor, call, piece
            return ref

        return remote


@dataclass(frozen=True)
class Doubling:
    """Doubles numbers; a worker dies on a number as often as is told."""

    deadly: Counter = field(default_factory=Counter)
    opening: Exception | None = None
    began: Counter = field(default_factory=Counter)

    def open(self):
        if self.opening:
            raise self.opening
        return self.call

    def call(self, number):
        self.began[number] += 1
        if self.began[number] <= self.deadly[number]:
            raise DiedError("killed")
        if number < 0:
            raise ZeroDivisionError("a bug")
        return 2 * number

    def told(self, piece):
        return f"the number {piece}"


@pytest.mark.parametrize("order", [0, -1], ids=["the first done first", "the latest done first"])
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_are_in_the_order_of_the_work(order, workers):
    ray = Played(order)
    assert list(Cluster(ray, workers).map(Doubling(), range(50))) == list(range(0, 100, 2))
    assert ray.started == workers
    assert ray.alive == []


def test_nothing_to_do_gives_nothing():
    assert list(Cluster(Played(), 2).map(Doubling(), [])) == []


def test_pieces_are_read_no_further_than_the_window():
    read = []
    found = Cluster(Played(), 2).map(Doubling(), (read.append(n) or n for n in range(1000)))
    for number in range(20):
        assert next(found) == 2 * number
        assert len(read) <= number + 1 + 2 * WINDOW
    found.close()
    assert len(read) < 60


def test_leaving_early_ends_the_workers():
    ray = Played()
    found = Cluster(ray, 3).map(Doubling(), range(100))
    next(found)
    found.close()
    assert ray.alive == []


@pytest.mark.parametrize("order", [0, -1])
def test_what_dead_workers_had_is_done_by_others(order):
    ray, work = Played(order), Doubling(Counter({0: 1, 7: 3, 8: 2, 29: 1}))
    assert list(Cluster(ray, 2).map(work, range(30))) == list(range(0, 60, 2))
    assert ray.started == 2 + 7
    assert ray.most == 2
    assert {n: work.began[n] for n in (0, 7, 8, 29)} == {0: 2, 7: 4, 8: 3, 29: 2}


@pytest.mark.parametrize("order", [0, -1])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_piece_that_kills_every_worker_is_named_and_no_other_is(order, workers):
    found, ray = [], Played(order)
    with pytest.raises(ClusterError, match=rf"{ATTEMPTS} workers died on the number 7: .*\n.*--resume"):
        found.extend(Cluster(ray, workers).map(Doubling(Counter({7: 99})), range(30)))
    assert ray.alive == []


def test_workers_that_die_before_they_are_ready_are_not_started_for_ever():
    ray = Played()
    with pytest.raises(ClusterError, match="Workers keep dying; the last one: no memory"):
        list(Cluster(ray, 2).map(Doubling(opening=DiedError("no memory")), range(3)))
    assert ray.started < 20


def test_what_a_worker_raises_is_raised_here():
    with pytest.raises(BundleError, match="damaged"):
        list(Cluster(Played(), 2).map(Doubling(opening=BundleError("damaged")), range(3)))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        list(Cluster(Played(), 2).map(Doubling(), [1, -1]))


def test_workers_of_another_version_are_refused(monkeypatch):
    class Old(cluster._Worker):
        def ready(self):
            super().ready()
            return "0.0.1"

    monkeypatch.setattr(cluster, "_Worker", Old)
    with pytest.raises(ClusterError, match=rf"have raravis 0\.0\.1, this machine has {raravis.__version__}"):
        list(Cluster(Played(), 1).map(Doubling(), [1]))


def test_options_that_mean_nothing_are_refused():
    with pytest.raises(UsageError, match="no cluster to have them"):
        cluster.asked(None, 2, quiet=True)
    with pytest.raises(UsageError, match="workers is -1"):
        cluster.asked("local", -1, quiet=True)
    with cluster.asked(None, 0, quiet=True) as joined:
        assert joined is None


def test_without_ray_the_extra_is_named(monkeypatch):
    def refuse(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(cluster, "import_module", refuse)
    with pytest.raises(MissingError, match=r"pip install 'raravis\[ray\]'"), cluster.joined("local"):
        pass


def test_a_cluster_that_is_not_there_is_one_error():
    def init(**options):
        assert options["address"] == "auto"
        raise ConnectionError("Could not find any running Ray instance.")

    match = r"Cannot join the Ray cluster 'auto': Could not find any .*\n.*ray start"
    with pytest.raises(ClusterError, match=match):
        cluster._join(SimpleNamespace(init=init), "auto")
