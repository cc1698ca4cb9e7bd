"""A server with many clients at once, against its bare engine: the same bundle on the same decoded photographs.

    engine   the bundle's own `answer`, verdicts and all, on one batch after the other
    bare     a plain loop of ONNX Runtime with its own default options, logits alone

Enters: a bundle and a folder of photographs. Leaves: one JSON object on standard output: photographs a second of all,
in turns, the medians of the ratios, the p99 of a request, and that as a multiple of the engine's median time for one
batch as large as the server's. Clients are connections of this process; each sends one photograph, waits for its
answer, and sends the next. Exit code 1 where an answer was not 200.

    python benchmarks/serving.py BUNDLE PHOTOS
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
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

from raravis.data import decode
from raravis.serve.bundle import open_bundle
from raravis.serve.inputs import expand
from raravis.web.limits import Limits

BARS = {"throughput": 0.8, "p99 in batches": 3.0}
EDGE = "benchmark-edge"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", nargs="?")
    parser.add_argument("photographs", nargs="?")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--batch", type=int, default=Limits.batch)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each side of a round")
    options = parser.parse_args()
    if options.bundle is None or options.photographs is None:
        print(json.dumps({"skipped": "name a bundle and a folder of photographs"}))
        return
    predictor = open_bundle(options.bundle)
    files = [Path(one) for one in expand([options.photographs]).files[:256]]
    bodies = [file.read_bytes() for file in files]
    pixels = np.stack([decode.pixels(body, predictor.size, predictor.fit) for body in bodies])
    asks = [request(body) for body in bodies]
    plain = bare(Path(options.bundle) / "model.onnx")
    speeds: dict[str, list[float]] = {"bare": [], "engine": [], "served": []}
    times, waits, statuses = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "raravis", "serve", str(Path(options.bundle).absolute()), "--port", "0"]
        command += ["--batch-size", str(options.batch)]
        with subprocess.Popen(
            command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            line = process.stderr.readline()
            found = re.search(r":(\d+) \(", line)
            if found is None:
                raise SystemExit(f"The server did not start: {line}")
            port = int(found[1])
            asyncio.run(clients(port, asks, options.clients, 2.0))  # warm
            for _ in range(options.rounds):
                taken = {
                    "bare": loop(plain, pixels, options.batch, options.seconds),
                    "engine": loop(predictor.answer, pixels, options.batch, options.seconds),
                }
                for name, some in taken.items():
                    speeds[name].append(options.batch * len(some) / sum(some))
                times += taken["engine"]
                begun = time.perf_counter()
                answers = asyncio.run(clients(port, asks, options.clients, options.seconds))
                speeds["served"].append(len(answers) / (time.perf_counter() - begun))
                waits += [seconds for _, seconds in answers]
                statuses += [status for status, _ in answers]
            process.terminate()
            process.wait(60)
    batch = statistics.median(times)
    p99 = float(np.quantile(waits, 0.99))
    wrong = sum(status != 200 for status in statuses)
    told = {
        "bundle": Path(options.bundle).name,
        "clients": options.clients,
        "batch": options.batch,
        "requests": len(statuses),
        "errors": wrong,
        "photographs a second": {name: [round(x, 1) for x in some] for name, some in speeds.items()},
        "throughput": ratio(speeds, "engine"),
        "of the bare loop": ratio(speeds, "bare"),
        "batch seconds": round(batch, 4),
        "seconds": {"median": round(statistics.median(waits), 4), "p99": round(p99, 4)},
        "p99 in batches": round(p99 / batch, 2),
        "bars": BARS,
    }
    print(json.dumps(told))
    raise SystemExit(bool(wrong))


def ratio(speeds: dict[str, list[float]], peer: str) -> float:
    return round(statistics.median(s / p for s, p in zip(speeds["served"], speeds[peer], strict=True)), 3)


def bare(file: Path) -> Callable[[Any], Any]:
    """ONNX Runtime as it comes: uint8 images → logits."""
    onnxruntime = import_module("onnxruntime")
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    options = onnxruntime.RunOptions()
    options.only_execute_path_to_fetches = True
    return lambda images: session.run(["logits"], {"image": images}, options)


def loop(answer: Callable[[Any], Any], pixels: np.ndarray[Any, Any], batch: int, seconds: float) -> list[float]:
    """Seconds of each batch, one after the other."""
    taken: list[float] = []
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds:
        first = len(taken) * batch % (len(pixels) - batch + 1)
        start = time.perf_counter()
        answer(pixels[first : first + batch])
        taken.append(time.perf_counter() - start)
    return taken


def request(photo: bytes) -> bytes:
    head = f'--{EDGE}\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n'
    body = (head + "Content-Type: image/jpeg\r\n\r\n").encode() + photo + f"\r\n--{EDGE}--\r\n".encode()
    lines = ["POST /api/v1/identify HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"Content-Type: multipart/form-data; boundary={EDGE}", "", ""]
    return "\r\n".join(lines).encode() + body


async def clients(port: int, asks: list[bytes], count: int, seconds: float) -> list[tuple[int, float]]:
    """Status and seconds of every request of `count` clients in that time."""
    end = time.perf_counter() + seconds
    answers: list[tuple[int, float]] = []

    async def one(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < end:
            begun = time.perf_counter()
            writer.write(asks[number % len(asks)])
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            answers.append((int(head.split(b" ", 2)[1]), time.perf_counter() - begun))
            number += count
        writer.close()

    await asyncio.gather(*(one(number) for number in range(count)))
    return answers


if __name__ == "__main__":
    main()
