"""What a map costs: each method of attribution beside one forward pass of the same network on the same photograph.

Enters: a run. Leaves: one JSON object on standard output: milliseconds of a forward pass and of a map by each method,
the median of rounds in turns, and how many passes each map takes as long as.

    python benchmarks/explain.py RUN
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import raravis
from raravis.errors import UsageError
from raravis.explaining import attribution
from raravis.run import Run

BAR = 3.0
"""Passes that a class activation map may take as long as; the others look at many copies of the photograph."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", help="a run; a small one of the bestiary when not given")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(_measured(Run.open(options.run or _small(Path(folder))), options.rounds)))


def _small(folder: Path) -> Path:
    settings = {"train.epochs": 1}
    return raravis.train("bestiary", recipe="quick", set=settings, out=folder / "run", quiet=True).out


def _measured(run: Run, rounds: int) -> dict[str, Any]:
    network, size = run.load_model(), run.recipe.data.size
    pixels = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
    work: dict[str, Callable[[], Any]] = {"forward pass": lambda: network.predict_on_batch(pixels[None])}
    left_out = {}
    for name in attribution.names():
        try:
            work[name] = _map(attribution.prepare(name, network), pixels)
        except UsageError as error:
            left_out[name] = str(error).splitlines()[0]
    for once in work.values():
        once()
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, once in work.items():
            begun = time.perf_counter()
            once()
            seconds[name].append(time.perf_counter() - begun)
    took = {name: statistics.median(values) for name, values in seconds.items()}
    passes = {name: round(value / took["forward pass"], 2) for name, value in took.items() if name != "forward pass"}
    return {
        "run": run.path.name,
        "network": network.name,
        "pixels": size,
        "milliseconds": {name: round(1000 * value, 2) for name, value in took.items()},
        "map / forward pass": passes,
        "left out": left_out,
        "bar": BAR,
        "met": all(value <= BAR for name, value in passes.items() if "cam" in name),
    }


def _map(method: Callable[..., Any], pixels: Any) -> Callable[[], Any]:
    return lambda: method(pixels, 0)


if __name__ == "__main__":
    main()
