"""BioCLIP and BioCLIP 2, contrastive networks on millions of photographs of the tree of life; image and text towers.

Stevens et al., "BioCLIP: A Vision Foundation Model for the Tree of Life", 2024; Gu et al., "BioCLIP 2: Emergent
Properties from Scaling Hierarchical Contrastive Learning", 2025. The checkpoints are open_clip's; they run on
keras-hub's CLIP. Weights are the folder `bioclip` or `bioclip-2` in `RARAVIS_WEIGHTS`, with the published repository's
files, another such folder, or the `.safetensors` file in it; else they are fetched from the hub once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis import engine
from raravis.backbones import _open_clip
from raravis.backbones._open_clip_config import MEAN, SPREAD, Clip, Tower
from raravis.backbones._tokenizer import MERGES, VOCABULARY, Tokenizer
from raravis.errors import OfflineError, UsageError

REPOSITORIES: Final = {"bioclip": "imageomics/bioclip", "bioclip2": "imageomics/bioclip-2"}

_ARCHITECTURES: Final = {
    "bioclip": Clip(Tower(768, 12, 12, 3072, 224, 16), Tower(512, 12, 8, 2048, 77, 49408), 512, "gelu"),
    "bioclip2": Clip(Tower(1024, 24, 16, 4096, 224, 14), Tower(768, 12, 12, 3072, 77, 49408), 768, "gelu"),
}
"""Of random networks; those of checkpoints are read from beside them."""


def names() -> Mapping[str, str]:
    """The networks, by name."""
    return {
        "bioclip": "BioCLIP: ViT-B/16, 512 features, knows names (TreeOfLife-10M)",
        "bioclip2": "BioCLIP 2: ViT-L/14, 768 features, knows names (TreeOfLife-200M)",
    }


def preprocess(name: str, images: Any) -> Any:
    """RGB 0–255 → what CLIP networks were trained on: each channel scaled to mean 0 and spread 1."""
    scale = [1 / (255 * spread) for spread in SPREAD]
    offset = [-mean / spread for mean, spread in zip(MEAN, SPREAD, strict=True)]
    return engine.keras().layers.Rescaling(scale, offset)(images)


def build(name: str, *, size: int, weights: str) -> Any:
    """The image tower; see `backbones.build`. Features `(B, 512)` or `(B, 768)`, in the space that texts share."""
    if weights == "none":
        return _open_clip.image_tower(_ARCHITECTURES[name], size=size)
    file = located(name, weights)
    clip = _config(file)
    tower = _open_clip.image_tower(clip, size=size, tensors=_open_clip.read_tensors(file))
    return tower if (clip.mean, clip.spread) == (MEAN, SPREAD) else _scaled(tower, clip)


def _scaled(tower: Any, clip: Clip) -> Any:
    """A tower that was trained on images of another mean and spread than `preprocess` gives."""
    keras = engine.keras()
    scale = [usual / own for usual, own in zip(SPREAD, clip.spread, strict=True)]
    offset = [(usual - own) / s for usual, own, s in zip(MEAN, clip.mean, clip.spread, strict=True)]
    image = keras.Input(tower.input.shape[1:], name="image")
    return keras.Model(image, tower(keras.layers.Rescaling(scale, offset)(image)), name=tower.name)


def patch(name: str) -> int:
    """The side of the patches that it cuts images into."""
    return _ARCHITECTURES[name].image.patch


def at_hand(name: str) -> bool:
    """Whether the weights lie in the folder `RARAVIS_WEIGHTS`."""
    return _kept(name) is not None


def text_features(name: str, weights: str, texts: Sequence[Sequence[str]]) -> tuple[NDArray[np.float32], float]:
    """What the text tower makes of things, each told in several texts.

    Args:
        name: of the network.
        weights: as for `build`, but not `none`: random networks know no names.
        texts: for each of K things at least one text.

    Returns:
        Features float32 `(K, D)` of length 1, each the mean over its texts' (Radford et al., "Learning Transferable
        Visual Models From Natural Language Supervision", 2021, section 3.1.4), and the scale of similarities.

    Raises:
        UsageError, OfflineError: as `backbones.build`; the vocabulary is not there.
    """
    if weights == "none":
        raise UsageError(f"Random weights of {name} know no names.\nGive a checkpoint, or leave the weights out.")
    file = located(name, weights)
    clip, tensors = _config(file), _open_clip.read_tensors(file)
    tokens = Tokenizer(file.parent, length=clip.text.length)
    tower = _open_clip.text_tower(clip, tensors)
    made = []
    for some in texts:
        found = np.asarray(tower.predict(tokens(some), batch_size=64, verbose=0), np.float32)
        mean = (found / np.linalg.norm(found, axis=1, keepdims=True)).mean(0)
        made.append(mean / np.linalg.norm(mean))
    return np.stack(made), _open_clip.logit_scale(tensors)


def located(name: str, weights: str) -> Path:
    """The `.safetensors` file that `weights` means.

    Raises:
        UsageError: no such file, or a format that could execute.
        OfflineError: it is not at hand and cannot be fetched.
    """
    if weights != "imagenet":
        path = Path(weights).expanduser()
        return path / _open_clip.WEIGHTS if path.is_dir() else path
    return _kept(name) or _fetched(name)


def _kept(name: str) -> Path | None:
    folder = os.environ.get("RARAVIS_WEIGHTS")
    repository = REPOSITORIES[name].rpartition("/")[2]
    file = Path(folder or "").expanduser() / repository / _open_clip.WEIGHTS
    return file if folder and file.is_file() else None


def _fetched(name: str) -> Path:
    from huggingface_hub import snapshot_download

    wanted = [_open_clip.CONFIG, _open_clip.WEIGHTS, VOCABULARY, MERGES]
    try:
        folder = Path(snapshot_download(REPOSITORIES[name], allow_patterns=wanted))
    except Exception as error:  # the hub's own errors, requests', the system's
        raise OfflineError(
            f"The weights of {name} are not at hand and could not be fetched ({type(error).__name__}).\n"
            f"Put the files of {REPOSITORIES[name]} into the folder {REPOSITORIES[name].rpartition('/')[2]} in "
            "RARAVIS_WEIGHTS, name that folder as the weights, or go online once."
        ) from error
    return folder / _open_clip.WEIGHTS


def _config(file: Path) -> Clip:
    return _open_clip.read_config(file.parent / _open_clip.CONFIG)
