"""Every error that a user can meet.

    RaravisError            exit code 1
    ├── UsageError          2   the call cannot mean anything: unknown name, missing DATA, bad value
    │   └── RecipeError     2   a field of a recipe is unknown or out of range
    ├── DataError           1   the data cannot be used: empty, one family only, columns missing
    ├── StorageError        1   a file or folder cannot be written: disk full, read-only, in use
    ├── RunError            1   a run folder is not what was asked for: unfinished, damaged, another data set
    │   └── BundleError     1   a bundle is not what it claims to be: damaged, changed, too large, unsafe
    ├── OfflineError        1   something must be fetched and no network answers
    ├── MissingError        1   a part of raravis is not installed
    └── ClusterError        1   a Ray cluster cannot be joined, or its workers keep dying

A message is one or two lines: what was found, what was expected, what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RaravisError(Exception):
    """The root: catch it to catch everything that raravis raises on purpose."""

    exit_code = 1


class UsageError(RaravisError):
    """The call cannot mean anything."""

    exit_code = 2


class RecipeError(UsageError):
    """A recipe has a field that is unknown or out of range."""


class DataError(RaravisError):
    """The data cannot be used for what was asked."""


class StorageError(RaravisError):
    """A file or folder cannot be written."""


class RunError(RaravisError):
    """A run folder is not what was asked for."""


class BundleError(RunError):
    """A bundle is not what it claims to be."""


class OfflineError(RaravisError):
    """Something must be fetched first and no network answers."""


class MissingError(RaravisError):
    """A part of raravis is not installed; the message names the extra that brings it."""


class ClusterError(RaravisError):
    """Many machines cannot be worked on."""


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that `name` is no known `kind`, list the known ones, nearest first."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    listed = ", ".join([*near, *(k for k in known if k not in near)]) or "none"
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"There is no {kind} named {name!r}.{hint}\nKnown: {listed}."
