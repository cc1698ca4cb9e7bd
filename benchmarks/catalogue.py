"""Catalogue and audit of real photographs, against only decoding them with Pillow on the same cores.

Enters: a folder of labelled photographs. Leaves: one JSON object on standard output: seconds of each of three
things (the best of some rounds, taken in turns so that a busy machine hurts all alike), and the ratios to the first:
`decode` (Pillow opens and loads every file, on as many threads as there are cores), `catalogue_and_audit` (with
an empty cache of ours), `again` (the catalogue of the unchanged folder).

    python benchmarks/catalogue.py --data FOLDER
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from raravis.data import audit, catalogue
from raravis.data.ahead import cores
from raravis.data.sources import Request

BAR = 1.5


def main() -> None:
    shared = Path(os.environ.get("RARAVIS_SHARED", Path(__file__).parents[2] / "shared"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=shared / "data" / "wildlife")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if not options.data.is_dir():
        print(json.dumps({"skipped": f"{options.data} is not there; name a folder of photographs with --data"}))
        return
    request = Request(str(options.data))
    with tempfile.TemporaryDirectory() as cache:
        os.environ["RARAVIS_CACHE"] = cache
        found = catalogue.read(request, quiet=True)  # warms the system's cache of files and our imports
        paths = [found.root / path for path in found.readable["file_path"]]
    seconds: dict[str, list[float]] = {"decode": [], "catalogue_and_audit": [], "again": []}
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as cache:
            os.environ["RARAVIS_CACHE"] = cache
            seconds["decode"].append(timed(lambda: decode_all(paths)))
            seconds["catalogue_and_audit"].append(
                timed(lambda: audit.findings(catalogue.read(request, quiet=True).table))
            )
            seconds["again"].append(timed(lambda: catalogue.read(request, quiet=True)))
    best = {name: min(times) for name, times in seconds.items()}
    ratios = {name: round(taken / best["decode"], 3) for name, taken in best.items() if name != "decode"}
    rounded = {name: round(taken, 2) for name, taken in best.items()}
    bars = {"catalogue_and_audit": BAR}
    print(json.dumps({"images": len(paths), "cores": cores(), "seconds": rounded, "ratios": ratios, "bars": bars}))


def decode_all(paths: list[Path]) -> None:
    def decode(path: Path) -> None:
        with Image.open(path) as image:
            image.load()

    with ThreadPoolExecutor(cores()) as pool:
        for _ in pool.map(decode, paths):
            pass


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
