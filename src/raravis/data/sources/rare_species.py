"""`rare-species`: imageomics/rare-species from the Hugging Face hub, or a folder that holds it as published."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pandas as pd

from raravis import files, taxonomy
from raravis.data.sources import _tables
from raravis.data.sources._labels import merged
from raravis.data.sources._listing import Listing, Request
from raravis.data.sources._paths import images_below, nameable
from raravis.errors import DataError, OfflineError, UsageError

PRIORITY: Final = 30
REPOSITORY: Final = "imageomics/rare-species"
NAMES: Final = ("rare-species", REPOSITORY)
WANTED: Final = ("dataset/**", "metadata/*.csv", "metadata.csv")
CATALOGUES: Final = ("metadata/rarespecies-catalog.csv", "metadata.csv")
LICENCES: Final = "metadata/licenses.csv"
IDS: Final = ("rarespecies_id", "eol_content_id")
LICENCE_COLUMNS: Final = (
    *("license_name", "copyright_owner", "license_link", "title"),
    *("md5", "medium_source_url", "eol_full_size_copy_url"),
)


def claims(data: str) -> bool:
    """Claim the dataset's name, and a folder with `dataset/` and its catalogue, as published."""
    folder = Path(data)
    if data in NAMES:
        return True
    return (folder / "dataset").is_dir() and any((folder / name).is_file() for name in CATALOGUES)


def listing(request: Request, *, quiet: bool = False) -> Listing:
    """List the images of the dataset with their lineage, names and licences.

    A file's folder states its lineage (`kingdom-phylum-class-order-family-genus-species`), its name begins with
    the `eol_content_id` by which it is found in the catalogue; licences are joined by `rarespecies_id`.

    Raises:
        OfflineError: the dataset is not whole in the hub's cache and cannot be fetched.
        StorageError: the hub's cache cannot be written.
        DataError: the folder does not hold what was published.
        UsageError: columns or a root were named.
    """
    if request.path_column or request.label_column or request.root:
        raise UsageError("rare-species brings its own columns.\nLeave --path-column, --label-column and --root out.")
    root = _fetched(quiet) if request.data in NAMES else Path(request.data).absolute()
    walk = images_below(root / "dataset")
    paths, problems = nameable(walk.images)
    if not paths:
        raise DataError(f"{root / 'dataset'} holds no images.\nFolders named kingdom-phylum-…-species were expected.")
    table, notes = _catalogued(pd.DataFrame(map(_row, paths), dtype=object), root)
    table, merges = merged(table.assign(problem=problems))
    return Listing("rare_species", root, table, (*walk.notes, *notes, *merges))


def _row(path: str) -> dict[str, str]:
    """Read what the name of a file below `dataset/` says."""
    folder, _, name = path.rpartition("/")
    lineage = folder.rpartition("/")[2].split("-", len(taxonomy.RANKS) - 1)
    whole = lineage if len(lineage) == len(taxonomy.RANKS) else [""] * len(taxonomy.RANKS)
    content, _, rest = name.partition("_")
    return {
        "file_path": f"dataset/{path}",
        **dict(zip(taxonomy.RANKS, whole, strict=True)),
        "eol_content_id": content,
        "eol_page_id": rest.partition("_")[0],
    }


def _catalogued(table: pd.DataFrame, root: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Add what the catalogue and the licences say; where the catalogue states a rank, it rules."""
    file = next((root / name for name in CATALOGUES if (root / name).is_file()), None)
    if file is None:
        return table, ("The dataset's catalogue is missing; lineages come from the names of folders alone.",)
    catalogue = _tables.read(file)
    if IDS[1] not in catalogue:
        raise DataError(f"{file} has no column {IDS[1]!r}.\nThe catalogue as published was expected.")
    catalogue = catalogue.drop_duplicates(IDS[1]).set_index(IDS[1], drop=False)
    notes = []
    if absent := len(catalogue.index.difference(pd.Index(table[IDS[1]]))):
        notes.append(f"{absent} of the {len(catalogue)} images of the catalogue are not in {root / 'dataset'}.")
    if strange := int((~table[IDS[1]].isin(catalogue.index)).sum()):
        notes.append(f"{strange} images are not in the catalogue; their folders' names tell their lineage.")
    beside = catalogue.reindex(table[IDS[1]]).fillna("").reset_index(drop=True)
    for column in beside.columns.drop("file_path", errors="ignore"):
        own = table.get(column, "")
        table[column] = beside[column].where(beside[column] != "", own)
    table, without = _licensed(table, root)
    if without:
        notes.append(f"{without} images have no licence in {LICENCES}; ask before you publish them.")
    return table, tuple(notes)


def _licensed(table: pd.DataFrame, root: Path) -> tuple[pd.DataFrame, int]:
    """Add each image's licence; also say how many have none."""
    if not (root / LICENCES).is_file():
        return table, len(table)
    licences = _tables.read(root / LICENCES)
    key = next((name for name in IDS if name in licences and name in table), None)
    if key is None or LICENCE_COLUMNS[0] not in licences:
        raise DataError(f"{root / LICENCES} has no column {IDS[0]!r} or {LICENCE_COLUMNS[0]!r}.\nSee that it is whole.")
    kept = licences.drop_duplicates(key).set_index(key)[[c for c in LICENCE_COLUMNS if c in licences]]
    beside = kept.reindex(table[key]).fillna("").reset_index(drop=True)
    return table.assign(**beside), int((beside[LICENCE_COLUMNS[0]] == "").sum())


def _fetched(quiet: bool) -> Path:
    """Give the dataset's folder in the hub's cache, fetched or completed first where a network answers."""
    import huggingface_hub  # slow to import, needed only here
    from huggingface_hub.constants import HF_HUB_CACHE

    try:
        with _silent(quiet):
            return Path(huggingface_hub.snapshot_download(REPOSITORY, repo_type="dataset", allow_patterns=list(WANTED)))
    except Exception as error:  # each version of the hub's client raises its transport's own kinds
        if isinstance(error, OSError) and error.errno and not isinstance(error, ConnectionError | TimeoutError):
            with files.storage(Path(HF_HUB_CACHE)):
                raise
        cause = str(error).strip().partition("\n")[0].partition(". ")[0][:300] or type(error).__name__
        raise OfflineError(
            f"The dataset {REPOSITORY} is not whole in {HF_HUB_CACHE} and could not be fetched: {cause}.\n"
            "Go online (without HF_HUB_OFFLINE) and call again, what was fetched is kept; "
            "or let HF_HOME name a cache that holds it; or give its folder as DATA."
        ) from error


@contextmanager
def _silent(quiet: bool) -> Iterator[None]:
    """Hide the hub's own bars while the block runs, if asked to."""
    import huggingface_hub.utils as hub

    if not quiet or hub.are_progress_bars_disabled():  # type: ignore[attr-defined]
        yield
        return
    hub.disable_progress_bars()  # type: ignore[attr-defined]
    try:
        yield
    finally:
        hub.enable_progress_bars()  # type: ignore[attr-defined]
