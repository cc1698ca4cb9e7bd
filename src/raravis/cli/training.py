"""`train`, `zero-shot`: recipes become runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import raravis
from raravis.cli._app import (
    Data,
    Debug,
    Json,
    LabelColumn,
    PathColumn,
    Quiet,
    Root,
    app,
    tell,
)


@app.command()
def train(
    data: Data,
    recipe: Annotated[str, typer.Option(help="A name that `raravis recipes` lists, or a TOML file.")],
    out: Annotated[Path, typer.Option(help="The run folder.", show_default=False)],
    split: Annotated[Path | None, typer.Option(help="A split.csv; made by the recipe when not given.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Change a field: model.dropout=0.3")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    path_column: PathColumn = None,
    label_column: LabelColumn = None,
    root: Root = None,
    minutes: Annotated[float | None, typer.Option(help="For --recipe best.  [default: 30]")] = None,
    seed: Annotated[int | None, typer.Option(help="Replaces the recipe's seed.", min=0)] = None,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Train a recipe on DATA into a run folder."""
    columns: dict[str, Any] = {"path_column": path_column, "label_column": label_column, "root": root}
    options: dict[str, Any] = {
        "recipe": recipe,
        "split": split,
        "set": set_ or (),
        "resume": resume,
        "minutes": minutes,
        **columns,
    }
    tell(lambda: raravis.train(data, out=out, **options, seed=seed, quiet=quiet), quiet, json, debug)


@app.command("zero-shot")
def zero_shot(
    labels: Annotated[Path, typer.Argument(help="One family a line, or a .csv with ranks.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The run folder.", show_default=False)],
    recipe: Annotated[str, typer.Option(help="One whose model reads names, or a TOML file.")] = "zero_shot",
    set_: Annotated[list[str] | None, typer.Option("--set", help="Change a field: model.backbone=bioclip")] = None,
    seed: Annotated[int | None, typer.Option(help="Replaces the recipe's seed.", min=0)] = None,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Make a run that names the families of a list, without training."""
    options: dict[str, Any] = {"recipe": recipe, "set": set_ or ()}
    tell(lambda: raravis.zero_shot(labels, out=out, **options, seed=seed, quiet=quiet), quiet, json, debug)
