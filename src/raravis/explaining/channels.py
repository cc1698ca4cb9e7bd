"""Channels, each drawn as the images that it answers to most, with the spot in them that it answers to.

Enters: what `activating` found, the images' files, the network. Leaves: a figure a channel, and what it says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from raravis import drawing, files, progress
from raravis.data import decode
from raravis.data.decode import Fit
from raravis.data.pixels import PixelStore
from raravis.explaining._sheet import Pixels, Sheet
from raravis.explaining.activating import Answers
from raravis.explaining.layers import Channel, Tap
from raravis.explaining.names import distinct

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE: Final = 224
"""Of an image in a figure, in pixels."""
_COLUMNS, _GAP, _MARGIN, _TOP = 3, 16, 24, 102
_SPOT: Final = 0.5
_EDGE: Final = (255, 214, 10)


@dataclass(frozen=True)
class Searched:
    """The images among which the channels' strongest are sought.

    Attributes:
        table: `image_id, file_path, family`, one row an image.
        store: the pixels of all of them.
        root: folder that `file_path` is relative to.
        of: how many there are, of which `table` is a sample.
        what: what they are, in words: `training images`.
    """

    table: pd.DataFrame
    store: PixelStore
    root: Path
    of: int
    what: str


@dataclass(frozen=True)
class Found:
    """What a channel answers to.

    Attributes:
        channel: which.
        figure: name of the file with the images.
        picture: the same as JPEG.
        table: `file_path, family, answer`, the images, the strongest first.
        mean: its answer to all that were searched, on average.
    """

    channel: Channel
    figure: str
    picture: bytes
    table: pd.DataFrame
    mean: float

    @property
    def families(self) -> str:
        """The families of the images, in words."""
        return shares(self.table["family"].tolist())


def draw(
    wanted: Sequence[Channel],
    answers: Mapping[str, Answers],
    searched: Searched,
    tap: Tap,
    folder: Path,
    *,
    fit: Fit,
    quiet: bool = False,
) -> list[Found]:
    """Write a figure for each channel of `wanted`, in this order, to `folder`: `<layer>-<number>.png`.

    Args:
        wanted: channels that are not silent.
        answers: of their layers, to `searched`.
        searched: the images; their files are decoded anew, so that people see them sharper than the network.
        tap: gives the maps of their layers.
        folder: made if need be.
        fit: how images are made square for the network.
        quiet: no progress.

    Raises:
        UnreadableImageError: a file has been damaged since it was catalogued.
        StorageError: the folder cannot be written.
    """
    home, taken, found = files.folder(folder), set[str](), []
    with progress.bar("Drawing channels", len(wanted), quiet=quiet, unit="channels") as advance:
        for channel in wanted:
            own, number = answers[channel.layer.name], channel.number
            name = distinct(f"{channel.layer.name.replace('/', '-')}-{number}", taken)
            found.append(_one(channel, own, searched, tap, home / f"{name}.png", fit))
            advance()
    return found


def _one(channel: Channel, answers: Answers, searched: Searched, tap: Tap, file: Path, fit: Fit) -> Found:
    rows = answers.rows[:, channel.number]
    places = pd.Index(searched.store.rows(searched.table["image_id"].tolist())).get_indexer(pd.Index(rows))
    table = searched.table.iloc[places][["file_path", "family"]].assign(answer=answers.best[:, channel.number])
    maps, _ = tap(searched.store.batch(rows))
    tiles = [
        spotlight(decode.pixels(decode.read_bytes(searched.root / path), SIDE, fit), values)
        for path, values in zip(table["file_path"], maps[channel.layer.name][..., channel.number], strict=True)
    ]
    names = [f"{answer:.3g}   {family}" for family, answer in zip(table["family"], table["answer"], strict=True)]
    told = f"Its strongest answers to {answers.images:,} {searched.what}"
    drawn = figure(channel, told, shares(table["family"].tolist()), tiles, names)
    drawing.save(drawn, file)
    mean = float(answers.mean[channel.number])
    return Found(channel, file.name, drawing.jpeg(drawn), table.reset_index(drop=True), mean)


def shares(families: Sequence[str]) -> str:
    """The families in words, the most frequent first: `5 felidae, 2 canidae, 2 others`."""
    counted = sorted(Counter(families).items(), key=lambda item: (-item[1], item[0]))
    if len(counted) > 3 and counted[0][1] == 1:
        return f"{len(counted)} families, one image each"
    head = counted if len(counted) <= 3 else [item for item in counted if item[1] > 1][:3]
    rest = len(families) - sum(number for _, number in head)
    return ", ".join([*(f"{number} {name}" for name, number in head), *([f"{rest} others"] if rest else [])])


def spotlight(photo: Pixels, values: NDArray[np.float32]) -> Pixels:
    """The photograph, dimmed but for the spot where the map is above half of its peak, which is outlined.

    Args:
        photo: RGB uint8 `(S, S, 3)`.
        values: the map, float32 `(h, w)`, laid over all of the photograph.
    """
    from PIL import Image

    side = photo.shape[0]
    high = float(values.max())
    low = 0.0 if high > 0 else float(values.min())
    level = (values - low) / (high - low) if high > low else np.zeros_like(values)
    smooth = Image.fromarray(level.astype(np.float32)).resize((side, side), Image.Resampling.BICUBIC)
    inside = np.asarray(smooth, np.float32) >= _SPOT
    shade = np.where(inside, 1.0, 0.42)[..., None]
    grey = photo.mean(axis=2, keepdims=True)
    dimmed = np.where(inside[..., None], photo, 0.5 * photo + 0.5 * grey) * shade
    shown = np.asarray(np.rint(dimmed), np.uint8)
    shown[_edge(inside)] = _EDGE
    return shown


def figure(channel: Channel, searched: str, families: str, tiles: Sequence[Pixels], names: Sequence[str]) -> Figure:
    """Draw the images that a channel answers to most, the strongest first.

    Args:
        channel: which.
        searched: among how many images they are the strongest, in words.
        families: what they are, in words.
        tiles: RGB uint8 `(SIDE, SIDE, 3)`, at least one.
        names: what stands below each.
    """
    columns = min(_COLUMNS, len(tiles))
    lines = -(-len(tiles) // columns)
    wide = max(columns, _COLUMNS) * (SIDE + _GAP) - _GAP + 2 * _MARGIN
    sheet = Sheet(wide, _TOP + lines * (SIDE + 40) + 36)
    sheet.write(_MARGIN, 18, f"{channel.layer.short}, channel {channel.number}", size=11, weight="bold")
    sheet.write(_MARGIN, 46, searched, size=8, color=drawing.MUTED)
    sheet.write(_MARGIN, 68, families, size=8, color=drawing.MUTED)
    for i, (tile, name) in enumerate(zip(tiles, names, strict=True)):
        row, column = divmod(i, columns)
        left, top = _MARGIN + column * (SIDE + _GAP), _TOP + row * (SIDE + 40)
        sheet.image(left, top, tile)
        sheet.write(left, top + SIDE + 6, name, size=7.5)
    told = "Outlined: where its answer is above half of its peak in that image. Number: its mean answer."
    sheet.write(_MARGIN, _TOP + lines * (SIDE + 40) + 4, told, size=7.5, color=drawing.MUTED)
    return sheet.figure


def _edge(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The inner rim, two pixels wide, of a region."""
    padded = np.pad(inside, 2, mode="edge")
    core = np.ones_like(inside)
    height, width = inside.shape
    for down in range(5):
        for right in range(5):
            core &= padded[down : down + height, right : right + width]
    return inside & ~core
