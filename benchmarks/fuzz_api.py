"""The API against what a machine thinks of: Schemathesis, and damaged forms, until a number or a time is reached.

Enters: how many requests, how many minutes. Leaves: one JSON object on standard output: requests by kind and status,
the slowest, and every answer that breaks the API's own description (exit code 1 then). The application runs in this
process, with a model of three numbers, so the requests reach every layer but the socket.

    python benchmarks/fuzz_api.py --requests 10000 --minutes 15
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import random
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from raravis.serve.corrections import Corrections
from raravis.serve.predictor import Answer
from raravis.web import app as web

EDGE = b"edge"
PATIENCE = 120.0
"""Seconds after which a request hangs: many, as the machine may have other work."""


class Colours:
    """Tells which of three colours a picture has most of."""

    families, size, fit = ("blue", "green", "red"), 8, "crop"

    def answer(self, batch: NDArray[np.uint8]) -> Answer:
        """Give the shares of blue, green and red."""
        mean = batch.reshape(len(batch), -1, 3).mean(axis=1)[:, ::-1] + 1
        return Answer((mean / mean.sum(axis=1, keepdims=True)).astype(np.float32))


class OverError(Exception):
    """The time is over."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    broken: list[str] = []
    slowest = 0.0
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, Corrections.open(Path(folder) / "c.sqlite") as kept:
        app = web.create(Colours(), corrections=kept)  # type: ignore[arg-type]
        for kind, ask, share in (("described", described, 0.5), ("damaged", damaged, 1.0)):
            end = begun + 60 * options.minutes * share
            for status, seconds, wrong in ask(app, options.requests // 2, end, options.seed):
                counts[f"{kind} {status}"] += 1
                slowest = max(slowest, seconds)
                broken += [wrong] if wrong else []
    told = {"requests": counts.total(), "by_kind": dict(sorted(counts.items())), "slowest_seconds": round(slowest, 3)}
    print(json.dumps({**told, "broken": broken[:20]}))
    raise SystemExit(bool(broken))


def described(app: Any, count: int, end: float, seed: int) -> Any:
    """Ask what Schemathesis makes of the description, valid and not, with pictures where it asks for files."""
    import requests
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from hypothesis import strategies as st
    from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    calls: list[Any] = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr]
    photos = {"files": [picture()], "file": picture()}
    results: list[tuple[int, float, str]] = []
    for number, call in enumerate(calls):

        @seeded(seed + number)
        @settings(
            max_examples=max(1, count // len(calls)),
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=call.as_strategy(), real=st.booleans())
        def tried(case: Any, real: bool) -> None:
            if time.perf_counter() > end:
                raise OverError
            without = [positive_data_acceptance]
            if real and isinstance(case.body, dict):
                case.body |= {name: some for name, some in photos.items() if name in case.body}
                without.append(negative_data_rejection)
            begun = time.perf_counter()
            try:
                answer = case.call(timeout=PATIENCE)
            except requests.exceptions.ReadTimeout:
                results.append((0, time.perf_counter() - begun, f"{case.method} {case.path}: no answer"))
                return
            taken = time.perf_counter() - begun
            wrong = ""
            try:
                case.validate_response(answer, excluded_checks=without)
            except BaseExceptionGroup as error:
                wrong = f"{case.method} {case.path}: {[str(one)[:200] for one in error.exceptions]}"
            results.append((answer.status_code, taken, wrong))

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with contextlib.suppress(OverError):
                tried()
    return results


def damaged(app: Any, count: int, end: float, seed: int) -> Any:
    """Post forms whose bytes were changed, cut, doubled and moved, with pictures and without."""
    from starlette.testclient import TestClient

    random.seed(seed)
    whole = [form(picture(kind), name) for kind in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF") for name in NAMES]
    paths = ("/api/v1/identify", "/", "/api/v1/corrections")
    with TestClient(app, raise_server_exceptions=False) as client:
        for number in range(count):
            if time.perf_counter() > end:
                return
            body, path = mutated(random.choice(whole)), paths[number % 3]
            begun = time.perf_counter()
            head = {"Content-Type": f"multipart/form-data; boundary={EDGE.decode()}"}
            answer = client.post(path, content=body, headers={**head, **({"X-Part": "1"} if number % 2 else {})})
            taken = time.perf_counter() - begun
            known = answer.status_code in (200, 201, 400, 403, 413, 415)
            yield answer.status_code, taken, "" if known else f"{path}: {answer.status_code} for {body[:200]!r}"


NAMES = (b"files", b"file", b"family", b"a")


def picture(kind: str = "JPEG") -> bytes:
    stream = io.BytesIO()
    Image.effect_noise((24, 20), 60).convert("RGB").save(stream, kind)
    return stream.getvalue()


def form(photo: bytes, name: bytes) -> bytes:
    head = b'Content-Disposition: form-data; name="%s"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n' % name
    family = b'--%s\r\nContent-Disposition: form-data; name="family"\r\n\r\nred\r\n' % EDGE
    return family + b"--%s\r\n%s%s\r\n--%s--\r\n" % (EDGE, head, photo, EDGE)


def mutated(body: bytes) -> bytes:
    data = bytearray(body)
    for _ in range(random.choice((0, 1, 1, 2, 5, 20))):
        at, kind = random.randrange(len(data)), random.randrange(4)
        if kind == 0:
            data[at] = random.randrange(256)
        elif kind == 1:
            del data[at : at + random.randrange(1, 40)]
        elif kind == 2:
            data[at:at] = bytes(random.randrange(256) for _ in range(random.randrange(1, 20)))
        else:
            other = random.randrange(len(data))
            data[at:at] = data[other : other + random.randrange(1, 200)]
        data = data or bytearray(b"-")
    return bytes(data)


if __name__ == "__main__":
    main()
