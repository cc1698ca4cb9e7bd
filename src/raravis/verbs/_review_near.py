"""The training photographs that a model finds most like each identified one: of a run, or of what carries its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from raravis import credits, progress
from raravis.credits import Rights
from raravis.data import boxes, catalogue, decode
from raravis.data.ahead import ahead, cores
from raravis.data.sources import Request
from raravis.errors import UsageError
from raravis.reviewing.sheet import Beside
from raravis.reviewing.told import Told
from raravis.run import Run
from raravis.serve.predictor import Predictor, open_predictor
from raravis.verbs import _environment
from raravis.verbs._labelled import labelled

COUNT: Final = 5
_BATCH: Final = 32

Search = Callable[[NDArray[np.float32]], list[list[Beside]]]
"""Features `(B, D)` → the training photographs that are most like each."""


@runtime_checkable
class Remembering(Protocol):
    """A predictor that carries its training photographs, as a bundle does."""

    def nearest(self, features: NDArray[np.float32], count: int) -> Sequence[Sequence[Any]]:
        """The `count` nearest of each row; each is like `serve.neighbours.Neighbour`."""


@dataclass(frozen=True)
class _Seer:
    """What looks at photographs: their size and fit, pixels → features, and the search."""

    size: int
    fit: decode.Fit
    features: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
    search: Search


def near(
    model: str | Path,
    rows: Sequence[Told],
    root: Path,
    request: Request | None,
    *,
    seed: int = 0,
    quiet: bool = False,
) -> dict[str, list[Beside]]:
    """The nearest training photographs of every photograph, or animal in one, that can be read: by its name.

    Args:
        model: a run folder, or a bundle.
        rows: what was told of them.
        root: folder that relative ones are relative to.
        request: where the images of a run are now; None for where they were.
        seed: of the engine, should a layer of the model draw random numbers.
        quiet: no progress.

    Raises:
        RunError: no model is there, or it is damaged.
        UsageError: a bundle without training photographs.
        DataError: the images of the run are gone.
    """
    run = Path(model)
    seer = _of_run(Run.open(run), request, quiet) if Run.is_run(run) else _of_bundle(open_predictor(model, seed=seed))
    found: dict[str, list[Beside]] = {}

    parts: dict[str, list[boxes.Sides]] = {}
    for row in rows:
        parts.setdefault(row.file_path, []).extend([row.box] if row.box else [])

    def read(row: Told) -> tuple[str, NDArray[np.uint8] | None]:
        around = boxes.around(2 * seer.size, parts[row.file_path])  # as `predict` saw it
        try:
            image = boxes.opened(decode.read_bytes(root / row.file_path), row.box, around=around)
            return row.name, decode.squared(image, seer.size, seer.fit)
        except decode.UnreadableImageError:
            return row.name, None  # said when the photograph is to be shown

    bar = progress.bar("comparing with training photographs", len(rows), quiet=quiet, unit="photographs")
    with closing(ahead(read, rows, window=2 * max(_BATCH, cores()))) as images, bar as advance:
        while batch := list(islice(images, _BATCH)):
            there = [(name, pixels) for name, pixels in batch if pixels is not None]
            if there:
                features = seer.features(np.stack([pixels for _, pixels in there]))
                found |= dict(zip((name for name, _ in there), seer.search(features), strict=True))
            advance(len(batch))
    return found


def _of_run(run: Run, request: Request | None, quiet: bool) -> _Seer:
    """The network of a run, and the photographs that it learned from."""
    from raravis.learn.features import embedding, features  # loads Keras, so only when there is work
    from raravis.learn.infer import compiled

    network = run.load_model()
    known = catalogue.read(request or _environment.request_of(run.environment), quiet=quiet)
    sides = getattr(run.recipe.model, "learn_from", "train").split("+")
    table = run.split[run.split["split"].isin(sides)]
    images = labelled(known, table, run.recipe.data, sides, quiet=quiet)
    own = features(run.recipe.model, network, images.store, images.table["image_id"].tolist(), quiet=quiet)
    shown = [
        Beside(family, Path(known.root) / path, rights)
        for family, path, rights in zip(
            images.table["family"], images.table["file_path"], credits.each(images.table), strict=True
        )
    ]
    unit = _unit(own)

    def search(asked: NDArray[np.float32]) -> list[list[Beside]]:
        order = np.argsort(-(_unit(asked) @ unit.T), axis=1, kind="stable")[:, :COUNT]
        return [[shown[place] for place in row] for row in order.tolist()]

    return _Seer(run.recipe.data.size, run.recipe.data.fit, compiled(embedding(network)), search)


def _of_bundle(predictor: Predictor) -> _Seer:
    """A predictor that remembers its training photographs; without thumbnails their families are told all the same."""

    def features(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        found: NDArray[np.float32] | None = getattr(predictor.answer(pixels), "features", None)
        if found is None:
            raise _forgetful()
        return found

    def search(asked: NDArray[np.float32]) -> list[list[Beside]]:
        if not isinstance(predictor, Remembering):
            raise _forgetful()
        found = predictor.nearest(asked, COUNT)
        return [
            [Beside(one.family, one.thumbnail or b"", Rights(one.license, one.rights_holder)) for one in row]
            for row in found
        ]

    return _Seer(predictor.size, predictor.fit, features, search)


def _forgetful() -> UsageError:
    return UsageError(
        "The model carries no training photographs to compare with.\nGive the run folder as --model, or leave it out."
    )


def _unit(features: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    return found
