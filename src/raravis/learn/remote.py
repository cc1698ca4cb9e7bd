"""Embeddings computed on many machines: each worker takes over the network once, and is sent images.

Enters: a cluster, a network from images to features, batches of pixels. Leaves: the features of each batch, in order,
which the caller keeps in its cache.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis import engine, files, runtimes
from raravis.cluster import Cluster
from raravis.errors import RaravisError

_SAMPLE: Final = 32
"""Images on which a worker compares runtimes."""
_FILE: Final = "network.keras"


@dataclass(frozen=True)
class Embedder:
    """What a worker needs to embed.

    Attributes:
        network: the bytes of a `.keras` file: RGB 0–255 `(B, H, W, 3)` → `(B, D)`.
        images: how many a worker will have.
        settings: of the environment.
    """

    network: bytes
    images: int
    settings: Mapping[str, str]

    def open(self) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
        """Take over the network, in the worker; batches are computed one after the other.

        What runs it fastest there is found on the first batch.
        """
        os.environ.update(self.settings)
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")  # a worker has one core
        keras = engine.keras()
        with tempfile.TemporaryDirectory(prefix="raravis-") as place:
            with files.atomic(Path(place, _FILE)) as stream:
                stream.write(self.network)
            network = keras.saving.load_model(Path(place, _FILE), compile=False)
        calls: list[runtimes.Runner] = []
        lock = Lock()

        def call(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
            with lock:
                if not calls:
                    chosen = runtimes.fastest(network, pixels[:_SAMPLE], images=self.images, quiet=True)
                    calls.append(chosen.call)
                return calls[0](pixels)

        return call

    def told(self, piece: NDArray[np.uint8]) -> str:
        """Name a batch."""
        return f"a batch of {len(piece)} images"


def embedded(
    cluster: Cluster, network: Any, batches: Iterable[NDArray[np.uint8]], *, images: int
) -> Generator[NDArray[np.float32]]:
    """The features of each batch, float32 `(B, D)`, in order.

    Args:
        cluster: that was joined.
        network: a Keras model, RGB 0–255 `(B, H, W, 3)` → `(B, D)`.
        batches: uint8 `(B, H, W, 3)`, read as far ahead as there is work for.
        images: how many there are in all.

    Raises:
        RaravisError: the network cannot be written down.
        ClusterError: workers keep dying.
    """
    settings = {name: os.environ[name] for name in ("KERAS_BACKEND",) if name in os.environ}
    with tempfile.TemporaryDirectory(prefix="raravis-") as place:
        try:
            network.save(Path(place, _FILE))
        except (ValueError, TypeError, OSError) as error:
            raise RaravisError(f"The network cannot be sent to workers: {error}.") from error
        content = Path(place, _FILE).read_bytes()
    opener = Embedder(content, -(-images // cluster.workers), settings)
    with closing(cluster.map(opener, batches)) as found:
        yield from found
