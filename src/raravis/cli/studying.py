"""`reproduce`: the study that raravis grew from, whole."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import raravis
from raravis.cli._app import Data, Debug, Json, LabelColumn, Out, PathColumn, Quiet, Root, Seed, app, tell


@app.command()
def reproduce(
    data: Data,
    out: Out,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="data.size=64 for every recipe, basic_cnn.train.epochs=9 for one, length=0.5, …"),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what OUT holds.")] = False,
    estimate: Annotated[bool, typer.Option("--estimate", help="Say how long it would take, and stop.")] = False,
    path_column: PathColumn = None,
    label_column: LabelColumn = None,
    root: Root = None,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Run the whole study on DATA: every model, its published figures beside ours."""
    columns: dict[str, Any] = {"path_column": path_column, "label_column": label_column, "root": root}
    options: dict[str, Any] = {"set": set_ or (), "resume": resume, "estimate": estimate, **columns}
    tell(lambda: raravis.reproduce(data, out=out, **options, seed=seed, quiet=quiet), quiet, json, debug)
