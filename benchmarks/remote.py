"""What one core does of a worker's work: photographs read, decoded and identified, in seconds of processor time.

    python benchmarks/remote.py BUNDLE PHOTOS [--images 512]

Runs the very function that a worker of `raravis predict --ray` runs, in this process, and prints images for each second
of processor time, which other work on the machine changes little. docs/many-machines.md computes with it.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from raravis.serve import inputs, remote
from raravis.serve.pictures import Pictures


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle", type=Path)
    parser.add_argument("photos")
    parser.add_argument("--images", type=int, default=512)
    asked = parser.parse_args()
    paths = inputs.expand([asked.photos]).files[: asked.images]
    call = remote.opener(asked.bundle, top_k=5, promises={}).open()
    batches = list(remote.pieces(Pictures(paths).after(0), 32))
    call(batches[0])
    begun = time.process_time()
    rows = [row for batch in batches for row in call(batch)]
    seconds = time.process_time() - begun
    mean = sum(Path(path).stat().st_size for path in paths) / len(paths)
    print(f"{len(rows)} photographs of {mean / 1024:.0f} KiB: {len(rows) / seconds:.1f} a second of one core")
    size = sum(len(content) for content in remote.opener(asked.bundle, top_k=5, promises={}).model.values())
    print(f"the model that is sent to each machine: {size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
