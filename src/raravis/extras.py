"""What is not installed: the lack of a package becomes one error that names the extra which brings it.

Enters: Python's own error about a module that it cannot find. Leaves: a `MissingError`. Which extra brings what is read
from the metadata that raravis was installed with, and written down nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from raravis.errors import MissingError

PARTS: Final = {"train": "training", "field": "field", "serve": "serving", "hub": "keras-hub"}
"""What people call the parts that an extra brings, where that is not its name."""

_MODULES: Final = {"multipart": "python-multipart", "sklearn": "scikit-learn"}
"""Modules that are called otherwise than the package that they come in."""


@contextmanager
def told() -> Iterator[None]:
    """Tell of a package that is not installed which extra brings it.

    Raises:
        MissingError: a module cannot be found that an extra brings. Other modules that cannot be found are a bug and
            stay what they are.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if missing := lacking(error):
            raise missing from error
        raise


def lacking(error: ImportError) -> MissingError | None:
    """The error that names the extra to install; None if none brings the module."""
    package = _package(error.name or "")
    if not (brought := bringing(package)):
        return None
    extra = brought[0]
    parts = PARTS.get(extra, extra)
    return MissingError(f"This needs the {parts} parts: pip install 'raravis[{extra}]' ({package} is not installed).")


def bringing(package: str) -> list[str]:
    """The extras that bring a package, the one with fewest others first; of equals the first that is listed.

    Args:
        package: as package registries spell it, or with other case or dashes.
    """
    from importlib.metadata import PackageNotFoundError, requires  # slow to import, needed only here

    try:
        wanted = requires("raravis") or []
    except PackageNotFoundError:
        return []
    extras: dict[str, set[str]] = {}
    for line in wanted:
        if found := re.match(r"""([\w.-]+).*;.*\bextra == ['"]([\w-]+)['"]""", line):
            extras.setdefault(found[2], set()).add(_same(found[1]))
    return sorted((e for e, brought in extras.items() if _same(package) in brought), key=lambda e: len(extras[e]))


def _package(module: str) -> str:
    top = module.partition(".")[0]
    return _MODULES.get(top, top)


def _same(name: str) -> str:
    """The key under which spellings of a package are one; see the packaging user guide, "Name normalization"."""
    return re.sub(r"[-_.]+", "-", name).lower()
