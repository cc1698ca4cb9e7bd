"""The application, the options that verbs share, and how a verb's outcome or error reaches the user."""

from __future__ import annotations

import json as jsonlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

import raravis
from raravis.errors import RaravisError
from raravis.extras import told
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

Data = Annotated[
    str,
    typer.Argument(help="Folder, table, archive (see docs/data.md), 'rare-species' or 'bestiary'.", show_default=False),
]
Out = Annotated[Path, typer.Option(help="Where to write.", show_default=False)]
Seed = Annotated[int, typer.Option(help="Seed of everything random.", min=0)]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress, no summary.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Ray = Annotated[str | None, typer.Option(help="On a Ray cluster: auto, local, HOST:PORT, ray://HOST:PORT.")]
Workers = Annotated[int, typer.Option(help="Workers of the cluster; 0 for one a core.", min=0)]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]
PathColumn = Annotated[str | None, typer.Option(help="Column of a table that holds file paths.")]
LabelColumn = Annotated[str | None, typer.Option(help="Column of a table that holds labels.")]
Root = Annotated[Path | None, typer.Option(help="Folder of the images that a table or archive names.")]

Accept = Annotated[float | None, typer.Option(help="Call identified what is right this often.", show_default="0.9")]
Coverage = Annotated[
    float | None, typer.Option(help="Prediction sets hold the true family this often.", show_default="0.9")
]
Right = Annotated[
    float | None, typer.Option(help="Tell a taxon at a rank that is right this often.", show_default="0.98")
]
Familiar = Annotated[
    float | None, typer.Option(help="Share of known animals that pass as familiar.", show_default="0.95")
]


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        print(raravis.__version__)
        raise typer.Exit


def tell(verb: Callable[[], Outcome], quiet: bool, json: bool, debug: bool) -> None:
    """Call a verb, print what it found, end with its exit code."""
    outcome = guard(verb, debug)
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


def guard(call: Callable[[], T], debug: bool) -> T:
    """Call; an error becomes one or two lines and an exit code, or a traceback with --debug."""
    try:
        with told():
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
