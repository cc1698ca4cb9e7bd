"""Write the help of every command into `commands.md` when the site is built, so that no page repeats what code says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import typer

from raravis.cli import app

_PAGE = "commands.md"
_PLACE = "<!-- commands:"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Called by MkDocs for every page: the one on commands gets a section a verb, others stay as they are."""
    if page.file.src_uri != _PAGE:
        return markdown
    kept = [line for line in markdown.splitlines() if not line.startswith(_PLACE)]
    if len(kept) == len(markdown.splitlines()):
        raise ValueError(f"{_PAGE} has no line that begins with {_PLACE!r}, where the commands are to stand.")
    return "\n".join([*kept, *sections()])


def sections() -> Iterator[str]:
    """Markdown of every command, by name."""
    root = click.Context(typer.main.get_command(app), info_name="raravis", terminal_width=100, max_content_width=100)
    yield from _below(root)


def _below(parent: click.Context) -> Iterator[str]:
    for name, command in sorted(parent.command.commands.items()):  # type: ignore[attr-defined]
        context = click.Context(command, info_name=name, parent=parent, terminal_width=100, max_content_width=100)
        if hasattr(command, "commands"):
            yield from _below(context)
        else:
            yield f"\n## {context.command_path.removeprefix('raravis ')}\n\n```text\n{command.get_help(context)}\n```"
