"""Identification by a bundle: over JPEG files against a bare loop and against Keras, and the time to a first answer.

`raravis.predict` with a bundle reads files, decodes, asks the network, judges how far to believe it, and writes rows
that survive a kill. Its peers, in turns, on the same images, with the same network:

    bare     ONNX Runtime on arrays that are decoded already, logits alone, with its own default options
    keras    `model.predict` over `keras.utils.image_dataset_from_directory`, TensorFlow

Leaves: one JSON object on standard output; ratios are medians over rounds of (images a second of predict) / (of the
peer). Bars: 0.85 of bare, 2 × keras, a first answer 2 s after the process starts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

BARE, KERAS, FIRST = 0.85, 2.0, 2.0
BATCH = 32
START = """
import sys, time
from raravis.serve.predictor import open_predictor
from raravis.data import decode
made = open_predictor(sys.argv[1])
image = decode.pixels(open(sys.argv[2], "rb").read(), made.size, made.fit)
made.answer(image[None])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("images", type=Path, help="A folder of JPEG files.")
    parser.add_argument("--run", type=Path, help="The run that the bundle was made of; without it, no Keras.")
    parser.add_argument("--count", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--starts", type=int, default=5)
    given = parser.parse_args()
    paths = sorted(given.images.rglob("*.jpg"))[: given.count]
    with tempfile.TemporaryDirectory() as folder:
        turns = {"predict": _predict(given.bundle, paths, Path(folder)), "bare": _bare(given.bundle, paths)}
        if given.run is not None:
            turns["keras"] = _keras(given.run, paths, Path(folder))
        speeds = _race(turns, len(paths), given.rounds)
    ratios = {
        peer: statistics.median(a / b for a, b in zip(speeds["predict"], speeds[peer], strict=True))
        for peer in turns
        if peer != "predict"
    }
    first = [_first(given.bundle, paths[0]) for _ in range(given.starts)]
    found = {
        "images": len(paths),
        "images_per_second": {name: [round(x, 1) for x in some] for name, some in speeds.items()},
        "of_bare": round(ratios["bare"], 3),
        "of_keras": round(ratios["keras"], 3) if "keras" in ratios else None,
        "first_answer_seconds": round(min(first), 2),
        "first_answers": [round(x, 2) for x in first],
        "bars": {"of_bare": BARE, "of_keras": KERAS, "first_answer_seconds": FIRST},
        "met": ratios["bare"] >= BARE and ratios.get("keras", KERAS) >= KERAS and min(first) <= FIRST,
    }
    print(json.dumps(found))


def _predict(bundle: Path, paths: list[Path], folder: Path) -> Callable[[], Any]:
    import raravis
    from raravis.serve.bundle import open_bundle

    made = open_bundle(bundle)
    return lambda: raravis.predict(made, paths, out=folder / "rows.csv", batch_size=BATCH, quiet=True)


def _bare(bundle: Path, paths: list[Path]) -> Callable[[], Any]:
    from raravis.data import decode
    from raravis.serve.bundle import open_bundle

    made = open_bundle(bundle)
    images = np.stack([decode.pixels(path.read_bytes(), made.size, made.fit) for path in paths])
    onnxruntime = import_module("onnxruntime")
    session = onnxruntime.InferenceSession(str(bundle / "model.onnx"), providers=["CPUExecutionProvider"])
    options = onnxruntime.RunOptions()
    options.only_execute_path_to_fetches = True

    def call() -> None:
        for start in range(0, len(images), BATCH):
            session.run(["logits"], {"image": images[start : start + BATCH]}, options)

    return call


def _keras(run: Path, paths: list[Path], folder: Path) -> Callable[[], Any]:
    from raravis import engine
    from raravis.run import Run

    keras = engine.keras()
    network = Run.open(run).load_model()
    (folder / "data" / "all").mkdir(parents=True)
    for number, path in enumerate(paths):
        (folder / "data" / "all" / f"{number:06}.jpg").symlink_to(path.resolve())

    def call() -> None:
        data = keras.utils.image_dataset_from_directory(
            folder / "data",
            labels=None,
            image_size=network.input_shape[1:3],
            batch_size=BATCH,
            shuffle=False,
            verbose=False,
        )
        network.predict(data, verbose=0)

    return call


def _race(turns: dict[str, Callable[[], Any]], count: int, rounds: int) -> dict[str, list[float]]:
    """Images a second of each in every round, after one round that does not count."""
    speeds: dict[str, list[float]] = {name: [] for name in turns}
    for number in range(rounds + 1):
        for name, call in turns.items():
            begun = time.perf_counter()
            call()
            if number:
                speeds[name].append(count / (time.perf_counter() - begun))
    return speeds


def _first(bundle: Path, image: Path) -> float:
    """Seconds from the start of a process to its first answer."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", START, str(bundle), str(image)], check=True, capture_output=True)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
