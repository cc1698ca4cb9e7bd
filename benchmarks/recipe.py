"""Speed of a whole recipe: `probe`, from files to figures, against its backbone's bare forward passes.

Enters: a folder of labelled photographs, or the bestiary. Leaves: one JSON object on standard output: seconds of each
way, the ratios, and the bars that they are held to.

In one process and one empty cache: half of the bare passes (Keras, float32, decoded images that are resident), the
recipe (decode, embed, cross-validate, fit, evaluate), a second recipe on the same backbone, the other half of the bare
passes; then two epochs of the study's recipe for frozen backbones, which shows every image to the backbone in every
epoch; the second of them counts twelve times. What the machine does meanwhile is thus seen from both sides.

    python benchmarks/recipe.py --backbone MobileNetV2
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import raravis
from raravis import backbones, engine
from raravis.data import catalogue
from raravis.data.pixels import open_store
from raravis.data.sources import Request
from raravis.run import Run

FROZEN = "mobilenet_edgetpu_1.0_224_imagenet_full"
"""The better of the two backbones that results.md is about."""

BATCH = 64
EPOCHS = 12
"""Of the study's recipe."""

BARS = {"recipe / bare passes": 1.15, "second recipe, seconds": 60, "study / recipe": 10}


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        split, frozen = work / "split.csv", options.backbone
        os.environ["RARAVIS_CACHE"] = str(work / "decoded")
        images = _decoded(options.data, options.size)
        os.environ["RARAVIS_CACHE"] = str(work / "cache")
        raravis.split(options.data, out=split, quiet=True)
        bare = _bare(frozen, options.size)
        bare(images[:BATCH])
        half = len(images) // 2
        passes = _timed(lambda: bare(images[:half]))
        recipe = _timed(lambda: _probed(options, split, work / "first", ["lda", "logistic"]))
        second = _timed(lambda: _probed(options, split, work / "second", ["knn", "prototype", "logistic"]))
        passes += _timed(lambda: bare(images[half:]))
        study = EPOCHS * _epoch(options, split, work / "study")
    seconds = {"bare passes": passes, "recipe": recipe, "second recipe": second, f"study, {EPOCHS} epochs": study}
    measured = {
        "recipe / bare passes": recipe / passes,
        "second recipe, seconds": second,
        "study / recipe": study / recipe,
    }
    told = {
        "backbone": frozen,
        "images": len(images),
        "size": options.size,
        "seconds": {what: round(value, 1) for what, value in seconds.items()},
        "measured": {what: round(value, 2) for what, value in measured.items()},
        "bars": BARS,
    }
    print(json.dumps(told))


def _options() -> argparse.Namespace:
    shared = Path(os.environ.get("RARAVIS_SHARED", Path(__file__).parents[2] / "shared"))
    if (shared / "weights").is_dir():
        os.environ.setdefault("RARAVIS_WEIGHTS", str(shared / "weights"))
    wildlife = shared / "data" / "wildlife"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=str(wildlife) if wildlife.is_dir() else "bestiary")
    parser.add_argument("--backbone", default=FROZEN)
    parser.add_argument("--size", type=int, default=224)
    return parser.parse_args()


def _timed(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _weights(backbone: str) -> str:
    return "imagenet" if backbone in backbones.at_hand() else "none"


def _decoded(data: str, size: int) -> NDArray[np.uint8]:
    """All readable images, resident."""
    found = catalogue.read(Request(data, None, None, None), quiet=True)
    store = open_store(found.readable, found.root, size=size, quiet=True)
    return store.read(found.readable["image_id"].drop_duplicates().tolist())


def _bare(backbone: str, size: int) -> Callable[[NDArray[np.uint8]], None]:
    """What shows images to the backbone in Keras, and nothing else."""
    model = backbones.extractor(backbone, size=size, weights=_weights(backbone))
    model.trainable = False

    def passes(images: NDArray[np.uint8]) -> None:
        for start in range(0, len(images), BATCH):
            batch = engine.keras().ops.convert_to_tensor(images[start : start + BATCH], dtype="float32")
            np.asarray(model.predict_on_batch(batch))

    return passes


def _probed(options: argparse.Namespace, split: Path, out: Path, heads: list[str]) -> None:
    source = {"name": options.backbone, "weights": _weights(options.backbone)}
    changes = {"model.backbones": [source], "model.heads": heads, "data.size": options.size}
    raravis.train(options.data, recipe="probe", set=changes, split=split, out=out, quiet=True)
    raravis.evaluate(out, quiet=True)


def _epoch(options: argparse.Namespace, split: Path, out: Path) -> float:
    """Seconds of an epoch of the study's recipe for frozen backbones, with this backbone in the place of ResNet50."""
    changes = {
        "model.backbone": options.backbone,
        "model.weights": _weights(options.backbone),
        "model.hidden": 256,
        "model.dropout": 0.5,
        "augment.pipeline": "one",
        "sample.share": 0.8,
        "train.epochs": 2,
        "train.patience": 0,
        "data.size": options.size,
    }
    raravis.train(options.data, recipe="frozen", set=changes, split=split, out=out, quiet=True)
    return float(Run.open(out).history["seconds"].iloc[-1])


if __name__ == "__main__":
    main()
