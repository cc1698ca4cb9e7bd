"""`rare-species`: the Rare Species dataset from the Hugging Face hub, or a folder that holds it as published"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from raravis import taxonomy
from raravis.data.sources import _tables
from raravis.data.sources._labels import images_below
from raravis.data.sources._listing import Listing, Request
from raravis.errors import DataError, OfflineError, UsageError

PRIORITY: Final = 30
REPOSITORY: Final = "imageomics/rare-species"
NAMES: Final = ("rare-species", "rare_species", REPOSITORY)
PATTERNS: Final = ("dataset/**", "metadata/*.csv", "*.csv", "*.md")
CATALOG: Final = ("metadata/rarespecies-catalog.csv", "rarespecies-catalog.csv", "metadata.csv")
LICENCES: Final = ("metadata/licenses.csv", "licenses.csv")
KEPT: Final = ("license_name", "copyright_owner", "license_link", "title")


def claims(data: str) -> bool:
    """The dataset's name, or a folder with `dataset/` and its catalogue, as published."""
    folder = Path(data)
    return data in NAMES or ((folder / "dataset").is_dir() and any((folder / name).is_file() for name in CATALOG))


def listing(request: Request, *, quiet: bool = False) -> Listing:
    """The images of the dataset with their lineage, common names and licences.

    The file's folder states its lineage (`kingdom-phylum-class-order-family-genus-species`), its name the ids
    (`<eol_content_id>_<eol_page_id>_…`), by which the catalogue's and the licences' rows are joined.

    Raises:
        OfflineError: the dataset is not in the hub's cache and cannot be fetched.
        DataError: the folder does not hold what was published.
        UsageError: columns or a root were named.
    """
    if request.path_column or request.label_column or request.root:
        raise UsageError("rare-species knows its own columns; leave --path-column, --label-column and --root out.")
    root = _fetched(quiet) if request.data in NAMES else Path(request.data).absolute()
    rows = [_row(path.relative_to(root)) for path in images_below(root / "dataset")]
    if not rows:
        raise DataError(f"{root / 'dataset'} holds no images.\nFolders named kingdom-phylum-…-species were expected.")
    table = pd.DataFrame(rows)
    table = _joined(table, root, CATALOG, ("rarespecies_id", "sciName", "common"))
    table = _joined(table, root, LICENCES, KEPT)
    return _tables.listing("rare_species", root, table.fillna(""))


def _row(path: Path) -> dict[str, str]:
    lineage = path.parts[1].split("-", len(taxonomy.RANKS) - 1)
    content, _, rest = path.name.partition("_")
    return {
        "file_path": path.as_posix(),
        **dict(zip(taxonomy.RANKS, [*lineage, *[""] * 7][:7], strict=True)),
        "eol_content_id": content,
        "eol_page_id": rest.partition("_")[0],
    }


def _joined(table: pd.DataFrame, root: Path, names: tuple[str, ...], columns: tuple[str, ...]) -> pd.DataFrame:
    """The table with columns of the first of the files `names` that is there, joined by `eol_content_id`."""
    for name in names:
        if (root / name).is_file():
            other = _tables.read_csv(root / name)
            kept = [c for c in columns if c in other]
            if "eol_content_id" not in other or not kept:
                continue
            first = other.drop_duplicates("eol_content_id")[["eol_content_id", *kept]]
            return table.merge(first, on="eol_content_id", how="left", validate="many_to_one")
    return table


def _fetched(quiet: bool) -> Path:
    """The dataset's folder in the hub's cache, fetched or completed first where a network answers."""
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    from huggingface_hub.utils import disable_progress_bars, enable_progress_bars

    (disable_progress_bars if quiet else enable_progress_bars)()
    try:
        return Path(
            huggingface_hub.snapshot_download(REPOSITORY, repo_type="dataset", allow_patterns=list(PATTERNS))
        )
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        cause = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise OfflineError(
            f"The dataset {REPOSITORY} is not in the cache and could not be fetched: {cause}\n"
            "Go online once (unset HF_HUB_OFFLINE), set HF_HOME to a cache that holds it, or give its folder as DATA."
        ) from error
