"""Long work in a folder: noted there when it is begun, recognised there when it is to go on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from raravis import files
from raravis.errors import RunError


def claim(file: Path, plan: Mapping[str, Any], *, work: str, resume: bool) -> None:
    """Note `plan` in `file`, or see that the work noted there is the same.

    Args:
        file: JSON, in the folder of the work.
        plan: what the work depends on; JSON-able.
        work: what it is called in errors: `search`, `study`, `comparison`.
        resume: whether work that was begun may go on.

    Raises:
        RunError: work was begun in the folder, and is not to be resumed, or is another; what differs is named.
    """
    see(file, plan, work=work, resume=resume)
    if not file.is_file():
        files.write_json(file, dict(plan))


def see(file: Path, plan: Mapping[str, Any], *, work: str, resume: bool) -> None:
    """As `claim`, but note nothing; `plan` may hold a part of what was noted."""
    if not file.is_file():
        return
    if not resume:
        raise RunError(f"{file.parent} already holds a {work}.\nContinue it with --resume, or choose another --out.")
    before, now = json.loads(file.read_text(encoding="utf-8")), json.loads(json.dumps(plan))
    changed = [name for key in now for name in _differences(before.get(key), now[key], key)]
    if changed:
        raise RunError(
            f"The {work} in {file.parent} was begun with other {', '.join(changed)}.\n"
            "Choose another --out for this one."
        )


def _differences(before: Any, now: Any, name: str) -> list[str]:
    """The dotted names of what differs, as deep as both sides are tables."""
    if isinstance(before, dict) and isinstance(now, dict):
        keys = sorted({*before, *now})
        return [found for key in keys for found in _differences(before.get(key), now.get(key), f"{name}.{key}")]
    return [] if before == now else [name]
