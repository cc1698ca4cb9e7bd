"""Which phylum, class and order each family belongs to, as matrices: targets of families become targets of ranks.

That holds for blended targets as well: half a cat and half a dog are all of a carnivore.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray


def lineage(
    classes: NDArray[np.int64], ranks: Mapping[str, NDArray[np.int64]], count: int
) -> dict[str, NDArray[np.float32]]:
    """One matrix a rank: float32 `(count, R)`, 1 where a family belongs to one of the R taxa of that rank.

    A family's taxon is the most frequent among its images. A family without a known one has a row of zeros, which is no
    target and costs nothing. A rank with fewer than two known taxa teaches nothing and is left out.

    Args:
        classes: int64 `(n,)`, the family of each image.
        ranks: for each rank int64 `(n,)`: a number for each taxon, −1 where it is unknown.
        count: number of families, K.
    """
    made = {}
    for rank, taxa in ranks.items():
        known = taxa >= 0
        names, numbers = np.unique(taxa[known], return_inverse=True)
        if len(names) < 2:
            continue
        images = np.zeros((count, len(names)), np.int64)
        np.add.at(images, (classes[known], numbers), 1)
        matrix = np.zeros(images.shape, np.float32)
        found = np.flatnonzero(images.any(axis=1))
        matrix[found, images[found].argmax(axis=1)] = 1
        made[rank] = matrix
    return made
