"""`tune`: a space of recipes is searched."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import raravis
from raravis.cli._app import Data, Debug, Json, LabelColumn, Out, PathColumn, Quiet, Root, app, tell


@app.command()
def tune(
    data: Data,
    recipe: Annotated[str, typer.Option(help="A name that `raravis recipes` lists, or a TOML file.")],
    space: Annotated[Path, typer.Option(help="A TOML file of fields and their values.", show_default=False)],
    out: Out,
    method: Annotated[str, typer.Option(help="random, hyperband, bayesian or grid.")] = "random",
    trials: Annotated[int, typer.Option(help="At most this many.", min=1)] = 20,
    objective: Annotated[str, typer.Option(help="val_macro_f1, val_accuracy or val_loss.")] = "val_macro_f1",
    split: Annotated[Path | None, typer.Option(help="A split.csv; made by the recipe when not given.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Change a field: train.epochs=5")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the search in OUT.")] = False,
    path_column: PathColumn = None,
    label_column: LabelColumn = None,
    root: Root = None,
    seed: Annotated[int | None, typer.Option(help="Replaces the recipe's seed.", min=0)] = None,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Search a space of recipes with Keras Tuner: trials.csv, best.toml, report.html."""
    columns: dict[str, Any] = {"path_column": path_column, "label_column": label_column, "root": root}
    options: dict[str, Any] = {
        "recipe": recipe,
        "space": space,
        "method": method,
        "trials": trials,
        "objective": objective,
        "split": split,
        "set": set_ or (),
        "resume": resume,
        **columns,
    }
    tell(lambda: raravis.tune(data, out=out, **options, seed=seed, quiet=quiet), quiet, json, debug)
