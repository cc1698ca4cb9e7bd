"""How quickly the command line answers: `raravis --help`, and what `import raravis` loads.

Leaves: one JSON object on standard output. Each call is a fresh process; the best of a few counts, for whatever else
the machine does only ever adds to a call.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

BAR_SECONDS = 0.35
HEAVY = ("keras", "tensorflow", "pandas", "matplotlib", "sklearn")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=5)
    calls = parser.parse_args().calls
    helped = _best([sys.executable, "-m", "raravis", "--help"], calls)
    imported = _best([sys.executable, "-c", "import raravis"], calls)
    bare = _best([sys.executable, "-c", "pass"], calls)
    loaded = _loaded()
    print(
        json.dumps(
            {
                "help_seconds": round(helped, 3),
                "import_seconds": round(imported, 3),
                "bare_python_seconds": round(bare, 3),
                "loaded_by_import": loaded,
                "bar_seconds": BAR_SECONDS,
                "met": helped < BAR_SECONDS and not loaded,
            }
        )
    )


def _best(command: list[str], calls: int) -> float:
    """Seconds of the quickest of `calls` calls."""
    seconds = []
    for _ in range(calls):
        begun = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


def _loaded() -> list[str]:
    """The heavy libraries that `import raravis` loads: none, it is hoped."""
    code = f"import json, sys, raravis; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    found: list[str] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
