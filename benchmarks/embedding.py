"""Speed of embedding: every runtime at hand, in every precision, against Keras and against its bare forward pass.

Enter: names of backbones. Leaves: one JSON object on standard output: for each backbone the images a second of each
way, the ratios to Keras in float32, how far features lie from Keras', and the seconds to convert.

The ways take turns in one process: each embeds the same images once a round. What else the machine does meanwhile thus
slows all of them alike, and every ratio is the median over rounds of neighbours in time. The first pass (tracing) does
not count. The bare forward pass is Keras on a batch that is a float32 tensor already. Backbones whose weights are not
in `RARAVIS_WEIGHTS` get random ones. The images are random, so distances are not those of photographs.

    python benchmarks/embedding.py --backbones MobileNetV2,ResNet50 --rounds 5
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raravis import backbones, engine, runtimes
from raravis.errors import UsageError

KERAS = "keras float32"
BARE = "bare forward pass"


def main() -> None:
    options = _options()
    rows = []
    for name in options.backbones.split(",") if options.backbones else _usual():
        rows.append(_measured(name, options))
        print(_line(rows[-1]), file=sys.stderr, flush=True)
    print(json.dumps({"images": options.images, "size": options.size, "rounds": options.rounds, "backbones": rows}))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", help="names, with commas between them")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--images", type=int, default=32, help="a turn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mixed", action="store_true", help="try Keras' mixed bfloat16 too, wherever it runs")
    weights = Path(os.environ.get("RARAVIS_SHARED", Path(__file__).parents[2] / "shared")) / "weights"
    if weights.is_dir():
        os.environ.setdefault("RARAVIS_WEIGHTS", str(weights))
    return parser.parse_args()


def _usual() -> list[str]:
    saved = [name for name in backbones.at_hand() if "edgetpu" in name]
    return ["MobileNetV2", *saved, "ResNet50", "EfficientNetB3"]


def _measured(name: str, options: argparse.Namespace) -> dict[str, Any]:
    weights = "imagenet" if name in backbones.at_hand() else "none"
    model = backbones.extractor(name, size=options.size, weights=weights)
    model.trainable = False
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (options.images, options.size, options.size, 3), np.uint8)
    ways, converting, problems = _ways(model, images, mixed=options.mixed)
    wanted = ways[KERAS]()
    far = {way: _distance(wanted, call()) for way, call in ways.items()}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(options.rounds):
        for way, call in ways.items():
            started = time.perf_counter()
            call()
            seconds[way].append(time.perf_counter() - started)
    ratios = {way: [k / s for k, s in zip(seconds[KERAS], some, strict=True)] for way, some in seconds.items()}
    return {
        "backbone": name,
        "weights": weights,
        "images_per_second": {w: round(len(images) / statistics.median(s), 1) for w, s in seconds.items()},
        "ratio_to_keras": {way: round(statistics.median(some), 2) for way, some in ratios.items()},
        "ratios_by_round": {way: [round(ratio, 2) for ratio in some] for way, some in ratios.items()},
        "distance_from_keras": {way: float(f"{distance:.2g}") for way, distance in far.items()},
        "seconds_to_convert": converting,
        "cannot": problems,
    }


def _ways(
    model: Any, images: NDArray[np.uint8], *, mixed: bool
) -> tuple[dict[str, Callable[[], NDArray[np.float32]]], dict[str, float], dict[str, str]]:
    """By name, what embeds the images; the seconds that preparing it took; and what went wrong with others."""
    resident = engine.keras().ops.convert_to_tensor(images, dtype="float32")
    ways: dict[str, Callable[[], NDArray[np.float32]]] = {BARE: lambda: np.asarray(model.predict_on_batch(resident))}
    converting, problems = {}, {}
    for name in runtimes.at_hand():
        precisions = list(runtimes.precisions(name)) + ["bfloat16"] * (mixed and name == "keras")
        for precision in dict.fromkeys(precisions):
            way = f"{name} {precision}"
            started = time.perf_counter()
            try:
                call = runtimes.prepare(name, model, precision=precision)
            except UsageError as error:
                problems[way] = str(error)
                continue
            converting[way] = round(time.perf_counter() - started, 1)
            ways[way] = lambda call=call: call(images)  # type: ignore[misc]
    return ways, converting, problems


def _distance(wanted: NDArray[np.float32], given: NDArray[np.float32]) -> float:
    """The median over images of `‖wanted − given‖ / ‖wanted‖`."""
    return float(np.median(np.linalg.norm(wanted - given, axis=1) / np.linalg.norm(wanted, axis=1)))


def _line(row: dict[str, Any]) -> str:
    speeds = row["images_per_second"]
    told = " · ".join(f"{way} {speeds[way]} (× {ratio})" for way, ratio in row["ratio_to_keras"].items())
    return f"{row['backbone']} ({row['weights']}), images/s: {told}"


if __name__ == "__main__":
    main()
