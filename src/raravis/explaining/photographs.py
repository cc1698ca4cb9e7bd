"""Photographs, each drawn with its maps: files enter; figures, what the network says, and its answers leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from raravis import drawing, progress
from raravis.data import decode
from raravis.data.decode import UnreadableImageError
from raravis.explaining import maps
from raravis.explaining.evidence import PICTURES
from raravis.explaining.layers import Layer, Tap
from raravis.explaining.names import distinct
from raravis.run import Run


@dataclass(frozen=True)
class Photograph:
    """A photograph that was looked into.

    Attributes:
        path: of the file, as given.
        file: the same for people, odd bytes written out.
        predicted: the family that the network is surest of.
        confidence: its probability, 0–1.
        figure: name of the file with its maps.
        answers: mean of every map of the searched layers, float32 `(C,)` by the layer's name.
    """

    path: str
    file: str
    predicted: str
    confidence: float
    figure: str
    answers: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Looked:
    """What the photographs gave.

    Attributes:
        photographs: all that could be read, in the order given.
        pictures: figures of the first `PICTURES` of them, as JPEG.
        unreadable: `file: reason` of the others.
    """

    photographs: tuple[Photograph, ...]
    pictures: tuple[bytes, ...]
    unreadable: tuple[str, ...]

    def answers(self, layer: Layer) -> NDArray[np.float32]:
        """The answers of a searched layer to each photograph, float32 `(n, C)`."""
        found = [photograph.answers[layer.name] for photograph in self.photographs]
        return np.asarray(found, np.float32).reshape(-1, layer.channels)


def look(
    given: Sequence[str],
    run: Run,
    tap: Tap,
    shown: Sequence[Layer],
    searched: Sequence[Layer],
    folder: Path,
    *,
    quiet: bool = False,
) -> Looked:
    """Write `<photograph>-maps.png` to `folder` for each of `given`; a file that is no image stops nothing.

    Args:
        given: files.
        run: whose network it is: its families, and the size and fit of its images.
        tap: gives the maps of `shown` and `searched`.
        shown: layers that are drawn.
        searched: layers whose answers are kept.
        folder: there already.
        quiet: no progress.

    Raises:
        RunError: the network gives no finite numbers.
        StorageError: the folder cannot be written.
    """
    photographs: list[Photograph] = []
    pictures: list[bytes] = []
    unreadable: list[str] = []
    taken: set[str] = set()
    families, data = run.families, run.recipe.data
    with progress.bar("Looking into photographs", len(given), quiet=quiet, unit="photographs") as advance:
        for file in given:
            try:
                content = decode.read_bytes(Path(file))
                pixels, photo = (decode.pixels(content, size, data.fit) for size in (data.size, maps.PHOTO))
            except UnreadableImageError as error:
                unreadable.append(f"{_printable(file)}: {error}")
                advance()
                continue
            found, logits = tap(pixels[None])
            sure = softmax(logits[0].astype(np.float64))
            name = f"{distinct(Path(file).stem, taken)}-maps.png"
            drawn = maps.figure(
                *_titles(file, families, sure), photo, pixels, shown, {k: v[0] for k, v in found.items()}
            )
            drawing.save(drawn, folder / name)
            if len(pictures) < PICTURES:
                pictures.append(drawing.jpeg(drawn))
            best = int(sure.argmax())
            answers = {layer.name: found[layer.name][0].mean(axis=(0, 1)) for layer in searched}
            photographs.append(Photograph(file, _printable(file), families[best], float(sure[best]), name, answers))
            advance()
    return Looked(tuple(photographs), tuple(pictures), tuple(unreadable))


def _titles(file: str, families: Sequence[str], sure: NDArray[np.float64]) -> tuple[str, str]:
    """What the network says, and below it what comes next, and the file."""
    best, *others = np.argsort(-sure, kind="stable")[:4]
    then = ", ".join(f"{families[i]} {sure[i]:.0%}" for i in others)
    name = _printable(Path(file).name)
    name = name if len(name) <= 60 else f"{name[:40]}…{name[-19:]}"
    return f"Taken for {families[best]} with {sure[best]:.0%} confidence", f"{name}{'    then: ' if then else ''}{then}"


def _printable(file: str) -> str:
    """The path with bytes that are no UTF-8 written out."""
    return file.encode("utf-8", "backslashreplace").decode("utf-8")
