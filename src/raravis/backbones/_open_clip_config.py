"""What an `open_clip_config.json` says of a CLIP network: its sizes, and how images come to it.

Enters: the file that open_clip publishes beside the weights. Leaves: a `Clip`. Settings that change what a network
computes and that are not heeded here are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError, model_validator

from raravis.errors import UsageError

CONFIG: Final = "open_clip_config.json"

MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
SPREAD: Final = (0.26862954, 0.26130258, 0.27577711)
"""Of images, where the configuration does not say."""


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
        UsageError: it is not there, no JSON, or speaks of a network that is none of CLIP's transformers; the setting
            is named.
    """
    try:
        found = _File.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        told = "; ".join(map(_fault, error.errors())) if isinstance(error, ValidationError) else str(error)
        raise UsageError(
            f"{file} does not tell the sizes of a CLIP network: {told}.\n"
            f"The {CONFIG} that open_clip publishes beside the weights was expected."
        ) from error
    about, shown = found.model_cfg, found.preprocess_cfg
    vision, text = about.vision_cfg, about.text_cfg
    image = vision.tower(vision.width // vision.head_width, vision.image_size, vision.patch_size)
    words = text.tower(text.heads, text.context_length, text.vocab_size)
    activation = "quick_gelu" if about.quick_gelu else "gelu"
    return Clip(image, words, about.embed_dim, activation, shown.mean, shown.std)


def _fault(error: Any) -> str:
    """One fault: the setting, what it was, and what was expected."""
    where = ".".join(map(str, error["loc"])) or "the file"
    received = "" if error["type"] in ("missing", "value_error", "json_invalid") else f" = {error['input']!r:.60}"
    message = error["msg"].removeprefix("Value error, ")
    return f"{where}{received}: {message[:1].lower()}{message[1:]}"


class _Table(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, frozen=True, protected_namespaces=())


class _Part(_Table):
    """A table that says what is computed; settings that change it and that are not heeded here are refused.

    Attributes:
        usual: what open_clip does where the table is silent, and what is done here.
        idle: settings of training, and of parts that no network has that is read here.
    """

    usual: ClassVar[Mapping[str, Any]] = {}
    idle: ClassVar[Sequence[str]] = ()

    @model_validator(mode="before")
    @classmethod
    def _understood(cls, given: Any) -> Any:
        for name, value in given.items() if isinstance(given, dict) else ():
            if value and name not in (*cls.model_fields, *cls.idle) and value != cls.usual.get(name):
                raise ValueError(f"{name} = {value!r} is not understood")
        return given


class _Transformer(_Part):
    """What both towers state."""

    idle: ClassVar[Sequence[str]] = (
        *("patch_dropout", "attn_pooler_queries", "attn_pooler_heads", "pad_id", "eos_id"),
        *("timm_pool", "timm_proj", "timm_model_pretrained"),
        *("hf_pooler_type", "hf_proj_type", "hf_model_pretrained"),
    )

    width: PositiveInt
    layers: PositiveInt
    mlp_ratio: float = Field(default=4.0, ge=1, le=100)

    def tower(self, heads: int, length: int, patch: int) -> Tower:
        """The sizes, with what the two call otherwise."""
        return Tower(self.width, self.layers, heads, int(self.width * self.mlp_ratio), length, patch)


class _Vision(_Transformer):
    """The tower of images."""

    usual: ClassVar[Mapping[str, Any]] = {"pool_type": "tok", "pos_embed_type": "learnable"}

    image_size: PositiveInt
    patch_size: PositiveInt
    head_width: PositiveInt = 64

    @model_validator(mode="after")
    def _divides(self) -> _Vision:
        if self.width % self.head_width:
            raise ValueError(f"head_width = {self.head_width} does not divide width = {self.width}")
        return self


class _Text(_Transformer):
    """The tower of texts."""

    usual: ClassVar[Mapping[str, Any]] = {"pool_type": "argmax", "proj_type": "linear"}

    heads: PositiveInt
    context_length: PositiveInt = 77
    vocab_size: PositiveInt = 49408

    @model_validator(mode="after")
    def _divides(self) -> _Text:
        if self.width % self.heads:
            raise ValueError(f"heads = {self.heads} does not divide width = {self.width}")
        return self


class _Network(_Part):
    """Both towers, and what they share."""

    idle: ClassVar[Sequence[str]] = ("init_logit_scale",)

    embed_dim: PositiveInt
    vision_cfg: _Vision
    text_cfg: _Text
    quick_gelu: bool = False


class _Shown(_Table):
    """How images come to the network."""

    mean: tuple[float, float, float] = MEAN
    std: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = SPREAD


class _File(_Table):
    """The whole file."""

    model_cfg: _Network
    preprocess_cfg: _Shown = _Shown()
