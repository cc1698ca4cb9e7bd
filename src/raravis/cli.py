"""The command line: one verb, one call; nothing is decided here.

Exit codes: 0 done · 1 failed · 2 wrong usage · 3 done, but some files could not be read.
"""

from __future__ import annotations

import json as jsonlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

import raravis
from raravis.errors import RaravisError
from raravis.outcome import Outcome

T = TypeVar("T")

app = typer.Typer(
    name="raravis",
    help="Identify rare animals in photographs: look at the data, split it honestly, train, judge, identify.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Data = Annotated[str, typer.Argument(help="Folder, table, 'rare-species' or 'bestiary'.", show_default=False)]
Out = Annotated[Path, typer.Option(help="Where to write.", show_default=False)]
Seed = Annotated[int, typer.Option(help="Seed of everything random.", min=0)]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress, no summary.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]
PathColumn = Annotated[str | None, typer.Option(help="Column of a table that holds file paths.")]
LabelColumn = Annotated[str | None, typer.Option(help="Column of a table that holds labels.")]
Root = Annotated[Path | None, typer.Option(help="Folder that paths in a table are relative to.")]


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        print(raravis.__version__)
        raise typer.Exit


@app.command()
def explore(
    data: Data,
    out: Out,
    path_column: PathColumn = None,
    label_column: LabelColumn = None,
    root: Root = None,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Count, measure and draw what DATA holds: summary.json, figures, report.html."""
    columns: dict[str, Any] = {"path_column": path_column, "label_column": label_column, "root": root}
    _run(lambda: raravis.explore(data, out=out, **columns, seed=seed, quiet=quiet), quiet, json, debug)


@app.command()
def audit(
    data: Data,
    out: Out,
    path_column: PathColumn = None,
    label_column: LabelColumn = None,
    root: Root = None,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Find unreadable, duplicate, conflicting, tiny and blank images: findings.csv, report.html."""
    columns: dict[str, Any] = {"path_column": path_column, "label_column": label_column, "root": root}
    _run(lambda: raravis.audit(data, out=out, **columns, seed=seed, quiet=quiet), quiet, json, debug)


@app.command()
def split(
    data: Data,
    out: Annotated[Path, typer.Option(help="The CSV file to write.", show_default=False)],
    policy: Annotated[str, typer.Option(help="stratified, held-out-species or held-out-families.")] = "stratified",
    fractions: Annotated[str, typer.Option(help="Shares of train, val and test.")] = "0.7,0.15,0.15",
    path_column: PathColumn = None,
    label_column: LabelColumn = None,
    root: Root = None,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Divide DATA into train, val and test (and novel); duplicates stay on one side."""
    columns: dict[str, Any] = {"path_column": path_column, "label_column": label_column, "root": root}
    shares = _numbers(fractions)
    _run(
        lambda: raravis.split(data, out=out, policy=policy, fractions=shares, **columns, seed=seed, quiet=quiet),
        quiet,
        json,
        debug,
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
        **columns,
    }
    _run(lambda: raravis.train(data, out=out, **options, seed=seed, quiet=quiet), quiet, json, debug)


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder.", show_default=False)],
    split: Annotated[str, typer.Option(help="val or test.")] = "test",
    data: Annotated[str | None, typer.Option(help="Where the images are now, or other images to judge on.")] = None,
    path_column: PathColumn = None,
    label_column: LabelColumn = None,
    root: Root = None,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Judge a run on images that it did not learn from: metrics.json, predictions.parquet, report.html."""
    columns: dict[str, Any] = {"path_column": path_column, "label_column": label_column, "root": root}
    _run(
        lambda: raravis.evaluate(run, split=split, data=data, **columns, seed=seed, quiet=quiet),
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
    _run(lambda: raravis.compare(runs, out=out, seed=seed, quiet=quiet), quiet, json, debug)


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="A run folder.", show_default=False)],
    paths: Annotated[list[str], typer.Argument(help="Files, folders, globs.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The file to write.", show_default=False)],
    format: Annotated[str, typer.Option(help="The format of the file.")] = "raravis",
    top_k: Annotated[int, typer.Option(help="Families listed a file.", min=1)] = 5,
    batch_size: Annotated[int, typer.Option(help="Images a step.", min=1)] = 32,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after a kill.")] = False,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Identify photographs: one row for every file that was given."""
    options: dict[str, Any] = {"format": format, "top_k": top_k, "batch_size": batch_size, "resume": resume}
    _run(lambda: raravis.predict(model, paths, out=out, **options, seed=seed, quiet=quiet), quiet, json, debug)


def _lists(kind: str, about: str) -> None:
    @app.command(kind, help=about)
    def show(quiet: Quiet = False, json: Json = False, debug: Debug = False) -> None:
        del quiet  # a list is all that there is to say

        def found() -> dict[str, str]:
            from raravis.verbs.available import available

            return available(kind)  # type: ignore[arg-type]

        lines = _guard(found, debug)
        if json:
            print(jsonlib.dumps(lines, ensure_ascii=False))
        else:
            width = max(map(len, lines))
            print("\n".join(f"{name:<{width}}  {line}" for name, line in lines.items()))


_lists("recipes", "List the recipes that come with raravis.")
_lists("models", "List the networks.")
_lists("augmentations", "List the augmentation pipelines.")
_lists("backbones", "List the pretrained backbones.")


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r}: three numbers with commas were expected, such as 0.7,0.15,0.15") from None


def _run(verb: Callable[[], Outcome], quiet: bool, json: bool, debug: bool) -> None:
    outcome = _guard(verb, debug)
    for problem in outcome.unreadable:
        print(f"could not read {problem}", file=sys.stderr)
    if json:
        print(jsonlib.dumps(outcome.as_json(), ensure_ascii=False, allow_nan=False))
    elif not quiet:
        for note in outcome.notes:
            print(f"note: {note}", file=sys.stderr)
        for name, value in outcome.figures.items():
            if isinstance(value, str | int | float):
                print(f"{name.replace('_', ' '):<20} {f'{value:.4g}' if isinstance(value, float) else value}")
        print(f"{'written to':<20} {outcome.out}")
        if outcome.read_next:
            print(f"{'open next':<20} {outcome.read_next}")
    raise typer.Exit(outcome.exit_code)


def _guard(call: Callable[[], T], debug: bool) -> T:
    """Call; an error becomes one or two lines and an exit code, or a traceback with --debug."""
    try:
        return call()
    except RaravisError as error:
        if debug:
            raise
        print(f"raravis: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        print("raravis: interrupted; long work goes on with --resume.", file=sys.stderr)
        raise typer.Exit(1) from None
    except Exception as error:
        if debug or "PYTEST_CURRENT_TEST" in os.environ:
            raise
        print(f"raravis: {type(error).__name__}: {error}\nThis is a bug; --debug shows where.", file=sys.stderr)
        raise typer.Exit(1) from None


def main() -> None:
    """The `raravis` command."""
    app()
