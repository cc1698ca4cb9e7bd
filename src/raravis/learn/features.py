"""What a trained network makes of images on the way to its logits: the features of its layer `embedding`.

They are computed once and kept in the cache; those of a probe are there since it was fitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raravis import engine, models
from raravis.data.pixels import PixelStore
from raravis.errors import RaravisError
from raravis.judge.novelty import Seen
from raravis.judge.trust import WIDEST
from raravis.learn import infer
from raravis.learn.embed import Extractor, read
from raravis.learn.probe import blocks
from raravis.models import fused, probe, zero_shot
from raravis.recipe import Recipe
from raravis.run import Run


def features(
    options: models.Options, network: Any, pictures: PixelStore, image_ids: Sequence[str], *, quiet: bool = False
) -> NDArray[np.float32]:
    """The embedding of every image, float32 `(n, D)`, computing only what the cache lacks.

    Args:
        options: of the network's model.
        network: images → logits, with a layer `embedding`.
        pictures: holds the images.
        image_ids: which.
        quiet: no progress.

    Raises:
        DataError: a feature is no finite number; the image is named.
        StorageError: the cache cannot be written.
    """
    if isinstance(options, probe.Options):
        layers = (network.get_layer(f"backbone_{i}") for i in range(1, len(options.backbones) + 1))
        parts = [Extractor.around(x.name, layer) for x, layer in zip(options.backbones, layers, strict=True)]
        return blocks(options, parts, pictures, image_ids, quiet=quiet)
    if isinstance(options, zero_shot.Options):
        reader = Extractor.around(options.backbone, network.get_layer("extractor"))
        found = read(reader, pictures, image_ids, quiet=quiet)
        unit: NDArray[np.float32] = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
        return unit
    if isinstance(options, fused.Options) and (members := _members(options, network)):
        blocks_of = [features(own, member, pictures, image_ids, quiet=quiet) for own, member in members]
        return np.concatenate(blocks_of, axis=1)
    return read(Extractor.within(options, network), pictures, image_ids, quiet=quiet)


def seen(recipe: Recipe, network: Any, pictures: PixelStore, image_ids: Sequence[str], *, quiet: bool = False) -> Seen:
    """What a network makes of every image: its embedding and its logits.

    Where the backbone is frozen, so that the head was fitted on features from the cache, they come from there, too.
    Embeddings wider than `WIDEST` are left out: nothing is known of distances between them.

    Args:
        recipe: of the network.
        network: images → logits, with a layer `embedding`.
        pictures: holds the images.
        image_ids: which.
        quiet: no progress.

    Raises:
        DataError: a feature is no finite number; the image is named.
        StorageError: the cache cannot be written.
    """
    embedded = network.get_layer("embedding").output
    if embedded.shape[-1] > WIDEST or not _frozen(recipe):
        return infer.seen(network, pictures, pictures.rows(image_ids), quiet=quiet)
    found = features(recipe.model, network, pictures, image_ids, quiet=quiet)
    rest = engine.keras().Model(embedded, network.output)
    return Seen(found, np.asarray(rest.predict(found, batch_size=1024, verbose=0), np.float32))


def _frozen(recipe: Recipe) -> bool:
    """Whether nothing before `embedding` has learned."""
    options = recipe.model
    if isinstance(options, fused.Options):
        members = _recipes(options)
        return bool(members) and all(map(_frozen, members))
    if isinstance(options, models.Pretrained):
        return options.learn == "head" and not options.hidden and not options.start and not recipe.finetune.layers
    return isinstance(options, probe.Options | zero_shot.Options)


def embedding(network: Any) -> Any:
    """The network up to its layer `embedding`: images → `(B, D)`."""
    return engine.keras().Model(network.input, network.get_layer("embedding").output, name="embedding")


def _members(options: fused.Options, network: Any) -> list[tuple[models.Options, Any]]:
    """The options and the trunk of each member that counts; none where the members' runs are no longer at hand."""
    recipes = _recipes(options)
    trunks = [layer for layer in network.layers if layer.name.startswith("member_")]
    if len(trunks) != len(recipes):
        return []
    return [(recipe.model, trunk) for recipe, trunk in zip(recipes, trunks, strict=True)]


def _recipes(options: fused.Options) -> list[Recipe]:
    """Those of the members; none where their runs are no longer at hand."""
    try:
        return [Run.open(Path(folder)).recipe for folder in options.members]
    except RaravisError:
        return []
