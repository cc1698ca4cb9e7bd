"""`raravis serve`: a model answers in a browser and over HTTP, until it is told to stop."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from raravis.errors import UsageError
from raravis.outcome import Outcome
from raravis.serve.corrections import Corrections
from raravis.serve.predictor import open_predictor
from raravis.web import app, server
from raravis.web.gate import LOOPBACK
from raravis.web.limits import MIB, Limits
from raravis.web.model import Model

ENVIRONMENT = "RARAVIS_TOKEN"
SHORT = "The token is short; one of 16 characters or more cannot be guessed."


def serve(
    model: str | Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    corrections: str | Path = "corrections.sqlite",
    allow_host: Sequence[str] = (),
    top_k: int = 5,
    max_file_mb: float = 20,
    max_request_mb: float = 64,
    max_files: int = 32,
    max_megapixels: float = 100,
    max_seconds: float = 60,
    batch_size: int = 32,
    queue: int = 256,
    accept: float | None = None,
    coverage: float | None = None,
    right: float | None = None,
    familiar: float | None = None,
    seed: int = 0,
    quiet: bool = False,
) -> Outcome:
    """Serve a model: the page, the API under `/api/v1`, its description at `/docs`, counters at `/metrics`.

    Returns when the process is told to stop; everything that was acknowledged is on the disk before that.

    Args:
        model: a bundle, or a run folder (without heat maps and neighbours then).
        host: address to listen on. One that others reach needs a token.
        port: 0 for any that is free.
        token: that visitors need; `RARAVIS_TOKEN` when not given.
        corrections: the SQLite file that takes what people correct; made if need be.
        allow_host: further names that the server answers to on the loopback interface, such as a proxy's.
        top_k: families listed for a photograph.
        max_file_mb: MiB of one photograph.
        max_request_mb: MiB of one request.
        max_files: photographs in one request.
        max_megapixels: of one photograph.
        max_seconds: for one answer.
        batch_size: photographs that the model sees at once.
        queue: photographs that may wait; beyond them clients are told to come back.
        accept: call identified what is right this often; 0.9 when not given.
        coverage: prediction sets hold the true family this often; 0.9 when not given.
        right: tell a taxon at a rank that is right this often; 0.98 when not given.
        familiar: let this share of photographs of known families pass as familiar; 0.95 when not given.
        seed: of the engine, should a layer of the model draw random numbers.
        quiet: say nothing while serving.

    Raises:
        UsageError: a limit or a promise makes no sense, the address cannot be listened on, or it is reached by others
            and has no token.
        RunError: the model cannot be opened.
        StorageError: the file of corrections is damaged, something else, or cannot be written.
    """
    if token is None:
        token = os.environ.get(ENVIRONMENT) or None
    elif not token.strip():
        raise UsageError("The token is empty.\nGive one that cannot be guessed, or leave the option out.")
    if top_k < 1:
        raise UsageError(f"top_k is {top_k}; 1 or more was expected.")
    notes = (SHORT,) if token and len(token) < 16 else ()
    limits = Limits(
        file_bytes=round(max_file_mb * MIB),
        request_bytes=round(max_request_mb * MIB),
        files=max_files,
        pixels=round(max_megapixels * 1e6),
        held_bytes=max(Limits.held_bytes, 2 * round(max_request_mb * MIB)),
        waiting=queue,
        batch=batch_size,
        answer_seconds=max_seconds,
    )
    name = Path(model).absolute().name
    listening, is_local = server.bound(host, port, token=token)
    with listening:
        predictor = open_predictor(model, seed=seed, accept=accept, coverage=coverage, right=right, familiar=familiar)
        Model.of(predictor, name)  # before a file is made: what is damaged is told here
        with Corrections.open(corrections) as kept:
            before, begun = kept.count(), time.monotonic()
            made = app.create(
                predictor,
                name=name,
                corrections=kept,
                token=token,
                limits=limits,
                hosts=LOOPBACK | set(allow_host) if is_local else None,
                top_k=top_k,
            )
            address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"

            def ready() -> None:
                if not quiet:
                    print(f"raravis serves {Path(model).name} at {address} (Ctrl-C ends it)", file=sys.stderr)
                    for note in notes:
                        print(f"note: {note}", file=sys.stderr)
                    sys.stderr.flush()

            server.Running(made, listening, idle_seconds=limits.idle_seconds, ready=ready).run()
            figures = {
                "address": address,
                "families": len(predictor.families),
                "corrections": kept.count(),
                "new": kept.count() - before,
                "seconds": round(time.monotonic() - begun, 1),
            }
    return Outcome("serve", Path(corrections).absolute(), figures, notes=notes if quiet else ())
