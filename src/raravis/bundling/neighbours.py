"""The training photographs that a bundle remembers: a run's own images enter, arrays and thumbnails leave.

Whose they are is taken along where the data tells it. Thumbnails are pictures of other people; they are made only where
the maker of the bundle says so.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from raravis import progress
from raravis.data import decode
from raravis.data.ahead import ahead, cores
from raravis.serve.neighbours import RIGHTS

SIDE: Final = 128
"""Longer side of a thumbnail, in pixels."""
QUALITY: Final = 80
LARGEST: Final = 64 << 20
"""Bytes of features up to which they are kept as float16; beyond, as int8."""
_LONGEST: Final = 500


def chosen(table: pd.DataFrame, most: int | None, seed: int) -> pd.DataFrame:
    """At most so many of the training photographs, of every family as many as can be.

    Args:
        table: `image_id, family`, one row a photograph.
        most: None for all.
        seed: of the choice.
    """
    if most is None or len(table) <= most:
        return table
    shuffled = table.sample(frac=1, random_state=seed)
    turn = shuffled.groupby("family").cumcount()
    return shuffled.assign(turn=turn).sort_values("turn", kind="stable").head(most)[list(table.columns)].sort_index()


def arrays(
    table: pd.DataFrame, features: NDArray[np.float32], families: Iterable[str], rights: pd.DataFrame
) -> dict[str, NDArray[Any]]:
    """What `serve.neighbours` reads.

    Args:
        table: `image_id, family`, one row a photograph.
        features: float32 `(n, D)`, of any length.
        families: of the bundle.
        rights: `license` and `rights_holder` by image id, where the data has such columns.
    """
    length = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features / np.maximum(length, 1e-12)
    scale = np.ones(len(unit), np.float32)
    if unit.size * 2 <= LARGEST:
        rows: NDArray[Any] = unit.astype(np.float16)
    else:
        scale = (np.abs(unit).max(axis=1, initial=1e-12) / 127).astype(np.float32)
        rows = np.rint(unit / scale[:, None]).astype(np.int8)
    told = {name: _told(table, rights, name) for name in RIGHTS}
    names = sorted({"", *(text for texts in told.values() for text in texts)})
    return {
        "rows": rows,
        "scale": scale,
        "classes": pd.Index(list(families)).get_indexer(pd.Index(table["family"])).astype(np.int32),
        "ids": np.array([list(bytes.fromhex(one)) for one in table["image_id"]], np.uint8).reshape(-1, 32),
        "names": np.array(names, dtype=np.str_),
        **{name: np.searchsorted(names, texts).astype(np.int32) for name, texts in told.items()},
    }


def thumbnails(paths: list[Path], *, quiet: bool) -> tuple[bytes, NDArray[np.int64]]:
    """Small JPEGs of photographs, one behind the other, and where each ends; nothing but pixels is taken along.

    Raises:
        UnreadableImageError: a photograph is gone.
    """

    def one(path: Path) -> bytes:
        image = decode.open_upright(decode.read_bytes(path), around=SIDE)
        image.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=3.0)
        held = io.BytesIO()
        image.save(held, "JPEG", quality=QUALITY)
        return held.getvalue()

    made = []
    with (
        progress.bar("Thumbnails", len(paths), quiet=quiet, unit="photographs") as advance,
        closing(ahead(one, paths, window=4 * cores())) as pictures,
    ):
        for picture in pictures:
            made.append(picture)
            advance()
    return b"".join(made), np.cumsum([len(picture) for picture in made], dtype=np.int64)


def _told(table: pd.DataFrame, rights: pd.DataFrame, name: str) -> list[str]:
    if name not in rights:
        return [""] * len(table)
    return [str(text)[:_LONGEST] for text in rights[name].reindex(table["image_id"]).fillna("")]
