"""Time of every head, with the settings that `probe` would try: cross-validated on three folds, and fitted once.

Enter: numbers of images, features and families. Leaves: one JSON object on standard output: seconds a head, of the wall
clock and of the processor (on a busy machine, the latter over the cores is what to go by). The features are random
clusters, as their values change nothing about the time.

    python benchmarks/heads.py --images 6346 --features 1280 --families 119
"""

from __future__ import annotations

import argparse
import json
import sys
import time

import numpy as np

from raravis import heads
from raravis.learn.select import select


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=6346)
    parser.add_argument("--features", type=int, default=1280)
    parser.add_argument("--families", type=int, default=119)
    parser.add_argument("--heads", default=",".join(heads.names()))
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    classes = np.arange(options.images) % options.families
    features = rng.normal(size=(options.families, options.features))[classes]
    features = features + 3 * rng.normal(size=features.shape)
    features = (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)
    rows = []
    for name in options.heads.split(","):
        candidates = heads.candidates([name])
        wall, processor = time.perf_counter(), time.process_time()
        found = select(candidates, features, classes, count=options.families, folds=3, objective="macro_f1", seed=0)
        heads.fit(found.options, features, classes, count=options.families, seed=0)
        row = {"head": name, "settings": len(candidates), "wall_s": round(time.perf_counter() - wall, 1)}
        rows.append({**row, "processor_s": round(time.process_time() - processor, 1)})
        print(rows[-1], file=sys.stderr, flush=True)
    total = {key: round(sum(row[key] for row in rows), 1) for key in ("wall_s", "processor_s")}
    print(json.dumps({**vars(options), "rows": rows, **total}))


if __name__ == "__main__":
    main()
