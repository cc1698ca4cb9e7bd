"""`augment preview` and `augment compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import raravis
from raravis.cli._app import Data, Debug, Json, LabelColumn, Out, PathColumn, Quiet, Root, Seed, app, tell

augment = typer.Typer(
    no_args_is_help=True, help="See augmentations on your images, and compare them.", rich_markup_mode=None
)
app.add_typer(augment, name="augment")

Pipelines = Annotated[str | None, typer.Option(help="Names with commas; all when not given.", show_default=False)]


@augment.command()
def preview(
    data: Data,
    out: Out,
    pipelines: Pipelines = None,
    images: Annotated[int, typer.Option(help="How many images to draw.", min=1, max=12)] = 6,
    path_column: PathColumn = None,
    label_column: LabelColumn = None,
    root: Root = None,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Draw every layer and pipeline on images of DATA: preview.png, report.html."""
    columns: dict[str, Any] = {"path_column": path_column, "label_column": label_column, "root": root}
    options: dict[str, Any] = {"pipelines": pipelines, "images": images, **columns}
    tell(lambda: raravis.augment.preview(data, out=out, **options, seed=seed, quiet=quiet), quiet, json, debug)


@augment.command()
def compare(
    data: Data,
    out: Out,
    pipelines: Pipelines = None,
    repeats: Annotated[int, typer.Option(help="Trainings a pipeline.", min=1)] = 3,
    split: Annotated[Path | None, typer.Option(help="A split.csv; made by the recipe when not given.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Change a field: train.epochs=5")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what OUT holds.")] = False,
    path_column: PathColumn = None,
    label_column: LabelColumn = None,
    root: Root = None,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Train the study's small CNN once a pipeline and repeat, all else equal: a table and a figure."""
    columns: dict[str, Any] = {"path_column": path_column, "label_column": label_column, "root": root}
    options: dict[str, Any] = {
        "pipelines": pipelines,
        "repeats": repeats,
        "split": split,
        "set": set_ or (),
        "resume": resume,
        **columns,
    }
    tell(lambda: raravis.augment.compare(data, out=out, **options, seed=seed, quiet=quiet), quiet, json, debug)
