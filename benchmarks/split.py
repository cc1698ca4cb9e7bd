"""Time and memory to split a catalogue of a million images, by every policy.

Enters: a number of images. Leaves: one JSON object on standard output: for each policy the seconds, the peak of
resident memory in MiB (table and interpreter included), the shares that came out and the digest, and the bars. Each
policy runs in its own process.

    python benchmarks/split.py --images 1000000
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from raravis.data import split

BARS = {"seconds": 15, "peak_mib": 2048}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--policy", choices=split.POLICIES, help="run this one alone, in this process")
    options = parser.parse_args()
    if options.policy:
        print(json.dumps(measure(options.policy, options.images)))
        return
    rows = []
    for policy in split.POLICIES:
        call = [sys.executable, __file__, "--images", str(options.images), "--policy", policy]
        rows.append(json.loads(subprocess.run(call, check=True, capture_output=True, text=True).stdout))
        print(rows[-1], file=sys.stderr, flush=True)
    print(json.dumps({"images": options.images, "bars": BARS, "policies": rows}))


def measure(policy: str, count: int) -> dict[str, Any]:
    table, groups = drawn(count)
    start = time.perf_counter()
    made = split.assign(table, groups, policy=policy)
    digest = made.digest
    seconds = time.perf_counter() - start
    shares = made.table["split"].value_counts(normalize=True).round(4).to_dict()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "policy": policy,
        "seconds": round(seconds, 2),
        "peak_mib": round(memory),
        "shares": shares,
        "digest": digest,
    }


def drawn(count: int) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """A long-tailed catalogue of 500 families with about 20 species each, a tenth of it in groups of copies."""
    random = np.random.default_rng(0)
    weights = 1 / np.arange(1, 501) ** 0.8
    family = random.choice(500, count, p=weights / weights.sum())
    table = pd.DataFrame(
        {
            "image_id": [hashlib.sha256(str(i).encode()).hexdigest() for i in range(count)],
            "file_path": [f"images/{i}.jpg" for i in range(count)],
            "family": np.char.add("family", family.astype(str)).astype(object),
            "phylum": np.char.add("phylum", (family % 9).astype(str)).astype(object),
            "species": np.char.add("species", random.integers(0, 20, count).astype(str)).astype(object),
        }
    )
    groups = np.full(count, -1, np.int64)
    copies = random.permutation(count)[: count // 10]
    kind = pd.factorize(table["family"] + table["species"])[0]
    ordered = copies[np.argsort(kind[copies], kind="stable")]
    twins = ordered[: len(ordered) // 2 * 2].reshape(-1, 2)
    twins = twins[kind[twins[:, 0]] == kind[twins[:, 1]]]
    groups[twins] = np.arange(len(twins))[:, None]
    return table, groups


if __name__ == "__main__":
    main()
