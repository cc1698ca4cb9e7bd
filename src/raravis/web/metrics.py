"""What the server counts of itself, as Prometheus reads it: requests, photographs, batches, the queue, corrections."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The counters of one server; none are shared between servers of one process."""

    def __init__(self, waiting: Callable[[], int]) -> None:
        """Begin at zero; `waiting` is asked for the length of the queue."""
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "raravis_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "raravis_request_seconds", "From the head of a request to its answer.", ["route"],
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._photographs = Counter("raravis_photographs", "Photographs, by verdict.", ["verdict"], registry=registry)
        self._batch = Histogram(
            "raravis_batch_photographs", "Photographs that the model saw at once.",
            buckets=(1, 2, 4, 8, 16, 32, 64), registry=registry,
        )  # fmt: skip
        self._model = Histogram(
            "raravis_batch_seconds", "Seconds that the model took for a batch.", buckets=_SECONDS, registry=registry
        )
        self._corrections = Counter("raravis_corrections", "Corrections, made and undone.", ["kind"], registry=registry)
        Gauge("raravis_waiting_photographs", "Photographs decoded or waiting.", registry=registry).set_function(waiting)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request; `route` is a pattern, never what a client wrote."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def photograph(self, verdict: str) -> None:
        """Count one photograph: `identified`, `uncertain`, `unfamiliar`, `unreadable`, or `named` without a verdict."""
        self._photographs.labels(verdict).inc()

    def batch(self, size: int, seconds: float) -> None:
        """Count one batch."""
        self._batch.observe(size)
        self._model.observe(seconds)

    def correction(self, kind: str) -> None:
        """Count one correction: `made` or `undone`."""
        self._corrections.labels(kind).inc()

    def text(self) -> bytes:
        """Everything, in the text format that Prometheus reads."""
        return generate_latest(self._registry)
