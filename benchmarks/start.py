"""How quickly the command line answers: `raravis --help`, what `import raravis` loads, a bundle's first prediction.

Enters, if wished: a bundle and a photograph. Leaves: one JSON object on standard output. Each call is a fresh process.
Of `--help` the best of a few counts, for whatever else the machine does only ever adds to a call; of predictions the
median is given too.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

BAR_SECONDS = 0.35
PREDICT_BAR_SECONDS = 2.0
HEAVY = ("keras", "tensorflow", "pandas", "pyarrow", "matplotlib", "sklearn", "scipy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=5)
    parser.add_argument("--bundle", type=Path, help="time its first prediction too")
    parser.add_argument("--photo", type=Path, help="the photograph to identify; a grey one unless given")
    given = parser.parse_args()
    helped = min(_seconds([sys.executable, "-m", "raravis", "--help"], given.calls))
    imported = min(_seconds([sys.executable, "-c", "import raravis"], given.calls))
    bare = min(_seconds([sys.executable, "-c", "pass"], given.calls))
    loaded = _loaded("import raravis")
    figures: dict[str, Any] = {
        "help_seconds": round(helped, 3),
        "import_seconds": round(imported, 3),
        "bare_python_seconds": round(bare, 3),
        "loaded_by_import": loaded,
        "bar_seconds": BAR_SECONDS,
        "met": helped < BAR_SECONDS and not loaded,
    }
    if given.bundle:
        figures |= _predicted(given.bundle, given.photo, given.calls)
        figures["met"] &= figures["predict_met"]
    print(json.dumps(figures))


def _predicted(bundle: Path, photo: Path | None, calls: int) -> dict[str, Any]:
    """From the start of a process to the row on the disk and the end of the process."""
    with tempfile.TemporaryDirectory() as desk:
        if photo is None:
            photo = Path(desk, "grey.png")
            _grey(photo)
        arguments = ["predict", str(bundle), str(photo), "--out", str(Path(desk, "out.csv")), "--quiet"]
        seconds = _seconds([sys.executable, "-m", "raravis", *arguments], calls)
        loaded = _loaded(f"import sys; from raravis.cli import app; app({arguments!r}, standalone_mode=False)")
    median = statistics.median(seconds)
    return {
        "predict_seconds": round(median, 3),
        "predict_best_seconds": round(min(seconds), 3),
        "loaded_by_predict": loaded,
        "predict_bar_seconds": PREDICT_BAR_SECONDS,
        "predict_met": median <= PREDICT_BAR_SECONDS and not loaded,
    }


def _grey(file: Path) -> None:
    from PIL import Image

    Image.new("RGB", (1024, 768), (128, 128, 128)).save(file)


def _seconds(command: list[str], calls: int) -> list[float]:
    """Of each of `calls` calls."""
    seconds = []
    for _ in range(calls):
        begun = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - begun)
    return seconds


def _loaded(code: str) -> list[str]:
    """The heavy libraries that a program loads: none, it is hoped."""
    told = f"import json, sys\n{code}\nprint(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True)
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
