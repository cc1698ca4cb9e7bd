"""Time and memory to group near-duplicate hashes, on data that spread and data that crowd.

Enters: a number of hashes. Leaves: one JSON object on standard output: for each kind of data the seconds, the peak of
resident memory in MiB and the share of planted copies that was found, and the bar. Each kind runs in its own process.

    python benchmarks/near.py --hashes 1000000
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np
from numpy.typing import NDArray

from raravis.data import near

KINDS = ("spread", "identical", "one cluster", "crowded")
BAR_SECONDS = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hashes", type=int, default=1_000_000)
    parser.add_argument("--kind", choices=KINDS, help="run this one alone, in this process")
    options = parser.parse_args()
    if options.kind:
        print(json.dumps(measure(options.kind, options.hashes)))
        return
    rows = []
    for kind in KINDS:
        call = [sys.executable, __file__, "--hashes", str(options.hashes), "--kind", kind]
        rows.append(json.loads(subprocess.run(call, check=True, capture_output=True, text=True).stdout))
        print(rows[-1], file=sys.stderr, flush=True)
    print(json.dumps({"hashes": options.hashes, "bar_seconds": BAR_SECONDS, "kinds": rows}))


def measure(kind: str, count: int) -> dict[str, float | str]:
    words, copies, originals = drawn(kind, count)
    start = time.perf_counter()
    groups = near.groups(words)
    seconds = time.perf_counter() - start
    found = float((groups[copies] == groups[originals]).mean())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"kind": kind, "seconds": round(seconds, 2), "peak_mib": round(memory), "copies_found": found}


def drawn(kind: str, count: int) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
    """Hashes, and which of them are copies (at most 8 bits changed) of which."""
    random = np.random.default_rng(0)
    words = random.integers(0, 2**64, (count, 4), dtype=np.uint64)
    if kind in ("identical", "one cluster"):
        words[:] = words[0]
    if kind == "crowded":  # seven words of ten share half of their first 64 bits
        words[: 7 * count // 10, 0] >>= np.uint64(32)
    copies = np.arange(count // 10)
    originals = random.integers(count // 10, count, len(copies))
    if kind == "one cluster":
        copies = np.arange(count)
        originals = np.zeros(count, np.int64)
    if kind != "identical":
        words[copies] = words[originals]
        for _ in range(3 if kind == "one cluster" else 8):
            words[copies, 0] ^= np.uint64(1) << random.integers(0, 64, len(copies)).astype(np.uint64)
    return words, copies, originals


if __name__ == "__main__":
    main()
