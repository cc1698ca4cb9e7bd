"""What an `open_clip_config.json` says of a CLIP network: its sizes, and how images come to it.

Enters: the file that open_clip publishes beside the weights. Leaves: a `Clip`. Settings that change what a network
computes and that are not heeded here are refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from raravis.errors import UsageError

CONFIG: Final = "open_clip_config.json"

_HEAD_WIDTH: Final = 64
"""Of attention in the image tower, where the configuration does not say."""

MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
SPREAD: Final = (0.26862954, 0.26130258, 0.27577711)
"""Of images, where the configuration does not say."""

_UNDERSTOOD: Final = frozenset(
    ("image_size", "layers", "width", "head_width", "mlp_ratio", "patch_size", "context_length", "vocab_size", "heads")
)
_AS_USUAL: Final = {
    "vision_cfg": {"pool_type": "tok", "pos_embed_type": "learnable"},
    "text_cfg": {"pool_type": "argmax", "proj_type": "linear"},
}
"""What open_clip does where a configuration is silent, and what is done here."""

_OF_NO_CONSEQUENCE: Final = frozenset(
    (
        *("patch_dropout", "attn_pooler_queries", "attn_pooler_heads", "pad_id", "eos_id"),
        *("timm_pool", "timm_proj", "timm_model_pretrained"),
        *("hf_pooler_type", "hf_proj_type", "hf_model_pretrained"),
    )
)
"""Settings of training, and of parts that no network has that is read here."""


@dataclass(frozen=True)
class Tower:
    """One transformer.

    Attributes:
        width: of its hidden state.
        layers: blocks.
        heads: of attention in each.
        hidden: width within the feed-forward part of a block.
        length: side of the images in pixels, or tokens of a text.
        patch: side of a patch in pixels, or number of different tokens.
    """

    width: int
    layers: int
    heads: int
    hidden: int
    length: int
    patch: int


@dataclass(frozen=True)
class Clip:
    """The two towers of a network and the space that they share.

    Attributes:
        image: `length` is the side it was trained on, `patch` the side of a patch.
        text: `length` is the number of tokens, `patch` the size of the vocabulary.
        features: of the shared space, D.
        activation: of the feed-forward parts: `gelu` or `quick_gelu`.
        mean: of each channel of what it was trained on, 0–1.
        spread: standard deviation of each.
    """

    image: Tower
    text: Tower
    features: int
    activation: str
    mean: tuple[float, ...] = MEAN
    spread: tuple[float, ...] = SPREAD


def read_config(file: Path) -> Clip:
    """The sizes that an `open_clip_config.json` states.

    Raises:
        UsageError: it is not there, no JSON, or speaks of a network that is none of CLIP's transformers.
    """
    try:
        whole = json.loads(file.read_text(encoding="utf-8"))
        about = whole["model_cfg"]
        vision, text = about["vision_cfg"], about["text_cfg"]
        if any({**vision, **text}.get(name) for name in ("timm_model_name", "hf_model_name")) or isinstance(
            vision["layers"], list
        ):
            raise ValueError("a tower of another kind")
        _as_usual(about)
        image = Tower(
            width=vision["width"],
            layers=vision["layers"],
            heads=vision["width"] // vision.get("head_width", _HEAD_WIDTH),
            hidden=int(vision["width"] * vision.get("mlp_ratio", 4.0)),
            length=vision["image_size"],
            patch=vision["patch_size"],
        )
        words = Tower(
            width=text["width"],
            layers=text["layers"],
            heads=text["heads"],
            hidden=int(text["width"] * text.get("mlp_ratio", 4.0)),
            length=text.get("context_length", 77),
            patch=text.get("vocab_size", 49408),
        )
        shown = whole.get("preprocess_cfg", {})
        mean, spread = (tuple(map(float, shown.get(*one))) for one in (("mean", MEAN), ("std", SPREAD)))
        if len(mean) != 3 or len(spread) != 3 or min(spread) <= 0:
            raise ValueError("mean and std of three channels were expected")
        activation = "quick_gelu" if about.get("quick_gelu") else "gelu"
        return Clip(image, words, about["embed_dim"], activation, mean, spread)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{file} does not tell the sizes of a CLIP network ({type(error).__name__}: {error}).\n"
            f"The {CONFIG} that open_clip publishes beside the weights was expected."
        ) from error


def _as_usual(about: Mapping[str, Any]) -> None:
    """Refuse settings that change what a network computes and that are not heeded here."""
    for part in ("vision_cfg", "text_cfg"):
        for name, value in about[part].items():
            usual = _AS_USUAL[part].get(name)
            if value and value != usual and name not in _UNDERSTOOD | _OF_NO_CONSEQUENCE:
                raise ValueError(f"{part}.{name} = {value!r} is not understood")
    for name, value in about.items():
        known = ("embed_dim", "vision_cfg", "text_cfg", "quick_gelu", "init_logit_scale")
        if value and name not in known:
            raise ValueError(f"{name} = {value!r} is not understood")
