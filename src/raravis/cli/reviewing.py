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
    out: Out,
    what: Annotated[
        Path | None, typer.Argument(help="Predictions (.csv, .parquet), or a run folder.", show_default=False)
    ] = None,
    answers: Annotated[
        list[Path] | None,
        typer.Option(help="Take in: a filled table, saved answers, a file of corrections; repeatable."),
    ] = None,
    into: Annotated[str | None, typer.Option(help="The DATA that the answers correct and add to.")] = None,
    new_families: Annotated[bool, typer.Option("--new-families", help="Take in families that nobody knows.")] = False,
    model: Annotated[Path | None, typer.Option(help="The run or bundle that made the predictions.")] = None,
    limit: Annotated[int, typer.Option(help="Photographs, or animals in them, listed at most.", min=1)] = 200,
    data: Annotated[str | None, typer.Option(help="Where the images of the run are now.")] = None,
    path_column: PathColumn = None,
    label_column: LabelColumn = None,
    root: Root = None,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """List what a person should look at first (doubtful predictions, probably wrong labels), or take the answers in."""
    options: dict[str, Any] = {"model": model, "limit": limit, "data": data, "root": root}
    options |= {"answers": answers or (), "into": into, "new_families": new_families}
    options |= {"path_column": path_column, "label_column": label_column}
    tell(lambda: raravis.review(what, out=out, **options, seed=seed, quiet=quiet), quiet, json, debug)
