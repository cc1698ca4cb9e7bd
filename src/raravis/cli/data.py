"""`explore`, `audit`, `split`: look at the data."""

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
    Out,
    PathColumn,
    Quiet,
    Root,
    Seed,
    app,
    tell,
)


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
    tell(lambda: raravis.explore(data, out=out, **columns, seed=seed, quiet=quiet), quiet, json, debug)


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
    tell(lambda: raravis.audit(data, out=out, **columns, seed=seed, quiet=quiet), quiet, json, debug)


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
    tell(
        lambda: raravis.split(data, out=out, policy=policy, fractions=shares, **columns, seed=seed, quiet=quiet),
        quiet,
        json,
        debug,
    )


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r}: three numbers with commas were expected, such as 0.7,0.15,0.15") from None
