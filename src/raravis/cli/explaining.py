"""`explain`: why a trained model says what it says, and what it looks at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import raravis
from raravis.cli._app import Debug, Json, LabelColumn, Out, PathColumn, Quiet, Root, Seed, app, tell


@app.command()
def explain(
    model: Annotated[Path, typer.Argument(help="A run folder or a bundle.", show_default=False)],
    paths: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="Photographs: files, folders, globs.", show_default=False)
    ],
    out: Out,
    method: Annotated[
        str | None, typer.Option(help="How the evidence is found (docs/explain.md); the best when not given.")
    ] = None,
    family: Annotated[str | None, typer.Option(help="Explain this family too: why not this one?")] = None,
    nearest: Annotated[int, typer.Option(help="Training photographs most alike to show; 0 for none.", min=0)] = 5,
    check: Annotated[bool, typer.Option("--check", help="Put the maps to the test; takes a while.")] = False,
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
    """Draw why a network says what it says: where the evidence lies, what is alike, what its layers answer to."""
    columns: dict[str, Any] = {"path_column": path_column, "label_column": label_column, "root": root}
    options: dict[str, Any] = {"layers": layers, "channels": channels, "data": data, "images": images, **columns}
    options |= {"method": method, "family": family, "nearest": nearest, "check": check}
    tell(lambda: raravis.explain(model, paths, out=out, **options, seed=seed, quiet=quiet), quiet, json, debug)
