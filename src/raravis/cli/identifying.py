"""`predict`: photographs are identified."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import raravis
from raravis.cli._app import (
    Accept,
    Coverage,
    Debug,
    Familiar,
    Json,
    Quiet,
    Ray,
    Right,
    Seed,
    Workers,
    app,
    tell,
)


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="A run folder or a bundle.", show_default=False)],
    paths: Annotated[list[str], typer.Argument(help="Files, folders, globs; addresses.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The file to write.", show_default=False)],
    format: Annotated[
        str | None, typer.Option(help="The format of the file.", show_default="raravis; parquet for .parquet")
    ] = None,
    top_k: Annotated[int, typer.Option(help="Families listed a file.", min=1)] = 5,
    batch_size: Annotated[int, typer.Option(help="Images a step.", min=1)] = 32,
    jobs: Annotated[int, typer.Option(help="Threads that decode; 0 for one a core, or four a worker.", min=0)] = 0,
    detections: Annotated[
        Path | None, typer.Option(help="Results of MegaDetector: identify each animal in its box.")
    ] = None,
    detection_threshold: Annotated[
        float | None, typer.Option(help="An animal of this confidence is one.", show_default="0.2")
    ] = None,
    accept: Accept = None,
    coverage: Coverage = None,
    right: Right = None,
    familiar: Familiar = None,
    int8: Annotated[bool, typer.Option("--int8", help="Take the smaller network of a bundle.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after a kill.")] = False,
    ray: Ray = None,
    workers: Workers = 0,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Identify photographs: one row for every file that was given, or every animal in it."""
    options: dict[str, Any] = {"format": format, "top_k": top_k, "batch_size": batch_size, "resume": resume}
    options |= {"jobs": jobs, "detections": detections, "detection_threshold": detection_threshold}
    options |= {"accept": accept, "coverage": coverage, "right": right, "familiar": familiar, "int8": int8}
    options |= {"ray": ray, "workers": workers}
    tell(lambda: raravis.predict(model, paths, out=out, **options, seed=seed, quiet=quiet), quiet, json, debug)
