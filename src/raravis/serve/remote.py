"""Rows made on many machines: each worker opens the model once, and reads and identifies whole batches.

Enters: a cluster and the folder of a run or bundle. Leaves: a maker of rows for `batch.identify`. The model's files are
sent to the workers, the photographs are not: a worker reads them by the paths that were given, so these must mean the
same on every machine: a shared folder, or addresses in a store.

Batches are cut at the same rows as on one machine, so that the numbers are the same.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Final

from raravis import files
from raravis.cluster import Cluster
from raravis.data import places
from raravis.data.ahead import ahead
from raravis.serve import folder
from raravis.serve.batch import Maker, answered
from raravis.serve.pictures import Look, Picture, look
from raravis.serve.row import Row, printable

_SETTINGS: Final = ("KERAS_BACKEND", "RARAVIS_MAX_PIXELS")
"""Of the environment: what changes the rows is the same on all machines."""


@dataclass(frozen=True)
class Identifier:
    """What a worker needs to identify.

    Attributes:
        model: the files of the run or bundle that identifying needs, by name.
        settings: of the environment.
        top_k: families listed a row.
        readers: threads that read.
        seed: of the engine.
        int8: by the smaller network of a bundle.
        promises: as for `open_predictor`.
    """

    model: Mapping[str, bytes]
    settings: Mapping[str, str]
    top_k: int
    readers: int
    seed: int
    int8: bool
    promises: Mapping[str, float | None]

    def open(self) -> Callable[[list[Picture]], list[Row]]:
        """Open the model, in the worker; batches are read on any thread, and answered one after the other."""
        os.environ.update(self.settings)
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")  # a worker has one core
        from raravis.serve.predictor import open_predictor  # slow to import

        with tempfile.TemporaryDirectory(prefix="raravis-") as place:
            for name, content in self.model.items():
                with files.atomic(Path(place, name)) as stream:
                    stream.write(content)
            predictor = open_predictor(place, seed=self.seed, int8=self.int8, threads=1, **self.promises)
        lock = Lock()

        def read(picture: Picture) -> list[Look]:
            return look(picture, predictor.size, predictor.fit)

        def made(batch: list[Picture]) -> list[Row]:
            with closing(ahead(read, batch, window=max(1, len(batch)), threads=self.readers)) as seen:
                looks = list(chain.from_iterable(seen))
            with lock:
                return answered(predictor, looks, self.top_k)

        return made

    def told(self, piece: list[Picture]) -> str:
        """Name a batch by its photographs."""
        first, last = printable(piece[0].path), printable(piece[-1].path)
        return f"the photograph {first}" if len(piece) == 1 else f"the {len(piece)} photographs from {first} to {last}"


def there(cluster: Cluster, worker: Identifier) -> Maker:
    """Have a cluster make the rows.

    Args:
        cluster: that was joined.
        worker: what each of its workers opens.
    """

    def made(pictures: Iterable[Picture], batch_size: int) -> Generator[list[Row]]:
        with closing(cluster.map(worker, pieces(pictures, batch_size))) as found:
            yield from found

    return made


def opener(
    model: Path | str,
    *,
    top_k: int,
    jobs: int = 0,
    seed: int = 0,
    int8: bool = False,
    promises: Mapping[str, float | None],
) -> Identifier:
    """Gather what workers need to open a model.

    Args:
        model: the folder of a run or bundle that opens.
        top_k: families listed a row.
        jobs: threads that read photographs in each worker; 0 for `places.READERS`.
        seed: of the engine.
        int8: by the smaller network of a bundle.
        promises: as for `open_predictor`.
    """
    settings = {name: os.environ[name] for name in _SETTINGS if name in os.environ}
    return Identifier(_files(Path(model)), settings, top_k, jobs or places.READERS, seed, int8, dict(promises))


def pieces(pictures: Iterable[Picture], batch_size: int) -> Iterator[list[Picture]]:
    """Cut photographs into batches of `batch_size` rows; one whose rows lie in two batches stands in both.

    Paths of files become absolute, as workers have folders of their own.
    """
    batch: list[Picture] = []
    free = batch_size
    for one in pictures:
        path = one.path if places.is_address(one.path) else os.path.join(os.getcwd(), one.path)  # noqa: PTH109, PTH118
        start, stop = one.skipped, len(one.rows)
        while start < stop:
            until = min(start + free, stop)
            batch.append(replace(one, path=path, skipped=start, until=until))
            free -= until - start
            start = until
            if not free:
                yield batch
                batch, free = [], batch_size
    if batch:
        yield batch


def _files(path: Path) -> dict[str, bytes]:
    """What identifying needs of a run or bundle."""
    if folder.is_bundle(path):
        return folder.Folder.open(path).part(folder.MODEL, folder.INT8, folder.TRUST)
    from raravis import run  # slow to import

    names = (run.RECIPE, run.SPLIT, run.ENVIRONMENT, run.STATUS, run.MODEL, run.TRUST)
    return {name: (path / name).read_bytes() for name in names if (path / name).is_file()}
