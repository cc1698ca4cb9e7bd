"""Networks of keras-hub: CLIP, SigLIP, DINOv2, DINOv3 and ViT, by the names of their presets.

The architecture of each stands here, so that random weights need no network and weights come as numbers alone: a
preset's `model.weights.h5`, from the folder of that name in `RARAVIS_WEIGHTS`, a file, or Kaggle's hub by way of
keras-hub. Nothing of a preset's own configuration is executed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from raravis import engine
from raravis.backbones._open_clip import INSTALL
from raravis.backbones._weights import all_finite
from raravis.errors import OfflineError, UsageError

WEIGHTS: Final = "model.weights.h5"

_HALF: Final = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_IMAGENET: Final = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_CLIP: Final = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))


@dataclass(frozen=True)
class Preset:
    """One published network.

    Attributes:
        line: what it is, in one line.
        family: a key of `_FAMILIES`.
        patch: side of a patch in pixels.
        layers: blocks of the image tower; it has `width` / 64 heads and a feed-forward part of 4 × `width`.
        width: of its hidden state.
        size: side of the images that it was trained on.
        text: of the text tower that is published with it: width, layers, vocabulary; None where there is none.
    """

    line: str
    family: str
    patch: int
    layers: int
    width: int
    size: int
    text: tuple[int, int, int] | None = None

    @property
    def sizes(self) -> dict[str, int]:
        """The image tower as keras-hub's constructors call its sizes."""
        return {"num_layers": self.layers, "hidden_dim": self.width, "num_heads": self.width // 64}


PRESETS: Final = {
    "clip_vit_base_patch16": Preset("CLIP ViT-B/16 (OpenAI)", "clip", 16, 12, 768, 224, (512, 12, 49408)),
    "clip_vit_large_patch14": Preset("CLIP ViT-L/14 (OpenAI)", "clip", 14, 24, 1024, 224, (768, 12, 49408)),
    "siglip_base_patch16_224": Preset("SigLIP ViT-B/16", "siglip", 16, 12, 768, 224, (768, 12, 32000)),
    "siglip2_base_patch16_224": Preset("SigLIP 2 ViT-B/16", "siglip", 16, 12, 768, 224, (768, 12, 256000)),
    "dinov2_small": Preset("DINOv2 ViT-S/14", "dinov2", 14, 12, 384, 518),
    "dinov2_base": Preset("DINOv2 ViT-B/14", "dinov2", 14, 12, 768, 518),
    "dinov3_vit_small_lvd1689m": Preset("DINOv3 ViT-S/16", "dinov3", 16, 12, 384, 224),
    "dinov3_vit_base_lvd1689m": Preset("DINOv3 ViT-B/16", "dinov3", 16, 12, 768, 224),
    "vit_base_patch16_224_imagenet": Preset("ViT-B/16, ImageNet", "vit", 16, 12, 768, 224),
    "vit_base_patch16_224_imagenet21k": Preset("ViT-B/16, ImageNet-21k", "vit", 16, 12, 768, 224),
}


def names() -> Mapping[str, str]:
    """The presets, by name."""
    return {name: f"{preset.line}, keras-hub" for name, preset in PRESETS.items()}


def patch(name: str) -> int:
    """The side of the patches that it cuts images into."""
    return PRESETS[name].patch


def at_hand(name: str) -> bool:
    """Whether its weights lie in the folder `RARAVIS_WEIGHTS`."""
    return _kept(name) is not None


def preprocess(name: str, images: Any) -> Any:
    """RGB 0–255 → each channel scaled as the network was trained."""
    mean, spread = _FAMILIES[PRESETS[name].family].scaling
    scale = [1 / (255 * s) for s in spread]
    return engine.keras().layers.Rescaling(scale, [-m / s for m, s in zip(mean, spread, strict=True)])(images)


def build(name: str, *, size: int, weights: str) -> Any:
    """The image tower: the projection (CLIP), the attention pool (SigLIP) or the class token; see `backbones.build`.

    Raises:
        UsageError: keras-hub is missing, a size that it cannot take, or weights that are damaged or another's.
        OfflineError: the published weights are not at hand and cannot be fetched.
    """
    preset = PRESETS[name]
    family = _FAMILIES[preset.family]
    if size % preset.patch or not (family.any_size or size == preset.size):
        fitting = f"a multiple of {preset.patch}" if family.any_size else str(preset.size)
        raise UsageError(f"{name} cannot take images of {size} pixels; {fitting} was expected.")
    try:
        hub = import_module("keras_hub").models
    except ImportError as error:
        raise UsageError(f"{name} needs keras-hub, which is not installed.\nInstall it: {INSTALL}") from error
    whole = family.make(hub, replace(preset, size=size), preset.size)
    if weights != "none":
        _load(whole, name, _located(name, weights))
    image = engine.keras().Input((size, size, 3), name="image")
    return engine.keras().Model(image, family.features(whole, image), name=name)


def _located(name: str, weights: str) -> Path:
    if weights != "imagenet":
        path = Path(weights).expanduser()
        return path / WEIGHTS if path.is_dir() else path
    if (kept := _kept(name)) is not None:
        return kept
    family = _FAMILIES[PRESETS[name].family]
    try:
        presets = getattr(import_module("keras_hub").models, family.kind).presets
        handle = presets[name]["kaggle_handle"].removeprefix("kaggle://")
        return Path(import_module("kagglehub").model_download(handle, path=WEIGHTS))
    except Exception as error:  # the hub's own errors, requests', the system's
        raise OfflineError(
            f"The weights of {name} are not at hand and could not be fetched ({type(error).__name__}).\n"
            f"Put its {WEIGHTS} into the folder {name} in RARAVIS_WEIGHTS, name that file as the weights, or go online."
        ) from error


def _kept(name: str) -> Path | None:
    folder = os.environ.get("RARAVIS_WEIGHTS")
    file = Path(folder or "").expanduser() / name / WEIGHTS
    return file if folder and file.is_file() else None


def _load(whole: Any, name: str, file: Path) -> None:
    if not file.is_file():
        raise UsageError(f"The weight file {file} is not there.\nGive the {WEIGHTS} of the preset {name}.")
    if file.suffix != ".h5":
        raise UsageError(f"{file.name} is no weight file that raravis reads; a .weights.h5 file was expected.")
    try:
        whole.load_weights(str(file))
    except Exception as error:  # h5py and Keras raise many kinds for one fault: not these weights
        told = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UsageError(
            f"{file.name} does not hold weights of {name} ({told}).\nGive the {WEIGHTS} of that preset."
        ) from error
    all_finite(whole, file)


def _clip(hub: Any, preset: Preset, trained: int) -> Any:
    assert preset.text is not None
    width, layers, vocabulary = preset.text
    return hub.CLIPBackbone(
        vision_encoder=hub.CLIPVisionEncoder(
            patch_size=preset.patch, intermediate_dim=4 * preset.width, image_shape=_shape(trained), **preset.sizes
        ),
        text_encoder=hub.CLIPTextEncoder(
            vocabulary_size=vocabulary,
            embedding_dim=width,
            hidden_dim=width,
            num_layers=layers,
            num_heads=width // 64,
            intermediate_dim=4 * width,
        ),
        projection_dim=width,
    )


def _siglip(hub: Any, preset: Preset, trained: int) -> Any:
    assert preset.text is not None
    width, layers, vocabulary = preset.text
    return hub.SigLIPBackbone(
        vision_encoder=hub.SigLIPVisionEncoder(
            patch_size=preset.patch, intermediate_dim=4 * preset.width, image_shape=_shape(trained), **preset.sizes
        ),
        text_encoder=hub.SigLIPTextEncoder(
            vocabulary_size=vocabulary,
            embedding_dim=width,
            hidden_dim=width,
            num_layers=layers,
            num_heads=width // 64,
            intermediate_dim=4 * width,
        ),
    )


def _dinov2(hub: Any, preset: Preset, trained: int) -> Any:
    return hub.DINOV2Backbone(
        patch_size=preset.patch,
        intermediate_dim=4 * preset.width,
        image_shape=_shape(preset.size),
        position_embedding_shape=_shape(trained),
        **preset.sizes,
    )


def _dinov3(hub: Any, preset: Preset, _: int) -> Any:
    return hub.DINOV3Backbone(
        patch_size=preset.patch,
        intermediate_dim=4 * preset.width,
        image_shape=_shape(preset.size),
        use_key_bias=False,
        **preset.sizes,
    )


def _vit(hub: Any, preset: Preset, trained: int) -> Any:
    return hub.ViTBackbone(
        image_shape=_shape(trained), patch_size=preset.patch, mlp_dim=4 * preset.width, **preset.sizes
    )


def _shape(size: int) -> tuple[int, int, int]:
    return (size, size, 3)


@dataclass(frozen=True)
class _Family:
    """What the networks of one kind share.

    Attributes:
        kind: keras-hub's class, which knows where its presets are.
        scaling: mean and spread of each channel, of pixels 0–1.
        any_size: whether images of other sides than the trained one will do.
        make: the whole network.
        features: its features `(B, D)` of images.
    """

    kind: str
    scaling: tuple[tuple[float, ...], tuple[float, ...]]
    any_size: bool
    make: Callable[[Any, Preset, int], Any]
    features: Callable[[Any, Any], Any]


_FAMILIES: Final = {
    "clip": _Family("CLIPBackbone", _CLIP, False, _clip, lambda net, x: net.get_vision_embeddings(x)),
    "siglip": _Family("SigLIPBackbone", _HALF, False, _siglip, lambda net, x: net.vision_encoder({"images": x})),
    "dinov2": _Family("DINOV2Backbone", _IMAGENET, True, _dinov2, lambda net, x: net({"images": x})[:, 0]),
    "dinov3": _Family("DINOV3Backbone", _IMAGENET, True, _dinov3, lambda net, x: net({"pixel_values": x})[:, 0]),
    "vit": _Family("ViTBackbone", _HALF, False, _vit, lambda net, x: net(x)[:, 0]),
}
