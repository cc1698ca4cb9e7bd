"""DATA and a split become what networks learn from: a store of pixels, and one labelled row an image.

Used by every verb that trains or judges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from raravis import credits
from raravis.data import audit, labels
from raravis.data import split as splits
from raravis.data.catalogue import Catalogue
from raravis.data.labels import Lineages
from raravis.data.pixels import PixelStore, open_store
from raravis.errors import DataError
from raravis.learn.fit import Part
from raravis.recipe import Data

RANKS: Final = ("phylum", "class", "order")


@dataclass(frozen=True)
class Labelled:
    """Images of a split, once each, with their pixels.

    Attributes:
        table: `image_id, file_path, family, split`, one row an image; `phylum, class, order` and `species`, and
            `credits.COLUMNS`, "" where unknown; `copies`, equal numbers for copies of one another.
        store: the pixels of all of them.
        lineages: of each family of the catalogue.
        notes: what was left out, one sentence each.
        apart: whether species tell families' images apart and those of the other sides are none of train's.
    """

    table: pd.DataFrame
    store: PixelStore
    lineages: Lineages
    notes: tuple[str, ...]
    apart: bool = False

    @property
    def species_differ(self) -> bool:
        """Whether images of one family are of several known species."""
        known = self.table[self.table["species"] != ""]
        return bool((known.groupby("family")["species"].nunique() > 1).any())

    @property
    def phyla(self) -> dict[str, str]:
        """The phylum of each family, "" where unknown."""
        return {family: lineage.get("phylum", "") for family, lineage in self.lineages.items()}

    def of(self, side: str) -> pd.DataFrame:
        """The rows of one side of the split."""
        return self.table[self.table["split"] == side]

    def part(self, side: str, families: Sequence[str]) -> Part:
        """The images of one side as rows of the store and classes.

        Raises:
            DataError: an image is of a family that `families` lacks.
        """
        table = self.of(side)
        classes = pd.Index(families).get_indexer(pd.Index(table["family"]))
        if (classes < 0).any():
            strange = sorted(set(table["family"]) - set(families))
            raise DataError(
                f"{side} holds families that train lacks: {', '.join(strange[:5])}{' …' if len(strange) > 5 else ''}.\n"
                "Give each of them an image in train, or mark their images 'novel' in the split."
            )
        return Part(
            self.store.rows(table["image_id"].tolist()),
            np.asarray(classes, np.int64),
            {rank: self._codes(rank)[table.index] for rank in RANKS},
            self._codes("species")[table.index],
            self.table["copies"].to_numpy(np.int64)[table.index],
        )

    def _codes(self, column: str) -> NDArray[np.int64]:
        """A number for each name in a column, −1 for none."""
        names = self.table[column]
        return pd.factorize(names.where(names != ""), sort=True)[0].astype(np.int64)


def labelled(catalogue: Catalogue, split: pd.DataFrame, data: Data, sides: Sequence[str], *, quiet: bool) -> Labelled:
    """Join the catalogue and the split by image and open the pixels of the named sides.

    Copies of one image count once; an image whose copies bear different families has no true one and is left out.

    Raises:
        DataError: none of the images of the split is in the catalogue.
        StorageError: the pixels cannot be kept.
    """
    wanted = split[split["split"].isin(sides)]
    there = wanted[wanted["image_id"].isin(catalogue.readable["image_id"])]
    if wanted.empty or there.empty:
        raise DataError(
            f"None of the {len(wanted)} images that the split has in {', '.join(sides)} is in {catalogue.root}.\n"
            "Give the DATA that the split was made of, or make a split of this DATA with `raravis split`."
        )
    notes = []
    if missing := wanted["image_id"].nunique() - there["image_id"].nunique():
        notes.append(f"{missing} images of the split are no longer there or cannot be read; they are left out.")
    families = there.groupby("image_id")["family"].nunique()
    disputed = families.index[families > 1]
    if len(disputed):
        notes.append(f"{len(disputed)} images bear more than one family; they are left out (see `raravis audit`).")
    table = there[~there["image_id"].isin(disputed)].drop_duplicates("image_id").sort_values("image_id")
    readable = catalogue.readable
    about = readable.drop_duplicates("image_id").set_index("image_id")
    species = splits.species_of(about)
    about = about.assign(species="" if species is None else species, copies=audit.together(about.reset_index()))
    columns = ["file_path", *RANKS, "species", *credits.COLUMNS]
    known = about.reindex(columns=columns, fill_value="").assign(copies=about["copies"])
    table = table[["image_id", "family", "split"]].join(known, on="image_id")
    table = table.reset_index(drop=True)
    store = open_store(table, Path(catalogue.root), size=data.size, fit=data.fit, quiet=quiet)
    kinds = split[["image_id", "split"]].drop_duplicates("image_id").join(about["species"], on="image_id")
    kinds = kinds[(kinds["species"].fillna("") != "") & (kinds["split"] != "novel")]
    taught = kinds["split"] == "train"
    learned = set(kinds.loc[taught, "species"])
    apart = bool(taught.any() and (~taught).any()) and not set(kinds.loc[~taught, "species"]) & learned
    return Labelled(table, store, labels.of_table(readable), tuple(notes), apart)
