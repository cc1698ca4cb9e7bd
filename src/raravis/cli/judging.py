"""`evaluate`, `compare`: runs are judged."""

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
    LabelColumn,
    Out,
    PathColumn,
    Quiet,
    Right,
    Root,
    Seed,
    app,
    tell,
)


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder.", show_default=False)],
    split: Annotated[str, typer.Option(help="val or test.")] = "test",
    data: Annotated[str | None, typer.Option(help="Where the images are now, or other images to judge on.")] = None,
    path_column: PathColumn = None,
    label_column: LabelColumn = None,
    root: Root = None,
    accept: Accept = None,
    coverage: Coverage = None,
    right: Right = None,
    familiar: Familiar = None,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Judge a run on images that it did not learn from: metrics.json, predictions.parquet, report.html."""
    columns: dict[str, Any] = {"path_column": path_column, "label_column": label_column, "root": root}
    promises: dict[str, Any] = {"accept": accept, "coverage": coverage, "right": right, "familiar": familiar}
    tell(
        lambda: raravis.evaluate(run, split=split, data=data, **columns, **promises, seed=seed, quiet=quiet),
        quiet,
        json,
        debug,
    )


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.", show_default=False)],
    out: Out,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Put runs side by side, with paired intervals on the images they share."""
    tell(lambda: raravis.compare(runs, out=out, seed=seed, quiet=quiet), quiet, json, debug)
