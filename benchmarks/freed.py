"""Training while glibc keeps freed memory (`engine._keep_freed_memory`) against training while it hands it back.

Leaves: one JSON object on standard output: seconds of the second and later epochs of `quick` on the bestiary, both
ways by turns, each in a process of its own, and the ratio of their medians. How much it is depends on the machine, on
what a page of memory costs there.

    python benchmarks/freed.py --rounds 3
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

WAYS = {"kept": {}, "handed back": {"MALLOC_TOP_PAD_": "131072"}}
"""128 KiB is what glibc does by itself."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_args()
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as name:
        split = Path(name) / "split.csv"
        _raravis({}, "split", "bestiary", "--out", str(split))
        for turn in range(options.rounds):
            for way, said in WAYS.items():
                run = Path(name) / f"{way}-{turn}"
                training = ("train", "bestiary", "--recipe", "quick", "--split", str(split), "--out", str(run))
                _raravis(said, *training, "--set", f"train.epochs={options.epochs}")
                seconds[way] += _epochs(run)[1:]
    kept, back = (statistics.median(seconds[way]) for way in WAYS)
    print(json.dumps({"seconds": seconds, "handed back / kept": round(back / kept, 3)}))


def _raravis(said: dict[str, str], *arguments: str) -> None:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    command = [sys.executable, "-m", "raravis", *arguments]
    subprocess.run(command, env=plain | said, check=True, stdout=subprocess.DEVNULL)


def _epochs(run: Path) -> list[float]:
    with (run / "history.csv").open(encoding="utf-8", newline="") as stream:
        return [float(row["seconds"]) for row in csv.DictReader(stream)]


if __name__ == "__main__":
    main()
