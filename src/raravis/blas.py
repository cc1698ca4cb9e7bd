"""Linear algebra on one thread, where it takes turns with something that computes on all of them.

The threads of OpenBLAS wait for more work by spinning. That is right for linear algebra alone, and takes the processor
away from whatever comes next: a network, or the BLAS of another package.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Within, every BLAS that was loaded at the first call computes on one thread."""
    with _loaded().limit(limits=1, user_api="blas"):
        yield


@contextmanager
def scipys_on_one_thread() -> Iterator[None]:
    """Within, SciPy's BLAS computes on one thread, and NumPy's on as many as before."""
    loaded = _controller()
    scipys = [one.filepath for one in loaded.lib_controllers if {"scipy", "scipy.libs"} & set(Path(one.filepath).parts)]
    with loaded.select(filepath=scipys).limit(limits=1):
        yield


@cache
def _loaded() -> Any:
    return _controller()


def _controller() -> Any:
    from threadpoolctl import ThreadpoolController  # looks through what is loaded, so only where it is asked for

    return ThreadpoolController()
