"""The command line: one verb, one call; nothing is decided here.

Exit codes: 0 done · 1 failed · 2 wrong usage · 3 done, but some files could not be read.
"""

from __future__ import annotations

from raravis.cli import (  # noqa: F401  (each adds its verbs to the app)
    augmenting,
    bundling,
    data,
    embedding,
    explaining,
    fetching,
    identifying,
    judging,
    lists,
    reviewing,
    serving,
    studying,
    training,
    tuning,
)
from raravis.cli._app import app

__all__ = ["app", "main"]


def main() -> None:
    """The `raravis` command."""
    app()
