"""Speed of training: from the store, from one resident batch (the limit), and by a plain Keras script (the peer).

Enters: a folder of labelled photographs, or the bestiary. Leaves: one JSON object on standard output: images a second
of each way, the ratios, and the bars that they are held to.

The three ways train the same network behind the same augmentation, in one process. They take turns: an epoch of one,
then an epoch of the next. What else the machine does meanwhile thus slows all of them alike, and every ratio is the
median over rounds of neighbours in time. The first epoch (compiling) does not count.

    python benchmarks/training.py --sizes 96,224 --images 640 --rounds 3
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from raravis import augmentations, engine, models
from raravis.data import catalogue
from raravis.data.pixels import PixelStore, open_store
from raravis.data.sources import Request
from raravis.learn.batches import Batches
from raravis.learn.learner import Learner

keras = engine.keras()

BATCH = 64
BARS = {"store / resident batch": 0.95, "store / plain Keras script": 1.0}


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        os.environ["RARAVIS_CACHE"] = str(work / "cache")
        table, folder = _images(options.data, options.images, work / "images")
        rows = []
        for size in map(int, options.sizes.split(",")):
            speeds = _race(_ways(table, folder, size), options.rounds, len(table))
            rows.append(_row(size, speeds))
            print(_line(rows[-1]), file=sys.stderr, flush=True)
    print(json.dumps({"images": len(table), "batch": BATCH, "rounds": options.rounds, "bars": BARS, "sizes": rows}))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wildlife = Path(os.environ.get("RARAVIS_SHARED", Path(__file__).parents[2] / "shared")) / "data" / "wildlife"
    parser.add_argument("--data", default=str(wildlife) if wildlife.is_dir() else "bestiary")
    parser.add_argument("--images", type=int, default=640)
    parser.add_argument("--sizes", default="96,224")
    parser.add_argument("--rounds", type=int, default=3, help="epochs that count")
    return parser.parse_args()


def _images(data: str, count: int, folder: Path) -> tuple[pd.DataFrame, Path]:
    """Copy `count` images, of as many families as there are, into `family/` folders, and catalogue the copies."""
    if data == "bestiary":
        found = catalogue.read(Request(data), quiet=True)
        paths = [found.root / path for path in found.readable["file_path"]]
        files = list(zip(found.readable["family"], paths, strict=True))
    else:
        files = [(path.parent.name, path) for path in sorted(Path(data).glob("*/*.jp*g"))]
    step = max(1, len(files) // count)
    for number, (family, path) in enumerate(files[::step][:count]):
        (folder / family).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / family / f"{number}.jpg")
    return catalogue.read(Request(str(folder)), quiet=True).readable, folder


def _ways(table: pd.DataFrame, folder: Path, size: int) -> dict[str, tuple[Any, Any]]:
    """The three ways by name: a compiled learner and what its `fit` is given."""
    store: PixelStore = open_store(table, folder, size=size, quiet=True)
    families = sorted(path.name for path in folder.iterdir())
    classes = np.array([families.index(Path(path).parts[0]) for path in table["file_path"]], np.int64)
    rows = store.rows(table["image_id"].tolist())
    batches = Batches(store, rows, classes, count=len(families), batch_size=BATCH, seed=0)
    plain = keras.utils.image_dataset_from_directory(
        folder, label_mode="categorical", image_size=(size, size), batch_size=BATCH, seed=0, verbose=False
    )
    resident = _Resident(*(keras.ops.convert_to_tensor(part) for part in batches[0]), length=len(batches))
    return {
        "store": (_learner(len(families), size), batches),
        "resident batch": (_learner(len(families), size), resident),
        "plain Keras script": (_plain_learner(len(families), size), plain),
    }


class _Resident(keras.utils.PyDataset):  # type: ignore[name-defined]
    """One batch, in memory as tensors, given again and again."""

    def __init__(self, *batch: Any, length: int) -> None:
        super().__init__()
        self._batch, self._length = batch, length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return self._batch


def _learner(classes: int, size: int) -> Any:
    options = models.options_of("basic_cnn")(name="basic_cnn")
    learner = Learner(models.build(options, classes=classes, size=size), augmentations.layers("one", 0))
    return _compiled(learner)


def _plain_learner(classes: int, size: int) -> Any:
    """The same layers as one would write them down."""
    layers = keras.layers
    sequence = [
        keras.Input((size, size, 3)),
        layers.RandomBrightness(0.2, value_range=(0, 255)),
        layers.RandomFlip("horizontal"),
        layers.RandomZoom(0.2, fill_mode="reflect"),
        layers.RandomErasing(factor=(0.5, 0.5), scale=(0.02, 0.2), fill_value=127.5, value_range=(0, 255)),
        layers.Rescaling(1 / 255),
    ]
    for filters in (32, 64):
        sequence += [
            layers.Conv2D(filters, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
        ]
    sequence += [layers.Flatten(), layers.Dropout(0.5), layers.Dense(classes)]
    return _compiled(keras.Sequential(sequence))


def _compiled(learner: Any) -> Any:
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    learner.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    return learner


class _Turns(keras.callbacks.Callback):  # type: ignore[name-defined]
    """Lets an epoch begin when it is this learner's turn, times it, and passes the turn on."""

    def __init__(self, mine: threading.Semaphore, following: threading.Semaphore) -> None:
        super().__init__()
        self._mine, self._following = mine, following
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._mine.acquire()
        self._begun = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.seconds.append(time.perf_counter() - self._begun)
        self._following.release()


def _race(ways: dict[str, tuple[Any, Any]], rounds: int, images: int) -> dict[str, list[float]]:
    """Images a second of every way in every round that counts."""
    turns = [threading.Semaphore(0) for _ in ways]
    clocks = {name: _Turns(turns[i], turns[(i + 1) % len(ways)]) for i, name in enumerate(ways)}

    def train(name: str) -> Callable[[], None]:
        learner, data = ways[name]
        return lambda: learner.fit(data, epochs=rounds + 1, verbose=0, shuffle=False, callbacks=[clocks[name]])

    threads = [threading.Thread(target=train(name), daemon=True) for name in ways]
    for thread in threads:
        thread.start()
    turns[0].release()
    for thread in threads:
        thread.join()
    return {name: [images / seconds for seconds in clock.seconds[1:]] for name, clock in clocks.items()}


def _row(size: int, speeds: dict[str, list[float]]) -> dict[str, Any]:
    def over(other: Sequence[float]) -> list[float]:
        return [round(a / b, 3) for a, b in zip(speeds["store"], other, strict=True)]

    rounds = {name: over(speeds[name.removeprefix("store / ")]) for name in BARS}
    ratios = {name: round(statistics.median(some), 3) for name, some in rounds.items()}
    return {
        "size": size,
        "images_per_second": {name: round(statistics.median(some), 1) for name, some in speeds.items()},
        "ratios": ratios,
        "ratios_by_round": rounds,
        "met": all(ratios[name] >= bar for name, bar in BARS.items()),
    }


def _line(row: dict[str, Any]) -> str:
    speeds = " · ".join(f"{name} {speed:.1f}" for name, speed in row["images_per_second"].items())
    ratios = " · ".join(f"{name} = {value:.2f}" for name, value in row["ratios"].items())
    return f"{row['size']} px, images/s: {speeds}\n{row['size']} px: {ratios}"


if __name__ == "__main__":
    main()
