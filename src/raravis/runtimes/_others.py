"""How much of the machine other processes took meanwhile: what was timed beside them does not hold for quieter days."""

from __future__ import annotations

import time

import psutil


class Others:
    """Counts from when it is made."""

    def __init__(self) -> None:
        self._began = _counts()

    def share(self) -> float:
        """Processor time of other processes since then, as a share of all there was, 0–1."""
        wall, busy, own = (now - then for now, then in zip(_counts(), self._began, strict=True))
        return max(0.0, busy - own) / max(wall * (psutil.cpu_count() or 1), 1e-9)


def _counts() -> tuple[float, float, float]:
    """Seconds on the clock, of all processors at work, and of this process."""
    all_of_them, own = psutil.cpu_times(), psutil.Process().cpu_times()
    busy = all_of_them.user + all_of_them.system + getattr(all_of_them, "nice", 0.0)
    return time.monotonic(), busy, own.user + own.system
