"""How many wrong labels `raravis review` finds: labels are swapped, a probe learns, the list is held to the truth.

Enters: a folder of labelled photographs. Leaves: one JSON object on standard output: how many labels were swapped, and
of the first 50, 100, 200 and as many as were swapped of those listed, the share that was. A swapped label is drawn
evenly among the other families.

    python benchmarks/review.py --data FOLDER --backbone NAME
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import tempfile
from pathlib import Path

import numpy as np

import raravis
from raravis.taxonomy import from_folder


def main() -> None:
    shared = Path(os.environ.get("RARAVIS_SHARED", Path(__file__).parents[2] / "shared"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=shared / "data" / "wildlife")
    parser.add_argument("--backbone", default="mobilenet_edgetpu_1.0_224_imagenet_full")
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if not options.data.is_dir():
        print(json.dumps({"skipped": f"{options.data} is not there; name a folder of photographs with --data"}))
        return
    with tempfile.TemporaryDirectory() as folder:
        table, truth, swapped = Path(folder, "swapped.csv"), *swap(options.data, options.share, options.seed)
        with table.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([("file_path", "family"), *swapped.items()])
        wanted = {"model.backbones": [options.backbone]}
        out = Path(folder, "run")
        raravis.train(str(table), root=options.data, recipe="probe", set=wanted, out=out, seed=options.seed)
        wrong = {path for path, family in swapped.items() if family != truth[path]}
        raravis.review(out, out=Path(folder, "listed"), limit=len(wrong))
        with Path(folder, "listed", "review.csv").open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
    hits = [row["file_path"] in wrong for row in rows]
    right = [truth[row["file_path"]] == row["told"] for row in rows if row["file_path"] in wrong]
    firsts = sorted({*(n for n in (50, 100, 200) if n < len(wrong)), len(wrong)})
    found = {"images": len(truth), "swapped": len(wrong), "seed": options.seed, "backbone": options.backbone}
    precision = {str(n): round(float(np.mean(hits[:n])), 3) for n in firsts}
    print(json.dumps({**found, "precision": precision, "true_family_told": round(float(np.mean(right)), 3)}))


def swap(data: Path, share: float, seed: int) -> tuple[dict[str, str], dict[str, str]]:
    """The family of every photograph by its path, and the same with a share of them changed."""
    paths = [path.relative_to(data).as_posix() for path in sorted(data.glob("*/*"))]
    truth = {path: from_folder(path.split("/")[0])["family"] for path in paths}
    families = sorted(set(truth.values()))
    rng = np.random.default_rng(seed)
    changed = dict(truth)
    for place in rng.permutation(len(paths))[: round(share * len(paths))]:
        path = paths[place]
        changed[path] = str(rng.choice([family for family in families if family != truth[path]]))
    return truth, changed


if __name__ == "__main__":
    main()
