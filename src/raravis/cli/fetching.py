"""`fetch`: images that DATA names by address."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import raravis
from raravis.cli._app import Data, Debug, Json, LabelColumn, PathColumn, Quiet, Root, Seed, app, tell


@app.command()
def fetch(
    data: Data,
    root: Root = None,
    limit: Annotated[int | None, typer.Option(help="At most so many images, drawn by lot.", show_default=False)] = None,
    max_bytes: Annotated[int, typer.Option(help="Of one image.")] = 50 << 20,
    seconds: Annotated[float, typer.Option(help="For one image.")] = 120,
    tries: Annotated[int, typer.Option(help="Of an address that may answer later.")] = 3,
    at_once: Annotated[int, typer.Option(help="Images fetched side by side.")] = 4,
    private: Annotated[bool, typer.Option("--private", help="Also from this machine and private networks.")] = False,
    path_column: PathColumn = None,
    label_column: LabelColumn = None,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Fetch the images that an archive or table names by http(s) address; call again to go on."""
    columns: dict[str, Any] = {"path_column": path_column, "label_column": label_column, "root": root}
    bounds: dict[str, Any] = {"max_bytes": max_bytes, "seconds": seconds, "tries": tries, "at_once": at_once}
    bounds |= {"limit": limit, "private": private, "seed": seed}
    tell(lambda: raravis.fetch(data, **bounds, **columns, quiet=quiet), quiet, json, debug)
