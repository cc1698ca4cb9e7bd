"""`bestiary` (or `bestiary:SEED`): the embedded sample, animals of 40 families drawn by our own code.

Enters: a seed. Leaves: a folder in Rare Species layout below the cache, drawn once, and its listing. It exists so
that everything can be tried, offline, on pictures that are worth looking at: six phyla, three media (photograph,
drawing, fossil), 30 to 300 pictures a family, the same bytes for the same seed.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd
import portalocker

from raravis import files
from raravis.data.sources._listing import Listing, Request
from raravis.data.sources.bestiary import _sample
from raravis.taxonomy import RANKS

PRIORITY: Final = 100
_FORM: Final = re.compile(r"bestiary(?::(-?\d+))?")


def claims(data: str) -> bool:
    """True for `bestiary` and `bestiary:SEED` with an integer seed."""
    return _FORM.fullmatch(data) is not None


def listing(request: Request, *, quiet: bool = False) -> Listing:
    """Draw the sample once into the cache and list it.

    Two processes that ask at once draw it once: the second waits. A drawing that was killed is begun anew.

    Raises:
        StorageError: the cache cannot be written.
    """
    found = _FORM.fullmatch(request.data)
    seed = int(found[1] or 0) if found else 0
    name = f"{version()}-{seed}"
    shelf = files.cache("bestiary")
    root = shelf / name
    with (
        files.storage(shelf),
        portalocker.Lock(shelf / f".{name}.lock", "a", timeout=None, flags=portalocker.LOCK_EX),
    ):
        if not _sample.complete(root):
            hidden = shelf / f".{name}.part"
            shutil.rmtree(hidden, ignore_errors=True)
            draw(hidden, seed=seed, quiet=quiet)
            if root.exists():
                shutil.rmtree(root)
            hidden.replace(root)
    table = pd.read_csv(root / "metadata.csv", dtype=str, keep_default_na=False)
    kept = ["file_path", *RANKS, "medium", "group", "rare_species_id"]
    listed = table[kept].assign(problem="", license="Apache-2.0", rights_holder="raravis, drawn by its own code")
    return Listing(kind="bestiary", root=root, table=listed)


def draw(
    folder: Path | str,
    *,
    seed: int = 0,
    share: float = 1.0,
    families: Sequence[str] | None = None,
    processes: int | None = None,
    quiet: bool = False,
) -> None:
    """Draw the sample into `folder`: `<phylum>_<family>/<name>.jpg` and `metadata.csv` (written last).

    Args:
        folder: made if need be; files of the same names are replaced.
        seed: the same seed gives the same bytes (with the same Pillow and numpy).
        share: of the full counts (30–300 a family), at least four pictures a family.
        families: only these, by name; None for all.
        processes: how many draw at once; None for one a core. The result does not depend on it.
        quiet: show no progress.

    Raises:
        UsageError: an unknown family, or a share outside (0, 1].
        StorageError: the folder cannot be written.
    """
    _sample.write(Path(folder), seed=seed, share=share, families=families, processes=processes, quiet=quiet)


def version() -> str:
    """Changes whenever the generator's code changes, so that a cache never mixes two generations."""
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    return files.digest(*(part for s in sources for part in (s.name, s.read_bytes())))[:12]
