"""What verdicts cost: novelty, sets and roll-up beside the network's own time for the same images.

Enters: a run. Leaves: one JSON object on standard output: milliseconds an image of the network and of the verdicts, the
median of rounds in turns, and their ratio.

    python benchmarks/trust.py RUN
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
from raravis.run import Run

BAR = 0.02


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", help="a run with trust.npz; a small one of the bestiary when not given")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(_measured(Run.open(options.run or _small(Path(folder))), options.batch, options.rounds)))


def _small(folder: Path) -> Path:
    settings = {"train.epochs": 1}
    return raravis.train("bestiary", recipe="quick", set=settings, out=folder / "run", quiet=True).out


def _measured(run: Run, batch: int, rounds: int) -> dict[str, Any]:
    from raravis.learn.infer import seeing

    see, trust, size = seeing(run.load_model()), run.load_trust(), run.recipe.data.size
    if trust is None:
        raise SystemExit(f"{run.path} has no trust.npz; train it again.")
    pixels = np.random.default_rng(0).integers(0, 256, (batch, size, size, 3), np.uint8)
    seen = see(pixels)
    trust.judge(seen)
    network, verdicts = [], []
    for _ in range(rounds):
        network.append(_timed(lambda: see(pixels)))
        verdicts.append(_timed(lambda: trust.judge(seen)))
    told = {"network": statistics.median(network), "verdicts": statistics.median(verdicts)}
    return {
        "run": run.path.name,
        "features": int(seen.features.shape[1]),
        "milliseconds an image": {name: round(1000 * seconds / batch, 3) for name, seconds in told.items()},
        "verdicts / network": round(told["verdicts"] / told["network"], 4),
        "bar": BAR,
    }


def _timed(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
