"""Memory while training from the store and while predicting, with N images and with ten times as many.

Leaves: one JSON object on standard output. Each figure is the peak resident memory (MiB) of a process of its own that
trains `basic_cnn` for two epochs, or that writes predictions; the images (noise, JPEG) are made beforehand. The bar:
ten times the images cost less than a tenth more memory.

    python benchmarks/memory.py --images 400
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

SIZE = 32
FAMILIES = ("canidae", "felidae")
ALLOWED = 0.10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--child", nargs=2, metavar=("WHAT", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        what, folder = options.child
        print(json.dumps({"peak": {"train": _train, "predict": _predict}[what](Path(folder))}))
        return
    rows = []
    with tempfile.TemporaryDirectory() as name:
        os.environ["RARAVIS_CACHE"] = str(Path(name) / "cache")
        few, many = (_made(Path(name) / str(count), count) for count in (options.images, 10 * options.images))
        for what in ("train", "predict"):
            small, large = (_peak(what, folder) for folder in (few, many))
            rows.append(
                {
                    "what": what,
                    "mib": [round(small), round(large)],
                    "growth": round(large / small - 1, 3),
                    "met": large / small - 1 < ALLOWED,
                }
            )
    print(json.dumps({"images": [options.images, 10 * options.images], "size": SIZE, "bar": ALLOWED, "rows": rows}))


def _made(folder: Path, count: int) -> Path:
    """Lay out `count` small photographs of noise below `folder/images/FAMILY/`, with a catalogue and a store."""
    from PIL import Image

    random = np.random.default_rng(0)
    for family in FAMILIES:
        (folder / "images" / family).mkdir(parents=True)
    for number in range(count):
        pixels = random.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / FAMILIES[number % 2] / f"{number}.jpg", quality=80)
    _opened(folder)
    return folder


def _opened(folder: Path) -> tuple[Any, Any]:
    """The readable rows of the images, and the store of their pixels."""
    from raravis.data import catalogue
    from raravis.data.pixels import open_store
    from raravis.data.sources import Request

    found = catalogue.read(Request(str(folder / "images")), quiet=True)
    return found.readable, open_store(found.readable, found.root, size=SIZE, quiet=True)


def _peak(what: str, folder: Path) -> float:
    command = [sys.executable, __file__, "--child", what, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout.splitlines()[-1])["peak"])


def _train(folder: Path) -> float:
    """Two epochs in a run folder of its own; peak memory of this process in MiB."""
    from raravis import files, recipe
    from raravis.learn.fit import Part, fit
    from raravis.run import Run

    table, store = _opened(folder)
    table = table.assign(split=["val" if i % 10 == 0 else "train" for i in range(len(table))])
    text = table[["image_id", "file_path", "family", "split"]].to_csv(index=False)
    changes = {"data.size": SIZE, "model.filters": [8, 8], "train.epochs": 2, "train.patience": 0}
    run = Run.create(files.folder(folder / "run"), recipe.load("basic_cnn", changes), text.encode(), {})
    parts = {}
    for side in ("train", "val"):
        some = table[table["split"] == side]
        classes = np.array([FAMILIES.index(family) for family in some["family"]], np.int64)
        parts[side] = Part(store.rows(some["image_id"].tolist()), classes)
    with run.exclusive():
        from raravis.run import MODEL, save_model

        save_model(fit(run, store, parts, quiet=True).model, run.path / MODEL)
    run.set_status("finished")
    return _highest()


def _predict(folder: Path) -> float:
    import raravis

    raravis.predict(folder / "run", [str(folder / "images")], out=folder / "predictions.csv", quiet=True)
    return _highest()


def _highest() -> float:
    """Peak resident memory of this process so far, MiB."""
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


if __name__ == "__main__":
    main()
