"""With what a run was made: versions, machine, data, split."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pandas as pd
import psutil

from raravis import __version__, credits
from raravis.data import split as splits
from raravis.data.catalogue import Catalogue
from raravis.data.sources import Request
from raravis.errors import UsageError

_NAMED: Final = 12
"""Licences that are counted each for itself."""


def describe(request: Request, found: Catalogue, split: pd.DataFrame) -> dict[str, Any]:
    """What `environment.json` holds; `request_of` reads the data's place back.

    Args:
        request: what the user said about DATA.
        found: the same, looked at.
        split: `image_id, split` and what else `splits.digest` asks for.
    """
    return {
        **made_with(),
        "data": {
            "data": str(Path(request.data).absolute()) if Path(request.data).exists() else request.data,
            "path_column": request.path_column,
            "label_column": request.label_column,
            "root": None if request.root is None else str(request.root.absolute()),
            "digest": found.digest,
            "licences": _licences(found, split),
        },
        "split_digest": splits.digest(split),
    }


def _licences(found: Catalogue, split: pd.DataFrame) -> dict[str, int]:
    """How many of the training photographs are under each licence, the most frequent first; rare ones together."""
    readable = found.readable.drop_duplicates("image_id")
    train = readable["image_id"].isin(split.loc[split["split"] == "train", "image_id"])
    counts = readable.loc[train, "license"].replace("", credits.UNKNOWN).value_counts()
    named = {str(name): int(count) for name, count in counts.head(_NAMED).items()}
    return named | ({"others": int(counts.iloc[_NAMED:].sum())} if len(counts) > _NAMED else {})


def made_with() -> dict[str, Any]:
    """Versions, machine and command."""
    from raravis import engine

    return {
        "raravis": __version__,
        "python": platform.python_version(),
        **engine.describe(),
        "packages": {name: version(name) for name in ("numpy", "pandas", "pillow", "scikit-learn")},
        "machine": {
            "system": platform.platform(),
            "processor": platform.machine(),
            "cores": psutil.cpu_count(),
            "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        },
        "command": sys.argv[1:] if sys.argv and "raravis" in Path(sys.argv[0]).name else [],
    }


def request_of(environment: dict[str, Any]) -> Request:
    """The DATA that a run was made of.

    Raises:
        UsageError: it was made of names alone.
    """
    if "data" not in environment:
        raise UsageError("The run was made of names, without images.\nGive labelled images to judge it on with --data.")
    data = environment["data"]
    root = None if data["root"] is None else Path(data["root"])
    return Request(data["data"], data["path_column"], data["label_column"], root)
