"""Names come from files: adding `models/my_net.py` adds the model `my_net`."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from types import ModuleType

from raravis.errors import UsageError, unknown


def names(package: str) -> list[str]:
    """The public names in a package: its modules and sub-packages, but for those with a leading underscore."""
    found = importlib.import_module(package)
    return sorted(m.name for m in pkgutil.iter_modules(found.__path__) if not m.name.startswith("_"))


def load(package: str, name: str, kind: str) -> ModuleType:
    """Import the module that stands for `name`.

    Raises:
        UsageError: no such name; the message lists those that exist, the nearest first.
    """
    whole = f"{package}.{name}"
    if whole in sys.modules and name.isidentifier() and not name.startswith("_"):
        return sys.modules[whole]  # without a look at the folder
    known = names(package)
    if name not in known:
        raise UsageError(unknown(kind, name, known))
    return importlib.import_module(whole)


def summary(module: ModuleType) -> str:
    """The first line of a module's docstring."""
    return (module.__doc__ or "").strip().splitlines()[0]
