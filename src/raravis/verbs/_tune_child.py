"""One trial in a process of its own, so that what kills it kills nothing else: `python -m raravis.verbs._tune_child`.

Takes one argument, the trial's description as JSON. What goes wrong is one line on standard error.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

from raravis import recipe
from raravis.data.sources import Request
from raravis.errors import RaravisError


def main(text: str) -> int:
    """Run the trial; 0 if its `metrics.json` is written."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    told = json.loads(text)
    root = told["root"]
    request = Request(told["data"], told["path_column"], told["label_column"], None if root is None else Path(root))
    wanted = recipe.validate(told["recipe"], "of the trial")
    try:
        from raravis.verbs._trial import opened, trial

        images = opened(request, wanted, told["split"], quiet=True)
        trial(Path(told["folder"]), wanted, images.images, images.table, images.about)
    except MemoryError as error:
        return _fail(f"out of memory: {error}" if str(error) else "out of memory")
    except RaravisError as error:
        return _fail(str(error))
    except Exception as error:  # a search outlives whatever one of its trials comes to
        return _fail(f"{type(error).__name__}: {error}")
    return 0


def _fail(cause: str) -> int:
    print(" ".join(cause.split())[:500], file=sys.stderr)
    return 1


def _end_with(parent: int) -> None:
    """End when the search that started this process is gone: nobody waits for the trial any more."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
