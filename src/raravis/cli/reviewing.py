"""`review`: what a person should look at first, and what becomes of the answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import raravis
from raravis.cli._app import (
    Debug,
    Json,
    LabelColumn,
    Out,
    PathColumn,
    Quiet,
    Root,
    Seed,
    app,
    tell,
)


@app.command()
def review(
    what: Annotated[Path, typer.Argument(help="Predictions (.csv, .parquet), or a run folder.", show_default=False)],
    out: Out,
    model: Annotated[Path | None, typer.Option(help="The run or bundle that made the predictions.")] = None,
    limit: Annotated[int, typer.Option(help="Photographs listed at most.", min=1)] = 200,
    data: Annotated[str | None, typer.Option(help="Where the images of the run are now.")] = None,
    path_column: PathColumn = None,
    label_column: LabelColumn = None,
    root: Root = None,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """List what a person should look at first: doubtful predictions, or labels that are probably wrong."""
    options: dict[str, Any] = {"model": model, "limit": limit, "data": data, "root": root}
    options |= {"path_column": path_column, "label_column": label_column}
    tell(lambda: raravis.review(what, out=out, **options, seed=seed, quiet=quiet), quiet, json, debug)
