"""Embeddings, computed once: what a frozen backbone makes of an image is kept by the image's id.

Enter: a backbone, a store of pixels, ids and views. Leave: `Rows` of features `float32` `(D,)`, memory-mapped. One
cache folder for each (backbone, digest of its weights, size, view, how pixels were made); it only grows, so a kill
loses nothing that was committed, and the next call computes what is lacking.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis import backbones, engine, files, fingerprint, models, progress, runtimes
from raravis.backbones import View
from raravis.cluster import Cluster
from raravis.data import decode
from raravis.data.pixels import PixelStore
from raravis.data.rows import Rows, alone, writing
from raravis.errors import DataError, StorageError
from raravis.learn import remote

VERSION: Final = 1
"""Of what is kept; another version keeps its own folders."""

_ABOUT: Final = "about.json"
_COMPUTED: Final = "computed.json"
_SAMPLE: Final = 32
"""Images on which runtimes are compared."""


@dataclass(frozen=True)
class Extractor:
    """A frozen backbone that is ready to embed.

    Attributes:
        name: the backbone's.
        size: side of the images that it is shown, in pixels.
        model: RGB 0–255 `(B, size, size, 3)` → features `float32` `(B, D)`.
        digest: of its layers, its preprocessing among them, and their weights.
    """

    name: str
    size: int
    model: Any
    digest: str

    @classmethod
    def open(cls, name: str, *, size: int, weights: str) -> Extractor:
        """Build a backbone with its weights, in inference mode for good; its name is the one that is listed.

        Raises:
            UsageError, OfflineError: as `backbones.build`.
        """
        name = backbones.canonical(name)
        model = backbones.extractor(name, size=size, weights=weights)
        model.trainable = False
        return cls(name, size, model, fingerprint.network(model))

    @classmethod
    def within(cls, options: models.Options, network: Any) -> Extractor:
        """What a network is up to its layer `embedding`; the backbone alone, where that gives the same features.

        Args:
            options: of the network's model.
            network: images → logits, with a layer `embedding`.
        """
        own = models.extractor(options, network) if isinstance(options, models.Pretrained) else None
        name = options.backbone if own is not None and isinstance(options, models.Pretrained) else options.name
        if own is None:
            own = engine.keras().Model(network.input, network.get_layer("embedding").output, name="embedding")
        return cls.around(name, own)

    @classmethod
    def around(cls, name: str, model: Any) -> Extractor:
        """A model that is at hand: images → features."""
        return cls(name, int(model.input.shape[1]), model, fingerprint.network(model))

    @property
    def width(self) -> int:
        """Features an image, D."""
        return int(self.model.output.shape[-1])

    def seeing(self, view: View, shape: tuple[int, int, int]) -> Any:
        """The model behind a view: images `(B, *shape)` → `(B, D)`."""
        keras = engine.keras()
        images = keras.Input(shape, name="image")
        return keras.Model(images, self.model(backbones.take(view, images, size=self.size)), name=view)


def embed(
    extractor: Extractor,
    pictures: PixelStore,
    image_ids: Sequence[str],
    view: View = "whole",
    *,
    quiet: bool = False,
    batch_size: int = 64,
    cluster: Cluster | None = None,
) -> Rows:
    """The features of every image, computing only those that the cache lacks.

    Args:
        extractor: the backbone.
        pictures: holds all of the images.
        image_ids: which images; repeats are computed once.
        view: what the backbone is shown of each.
        quiet: no progress.
        batch_size: images a pass.
        cluster: workers that compute; this process when not given.

    Raises:
        ClusterError: workers keep dying.
        DataError: a feature is no finite number, or they are no row `(D,)` an image; the image is named.
        StorageError: the cache cannot be written, or holds something else.
    """
    folder = cached(extractor, pictures, view)
    store = Rows(folder, (extractor.width,), np.float32)
    wanted = list(dict.fromkeys(image_ids))
    if not store.lacking(wanted).any():
        return store
    with alone(folder, "embedding these images", quiet=quiet):
        store = Rows(folder, (extractor.width,), np.float32)
        todo = [wanted[number] for number in np.flatnonzero(store.lacking(wanted))]
        if todo:
            model = extractor.seeing(view, (pictures.size, pictures.size, 3))
            batches = (pictures.read(ids) for ids in _batches(todo, batch_size))
            if cluster is None:
                chosen = runtimes.fastest(model, pictures.read(todo[:_SAMPLE]), images=len(todo), quiet=quiet)
                _note_how(folder, chosen.name, chosen.precision, quiet)
                call = chosen.call if chosen.precision == "float32" else _careful(chosen.call, model)
                found: Generator[NDArray[np.float32]] = (call(pixels) for pixels in batches)
            else:
                _note_how(folder, "cluster", "what each worker runs fastest", quiet)
                found = remote.embedded(cluster, model, batches, images=len(todo))
            with closing(found):
                _keep(store, found, todo, batch_size, f"Embedding ({extractor.name}, {view})", quiet)
    return Rows(folder, (extractor.width,), np.float32)


def read(
    extractor: Extractor, pictures: PixelStore, image_ids: Sequence[str], view: View = "whole", *, quiet: bool = False
) -> NDArray[np.float32]:
    """The features of images, float32 `(n, D)`, in the order of their ids; see `embed`.

    Raises:
        DataError: a feature is no finite number; the image, or the folder that holds it, is named.
        StorageError: the cache cannot be written, or holds something else.
    """
    return kept(embed(extractor, pictures, image_ids, view, quiet=quiet), image_ids)


def kept(store: Rows, image_ids: Sequence[str]) -> NDArray[np.float32]:
    """What a cache holds of images, float32 `(n, D)`, in the order of their ids.

    Raises:
        DataError: it holds what is no finite number: the file was damaged.
    """
    found = store.read(image_ids)
    if not np.isfinite(found).all():
        raise DataError(
            f"The cache of embeddings {store.folder} holds NaN or infinity.\nDelete the folder; it is made anew."
        )
    return found


def computed(folder: Path) -> list[dict[str, str]]:
    """How the features in a cache folder were computed: `runtime` and `precision`, in the order of first use."""
    file = folder / _COMPUTED
    try:
        found: list[dict[str, str]] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    except (OSError, ValueError) as error:
        raise StorageError(f"{file} cannot be read: {error}.\nDelete the folder {folder}; it is made anew.") from error
    return found


def _note_how(folder: Path, runtime: str, precision: str, quiet: bool) -> None:
    """Keep how features are computed from now on, and say so where the folder holds others."""
    before, now = computed(folder), {"runtime": runtime, "precision": precision}
    if now not in before:
        files.write_json(folder / _COMPUTED, [*before, now])
    if others := sorted({one["precision"] for one in before} - {precision}):
        progress.say(
            f"Features of the other images were computed in {', '.join(others)}, these are in {precision}. "
            f"Delete {folder} to compute all of them alike.",
            quiet=quiet,
        )


def _careful(call: runtimes.Runner, model: Any) -> runtimes.Runner:
    """What computes in less than float32, and in float32 where that gives no finite number: its range is small."""

    def both(batch: NDArray[Any]) -> NDArray[np.float32]:
        found = call(batch)
        if np.isfinite(found).all():
            return found
        return np.asarray(model.predict_on_batch(batch), np.float32)

    return both


def lacking(extractor: Extractor, pictures: PixelStore, image_ids: Sequence[str], view: View) -> int:
    """How many of the images `embed` would have to compute.

    Raises:
        StorageError: the cache holds something else.
    """
    store = Rows(cached(extractor, pictures, view), (extractor.width,), np.float32)
    return int(store.lacking(list(dict.fromkeys(image_ids))).sum())


def _batches(image_ids: Sequence[str], batch_size: int) -> Iterator[Sequence[str]]:
    return (image_ids[start : start + batch_size] for start in range(0, len(image_ids), batch_size))


def _keep(
    store: Rows, found: Iterable[NDArray[np.float32]], todo: Sequence[str], batch_size: int, label: str, quiet: bool
) -> None:
    """Write the features of each batch as they come."""
    with (
        writing(store, len(todo), smaller="take fewer views") as writer,
        progress.bar(label, len(todo), quiet=quiet, unit="images") as advance,
    ):
        for ids, features in zip(_batches(todo, batch_size), found, strict=True):
            for image_id, row in zip(ids, features, strict=True):
                if not np.isfinite(row).all():
                    raise DataError(
                        f"The backbone gives no finite numbers (NaN or infinity) for the image {image_id[:12]}.\n"
                        "Its weights are damaged, or it wants images of another range."
                    )
                writer.add(image_id, row)
            advance(len(ids))


def cached(extractor: Extractor, pictures: PixelStore, view: View) -> Path:
    """The cache folder of these features, with a note on what they are.

    Raises:
        StorageError: the folder's note speaks of something else.
    """
    about = {
        "version": VERSION,
        "backbone": extractor.name,
        "weights": extractor.digest,
        "size": extractor.size,
        "view": view,
        "pixels": [pictures.size, pictures.fit, decode.VERSION],
        "features": extractor.width,
    }
    folder = files.cache("embeddings", files.digest(json.dumps(about))[:16])
    note = folder / _ABOUT
    if not note.is_file():
        files.write_json(note, about)
        return folder
    try:
        held = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StorageError(f"{note} cannot be read: {error}.\nDelete the folder {folder}; it is made anew.") from error
    if held != about:
        raise StorageError(f"{folder} holds other features than it should.\nDelete the folder; it is made anew.")
    return folder
