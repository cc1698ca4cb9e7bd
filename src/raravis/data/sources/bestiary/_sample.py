"""The whole sample as a folder in Rare Species layout, drawn on all cores.

Enters: a seed and a share of the full counts. Leaves: `<phylum>_<family>/<name>.jpg` and, written last,
`metadata.csv`, whose presence says that the folder is complete.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import joblib  # type: ignore[import-untyped]
import pandas as pd

from raravis import files
from raravis.data.sources.bestiary._family import Family
from raravis.data.sources.bestiary._picture import cast, picture
from raravis.data.sources.bestiary.families import all_families
from raravis.errors import UsageError, unknown
from raravis.progress import bar

COLUMNS: Final = (
    *("rare_species_id", "eol_content_id", "eol_page_id", "kingdom", "phylum", "family", "file_path"),
    *("class", "order", "genus", "species", "group", "medium"),
)
_LEAST: Final = 4
_CHUNK: Final = 16


def write(
    folder: Path,
    *,
    seed: int,
    share: float,
    families: Sequence[str] | None,
    processes: int | None,
    quiet: bool,
) -> None:
    """See `bestiary.draw`."""
    if not 0 < share <= 1:
        raise UsageError(f"share is {share}; expected a number above 0 and at most 1.")
    chosen = _chosen(families)
    folder = files.folder(folder)
    counts = {f.name: max(_LEAST, round(f.images * share)) for f in chosen}
    rows = [_row(f, index, seed) for f in chosen for index in range(counts[f.name])]
    for name in sorted({str(Path(row["file_path"]).parent) for row in rows}):
        files.folder(folder / name)
    chunks = list(_chunks(counts))
    workers = processes or min(joblib.cpu_count(), len(chunks))
    with bar("Drawing the bestiary", len(rows), quiet=quiet, unit="pictures") as advance:
        pool = joblib.Parallel(n_jobs=workers, return_as="generator_unordered", pre_dispatch="2*n_jobs")
        for done in pool(joblib.delayed(_draw_chunk)(folder, name, seed, first, last) for name, first, last in chunks):
            advance(done)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    files.write_text(folder / "metadata.csv", table.to_csv(index=False, lineterminator="\n"))


def complete(folder: Path) -> bool:
    """Whether `folder` holds a whole sample: its table and every file that the table names."""
    table = folder / "metadata.csv"
    if not table.is_file():
        return False
    return all((folder / p).is_file() for p in pd.read_csv(table, dtype=str)["file_path"])


def _chosen(names: Sequence[str] | None) -> list[Family]:
    known = {f.name: f for f in all_families()}
    for name in names or ():
        if name not in known:
            raise UsageError(unknown("family of the bestiary", name, known))
    return [f for f in all_families() if names is None or f.name in names]


def _row(family: Family, index: int, seed: int) -> dict[str, str]:
    kind, medium = cast(family, index, seed)
    genus, epithet = kind.name.split()
    return {
        **family.ranks,
        "rare_species_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"raravis:bestiary/{seed}/{family.name}/{index}")),
        "file_path": _path(family, index, seed),
        "genus": genus,
        "species": epithet,
        "group": f"{genus}_{epithet}",
        "medium": medium,
    }


def _path(family: Family, index: int, seed: int) -> str:
    kind, _ = cast(family, index, seed)
    return f"{family.ranks['phylum']}_{family.name}/{kind.name.replace(' ', '-')}-{index:04d}.jpg"


def _chunks(counts: dict[str, int]) -> Iterator[tuple[str, int, int]]:
    for name, count in counts.items():
        for first in range(0, count, _CHUNK):
            yield name, first, min(first + _CHUNK, count)


def _draw_chunk(folder: Path, name: str, seed: int, first: int, last: int) -> int:
    family = next(f for f in all_families() if f.name == name)
    for index in range(first, last):
        path = folder / _path(family, index, seed)
        hidden = path.with_name(f".{path.stem}.{os.getpid()}.part")
        with files.storage(path):  # no `files.atomic`: a sync a file would take longer than drawing it
            hidden.write_bytes(picture(family, index, seed).jpeg)
            hidden.replace(path)
    return last - first
