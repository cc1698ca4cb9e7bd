"""`serve`: a model answers in a browser and over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import raravis
from raravis.cli._app import Accept, Coverage, Debug, Familiar, Json, Quiet, Right, Seed, app, tell


@app.command()
def serve(
    model: Annotated[Path, typer.Argument(help="A bundle, or a run folder.", show_default=False)],
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this machine's need a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 for any that is free.", min=0, max=65535)] = 8000,
    token: Annotated[str | None, typer.Option(help="What visitors need. Better in RARAVIS_TOKEN.")] = None,
    corrections: Annotated[str, typer.Option(help="File that takes corrections.")] = "corrections.sqlite",
    allow_host: Annotated[list[str] | None, typer.Option(help="One more name to answer to.")] = None,
    top_k: Annotated[int, typer.Option(help="Families listed a photograph.", min=1)] = 5,
    max_file_mb: Annotated[float, typer.Option(help="MiB of one photograph.")] = 20,
    max_request_mb: Annotated[float, typer.Option(help="MiB of one request.")] = 64,
    max_files: Annotated[int, typer.Option(help="Photographs in one request.")] = 32,
    max_megapixels: Annotated[float, typer.Option(help="Of one photograph.")] = 100,
    max_seconds: Annotated[float, typer.Option(help="For one answer.")] = 60,
    batch_size: Annotated[int, typer.Option(help="Photographs a step.")] = 32,
    queue: Annotated[int, typer.Option(help="Photographs that may wait.")] = 256,
    accept: Accept = None,
    coverage: Coverage = None,
    right: Right = None,
    familiar: Familiar = None,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Serve a model: a page to drop photographs on, and an API."""
    options: dict[str, Any] = {"host": host, "port": port, "token": token, "corrections": corrections, "top_k": top_k}
    options |= {"max_file_mb": max_file_mb, "max_request_mb": max_request_mb, "max_files": max_files}
    options |= {"max_megapixels": max_megapixels, "max_seconds": max_seconds, "batch_size": batch_size, "queue": queue}
    options |= {"accept": accept, "coverage": coverage, "right": right, "familiar": familiar}
    options |= {"allow_host": tuple(allow_host or ())}
    tell(lambda: raravis.serve(model, **options, seed=seed, quiet=quiet), quiet, json, debug)
