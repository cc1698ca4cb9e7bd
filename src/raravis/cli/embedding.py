"""`embed`: images become features."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import raravis
from raravis.cli._app import (
    Debug,
    Json,
    LabelColumn,
    PathColumn,
    Quiet,
    Ray,
    Root,
    Seed,
    Workers,
    app,
    tell,
)


@app.command()
def embed(
    data: Annotated[
        str,
        typer.Argument(
            help="Folder, table, archive (see docs/data.md), address of a folder in a store (s3://bucket/photos), "
            "'rare-species' or 'bestiary'.",
            show_default=False,
        ),
    ],
    backbone: Annotated[str, typer.Option(help="A name that `raravis backbones` lists, or a .keras file.")],
    out: Annotated[Path, typer.Option(help="The folder to write into.", show_default=False)],
    weights: Annotated[str, typer.Option(help="imagenet, none, or a weight file.")] = "imagenet",
    size: Annotated[int, typer.Option(help="Side of the images in pixels.")] = 224,
    fit: Annotated[str, typer.Option(help="How an image becomes a square: squash, pad, crop.")] = "squash",
    view: Annotated[str, typer.Option(help="What the backbone is shown: whole, mirrored, middle, …")] = "whole",
    path_column: PathColumn = None,
    label_column: LabelColumn = None,
    root: Root = None,
    ray: Ray = None,
    workers: Workers = 0,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Compute the features that a frozen backbone gives of every image."""
    columns: dict[str, Any] = {"path_column": path_column, "label_column": label_column, "root": root}
    options: dict[str, Any] = {"weights": weights, "size": size, "fit": fit, "view": view, **columns}
    options |= {"ray": ray, "workers": workers}
    tell(lambda: raravis.embed(data, backbone=backbone, out=out, **options, seed=seed, quiet=quiet), quiet, json, debug)
