"""Many machines, as two workers on this one: the same rows and features in the same order, whoever dies meanwhile."""

import importlib.util
import os
import secrets
import signal
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from raravis import cluster
from raravis.errors import BundleError, ClusterError, MissingError, UsageError
from raravis.verbs.embed import embed
from raravis.verbs.predict import predict

HAS_RAY = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed (raravis[ray])")


@pytest.fixture(scope="module")
def two():
    """A Ray of two workers that listens for this machine alone; `cluster.joined` takes it as it is."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        patch.setenv("PYTHONPATH", str(Path(cluster.__file__).parents[1]))
        warnings.filterwarnings("ignore", category=ResourceWarning)  # Ray leaves its logs and pipes open
        import ray

        ray.init(
            address="local",
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
            _node_ip_address="127.0.0.1",
        )
        ray.cloudpickle.register_pickle_by_value(__import__("sys").modules[__name__])
        try:
            yield ray
        finally:
            ray.shutdown()


@dataclass(frozen=True)
class Doubling:
    """Doubles numbers; leaves a mark of each worker and of each piece it began."""

    place: Path
    deadly: int = -1
    deaths: int = 99
    wait: float = 0.0
    fault: bool = False

    def open(self):
        (self.place / f"worker-{os.getpid()}").touch()
        if self.fault:
            raise BundleError("the model is damaged")

        def call(number):
            before = len(list(self.place.glob(f"piece-{number}-*")))
            (self.place / f"piece-{number}-{os.getpid()}").touch()
            time.sleep(self.wait)
            if number == self.deadly and before < self.deaths:
                os.kill(os.getpid(), signal.SIGKILL)
            return 2 * number

        return call

    def told(self, piece):
        return f"the number {piece}"


@needs_ray
def test_results_are_in_order_and_pieces_are_read_no_further_than_the_window(two, tmp_path):
    read = []
    pieces = (read.append(n) or n for n in range(100))
    with cluster.joined("auto", workers=2) as joined:
        found = joined.map(Doubling(tmp_path), pieces)
        assert next(found) == 0
        assert len(read) <= 2 * cluster.WINDOW + 1
        assert list(found) == list(range(2, 200, 2))
    assert two.is_initialized()
    assert len(list(tmp_path.glob("worker-*"))) == 2  # each was opened once


@needs_ray
def test_what_a_dead_worker_did_is_done_by_another(two, tmp_path):
    with cluster.joined("auto", workers=2) as joined:
        assert list(joined.map(Doubling(tmp_path, deadly=5, deaths=2), range(30))) == list(range(0, 60, 2))
    assert len(list(tmp_path.glob("piece-5-*"))) == 3


@needs_ray
def test_a_piece_that_kills_every_worker_is_named_and_no_other_is(two, tmp_path):
    with cluster.joined("auto", workers=2) as joined, pytest.raises(ClusterError, match="4 workers died on the number 7"):
        list(joined.map(Doubling(tmp_path, deadly=7), range(30)))


@needs_ray
def test_what_a_worker_raises_on_purpose_is_raised_here(two, tmp_path):
    with cluster.joined("auto", workers=1) as joined, pytest.raises(BundleError, match="the model is damaged"):
        list(joined.map(Doubling(tmp_path, fault=True), range(3)))
