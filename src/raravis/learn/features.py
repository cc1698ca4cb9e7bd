"""What a trained network makes of images on the way to its logits: the features of its layer `embedding`.

They are computed once and kept in the cache; those of a probe are there since it was fitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raravis import engine, fingerprint, models
from raravis.data.pixels import PixelStore
from raravis.errors import RaravisError
from raravis.learn.embed import Extractor, embed
from raravis.learn.probe import blocks
from raravis.models import fused, probe
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
        parts = [_extractor(x.name, layer) for x, layer in zip(options.backbones, layers, strict=True)]
        return blocks(options, parts, pictures, image_ids, quiet=quiet)
    if isinstance(options, fused.Options) and (members := _members(options, network)):
        found = [features(own, member, pictures, image_ids, quiet=quiet) for own, member in members]
        return np.concatenate(found, axis=1)
    return embed(_extractor(options.name, embedding(network)), pictures, image_ids, quiet=quiet).read(image_ids)


def embedding(network: Any) -> Any:
    """The network up to its layer `embedding`: images → `(B, D)`."""
    return engine.keras().Model(network.input, network.get_layer("embedding").output, name="embedding")


def _members(options: fused.Options, network: Any) -> list[tuple[models.Options, Any]]:
    """The options and the trunk of each member that counts; none where the members' runs are no longer at hand."""
    try:
        recipes = [Run.open(Path(folder)).recipe.model for folder in options.members]
    except RaravisError:
        return []
    trunks = [layer for layer in network.layers if layer.name.startswith("member_")]
    if len(trunks) != len(recipes):
        return []
    return list(zip(recipes, trunks, strict=True))


def _extractor(name: str, model: Any) -> Extractor:
    return Extractor(name, int(model.input.shape[1]), model, fingerprint.network(model))
