"""`explain`: what a trained model looks at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import raravis
from raravis.cli._app import Debug, Json, LabelColumn, Out, PathColumn, Quiet, Root, Seed, app, tell


@app.command()
def explain(
    model: Annotated[Path, typer.Argument(help="A run folder.", show_default=False)],
    paths: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="Photographs: files, folders, globs.", show_default=False)
    ],
    out: Out,
    layers: Annotated[
        str | None, typer.Option(help="Layers to draw, with commas; a spread from early to late when not given.")
    ] = None,
    channels: Annotated[
        str | None, typer.Option(help="layer:number, with commas; those that the photographs excite when not given.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Where the training images are now, or other images to search.")
    ] = None,
    path_column: PathColumn = None,
    label_column: LabelColumn = None,
    root: Root = None,
    images: Annotated[int, typer.Option(help="How many of them to search at most.", min=1)] = 2000,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Draw what a network looks at: its filters, its maps of photographs, the images that excite its channels."""
    columns: dict[str, Any] = {"path_column": path_column, "label_column": label_column, "root": root}
    options: dict[str, Any] = {"layers": layers, "channels": channels, "data": data, "images": images, **columns}
    tell(lambda: raravis.explain(model, paths, out=out, **options, seed=seed, quiet=quiet), quiet, json, debug)
