"""Bars with the time left, on standard error, and only when a person is looking."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bar(label: str, total: int, *, quiet: bool = False, unit: str = "") -> Iterator[Callable[..., None]]:
    """Show one bar while the block runs; yields `advance(n=1, note="")`.

    Silent when `quiet` or when standard error is no terminal. `note` replaces the text behind the bar
    (losses, counts); it is kept short by the caller.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda n=1, note="": None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeLeft(),
        TextColumn("[dim]{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(label, total=total, note="")

        def advance(n: int = 1, note: str | None = None) -> None:
            progress.update(task, advance=n)
            if note is not None:
                progress.update(task, note=note)

        yield advance


def say(text: str, *, quiet: bool = False) -> None:
    """Tell the user one line on standard error."""
    if not quiet:
        print(text, file=sys.stderr, flush=True)
