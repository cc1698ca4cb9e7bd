"""Trials kept in the cache: by network, machine and versions.

Enters: a model and what was tried. Leaves: the trials of an earlier call, or None. What cannot be read is measured
anew.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from raravis import files, fingerprint
from raravis.runtimes._runner import PRECISIONS
from raravis.runtimes._trials import Trial

_VERSION: Final = 1
_PACKAGES: Final = ("raravis", "keras", "tensorflow", "onnxruntime", "tf2onnx", "openvino")


def key(model: Any, candidates: Sequence[str], bounds: tuple[float, float]) -> str:
    """64 hex digits that change with whatever could change a trial's outcome."""
    about = {
        "version": _VERSION,
        "candidates": list(candidates),
        "bounds": bounds,
        "network": fingerprint.network(model),
        "machine": _machine(),
        "packages": [_installed(name) for name in _PACKAGES],
    }
    return files.digest(json.dumps(about, sort_keys=True))


def read(key: str) -> list[Trial] | None:
    """The trials kept under a key; None if there are none, or none that can be read."""
    try:
        held = json.loads(_file(key).read_text(encoding="utf-8"))
        trials = [Trial(**one) for one in held]
    except (OSError, ValueError, TypeError):
        return None
    sound = all(t.precision in PRECISIONS and isinstance(t.images_per_second, int | float) for t in trials)
    return trials if sound and any(t.precision == "float32" and t.images_per_second > 0 for t in trials) else None


def write(key: str, trials: Sequence[Trial]) -> None:
    """Keep trials under a key.

    Raises:
        StorageError: the cache cannot be written.
    """
    files.write_json(_file(key), [asdict(trial) for trial in trials])


def _file(key: str) -> Path:
    return files.cache("runtimes") / f"{key[:32]}.json"


def _machine() -> list[str]:
    """The processor, its abilities, and how many of its cores this process may use."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text(encoding="utf-8", errors="replace").splitlines() if facts.is_file() else []
    told = sorted({line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))})
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return [platform.system(), platform.machine(), platform.processor(), *told, str(cores)]


def _installed(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"no {name}"
