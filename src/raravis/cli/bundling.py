"""`export`: a run becomes a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import raravis
from raravis.cli._app import Debug, Json, LabelColumn, PathColumn, Quiet, Root, Seed, app, tell


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="A run folder.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The bundle: a folder to write.", show_default=False)],
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails", help="Give small pictures of the training photographs along.")
    ] = False,
    int8: Annotated[bool, typer.Option("--int8", help="A smaller network too, its loss measured.")] = False,
    litert: Annotated[bool, typer.Option("--litert", help="The network for phones too.")] = False,
    neighbours: Annotated[
        int | None, typer.Option(help="Training photographs remembered at most.", min=0, show_default="all")
    ] = None,
    data: Annotated[str | None, typer.Option(help="Where the images are now; those of the run when not given.")] = None,
    path_column: PathColumn = None,
    label_column: LabelColumn = None,
    root: Root = None,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Make a bundle of a run: it identifies without TensorFlow, and says what the run says."""
    options: dict[str, Any] = {"thumbnails": thumbnails, "int8": int8, "litert": litert, "neighbours": neighbours}
    options |= {"data": data, "path_column": path_column, "label_column": label_column, "root": root}
    tell(lambda: raravis.export(run, out=out, **options, seed=seed, quiet=quiet), quiet, json, debug)
