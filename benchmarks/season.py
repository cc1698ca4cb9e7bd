"""A season of pictures: memory after 20,000 photographs against that after 1,000, and 100,000 names listed.

Leaves: one JSON object on standard output. Photographs of the bestiary, each given many times, are decoded for real;
the model is a mean colour, so that what is seen is raravis's own, or a bundle where one is named. Resident memory
(MiB) is the highest of what is read while the model is asked and of what is left after the output was written, in a
process of its own for each call. The bar: a call with 20,000 photographs takes at most 5% more than one with 1,000.

    python benchmarks/season.py --photographs 20000 [--bundle BUNDLE]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

EARLY = 1000
ALLOWED = 0.05
FORMATS = ("raravis", "megadetector", "parquet")
FAMILIES = tuple(f"family {number:03}" for number in range(100))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=int, default=20_000)
    parser.add_argument("--names", type=int, default=100_000)
    parser.add_argument("--bundle", default="", help="the model; a mean colour when not given")
    parser.add_argument("--child", nargs=2, metavar=("FORMAT", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(_season(options.child[0], Path(options.child[1]), options.photographs, options.bundle)))
        return
    from raravis.data.sources import bestiary

    with tempfile.TemporaryDirectory() as name:
        bestiary.draw(Path(name) / "bestiary", share=0.05, quiet=True)
        rows = [_compared(format, name, options.photographs, options.bundle) for format in FORMATS]
        listed = _listed(Path(name) / "names", options.names)
    told = {"photographs": options.photographs, "bar": ALLOWED, "rows": rows}
    print(json.dumps({**told, "names": options.names, "listing_seconds": listed}))


@dataclass
class Colours:
    """A predictor that goes by the mean colour."""

    families: tuple[str, ...] = FAMILIES
    size: int = 224
    fit: Any = "squash"

    def answer(self, batch: NDArray[np.uint8]) -> Any:
        """Some probabilities for RGB `uint8` `(B, size, size, 3)`."""
        from raravis.serve.predictor import Answer

        scores = np.outer(batch.mean((1, 2, 3)) + 1, np.arange(1, len(FAMILIES) + 1, dtype=np.float32))
        return Answer((scores / scores.sum(axis=1, keepdims=True)).astype(np.float32))


class Watched:
    """A predictor whose memory is noted whenever it is asked."""

    def __init__(self, predictor: Any) -> None:
        self._predictor, self.resident = predictor, list[float]()
        self.families, self.size, self.fit = predictor.families, predictor.size, predictor.fit

    def answer(self, batch: NDArray[np.uint8]) -> Any:
        """What the predictor says."""
        self.resident.append(_resident())
        return self._predictor.answer(batch)


def _season(format: str, folder: Path, count: int, bundle: str) -> dict[str, Any]:
    """Identify `count` photographs into one file."""
    import raravis

    found = sorted(map(str, (folder / "bestiary").glob("*/*.*")))
    paths: Sequence[str] = [found[number % len(found)] for number in range(count)]
    from raravis.serve.bundle import open_bundle

    model, batch = Watched(open_bundle(bundle) if bundle else Colours()), 32
    begun = time.perf_counter(), time.process_time()
    raravis.predict(model, paths, out=folder / f"out.{format}", format=format, batch_size=batch, quiet=True)
    wall, busy = time.perf_counter() - begun[0], time.process_time() - begun[1]
    return {
        "mib": max(*model.resident, _resident()),
        "photographs_a_second": round(count / wall),
        "cpu_ms_a_photograph": round(1000 * busy / count, 2),
    }


def _compared(format: str, folder: str, count: int, bundle: str) -> dict[str, Any]:
    """One call with few photographs against one with many."""
    few, many = (_child(format, folder, number, bundle) for number in (EARLY, count))
    growth = many["mib"] / few["mib"] - 1
    found = {"format": format, "mib": [round(few["mib"]), round(many["mib"])], "growth": round(growth, 4)}
    return {**found, "met": growth <= ALLOWED, **{name: many[name] for name in many if name != "mib"}}


def _child(format: str, folder: str, count: int, bundle: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--photographs", str(count), "--bundle", bundle, "--child", format, folder]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def _listed(folder: Path, count: int) -> float:
    """Seconds to list `count` names in folders of a thousand."""
    from raravis.serve.inputs import expand

    for number in range(count):
        if number % 1000 == 0:
            (folder / f"{number // 1000:04}").mkdir(parents=True)
        (folder / f"{number // 1000:04}" / f"{number % 1000:04}.jpg").touch()
    begun = time.perf_counter()
    assert len(expand([folder]).files) == count
    return round(time.perf_counter() - begun, 2)


def _resident() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss) / 2**20


if __name__ == "__main__":
    main()
