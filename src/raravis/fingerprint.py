"""What tells one network from another: its weights and its layers, not the names that layers have by chance."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from raravis import engine


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
