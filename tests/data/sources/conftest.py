"""Small pictures for the tests of the sources: they are listed, not decoded."""

from collections.abc import Callable
from pathlib import Path

import pytest

from raravis.data.sources import Listing, Request, open_source


@pytest.fixture
def touch() -> Callable[..., Path]:
    """Make a file with its folders; a source never looks inside."""

    def make(path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        return path

    return make


@pytest.fixture
def listed() -> Callable[..., Listing]:
    """List DATA as a verb would."""

    def ask(data: object, **options: object) -> Listing:
        return open_source(Request(str(data), **options), quiet=True)

    return ask
