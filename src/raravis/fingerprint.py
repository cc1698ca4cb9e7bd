"""What tells one network from another: its weights and its layers, not the names that layers have by chance."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from raravis import engine
from raravis.errors import RunError


def network(model: Any) -> str:
    """Digest of a Keras model's weights and of its layers, whatever these are called in this process: 64 hex digits."""
    found = hashlib.sha256()
    for weight in model.weights:
        value = np.ascontiguousarray(engine.keras().ops.convert_to_numpy(weight))
        found.update(f"{value.shape}{value.dtype}".encode())
        found.update(value.tobytes())
    architecture = json.loads(model.to_json())
    numbers: dict[str, str] = {}
    _collect(architecture, numbers)
    found.update(json.dumps(_renamed(architecture, numbers), sort_keys=True).encode())
    return found.hexdigest()


def saved(file: Path) -> str:
    """Digest of a saved Keras model, from the checksums that its file lists: 64 hex digits, at once whatever its size.

    Raises:
        RunError: the file is no saved model.
    """
    try:
        with zipfile.ZipFile(file) as held:
            parts = {one.filename: (one.CRC, one.file_size) for one in held.infolist()}
        told = [(name, *parts[name]) for name in ("config.json", "model.weights.h5")]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise RunError(f"{file} is damaged: {error}\nTrain again into another folder.") from error
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _collect(part: Any, numbers: dict[str, str]) -> None:
    """Number the names of layers in the order in which they come."""
    if isinstance(part, dict):
        if isinstance(name := part.get("name"), str):
            numbers.setdefault(name, f"#{len(numbers)}")
        for value in part.values():
            _collect(value, numbers)
    elif isinstance(part, list):
        for value in part:
            _collect(value, numbers)


def _renamed(part: Any, numbers: dict[str, str]) -> Any:
    if isinstance(part, dict):
        return {name: _renamed(value, numbers) for name, value in part.items()}
    if isinstance(part, list):
        return [_renamed(value, numbers) for value in part]
    return numbers.get(part, part) if isinstance(part, str) else part
