"""The study's ResNet50_Custom: frozen ResNet50, global average pooling, dense, dropout, dense."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, NonNegativeInt

from raravis import models
from raravis.models._pretrained import build as _build


class Options(models.Pretrained):
    """Options of `resnet50`; see `models.Pretrained`."""

    name: Literal["resnet50"] = "resnet50"
    backbone: Literal["ResNet50"] = "ResNet50"
    hidden: NonNegativeInt = 256
    dropout: float = Field(default=0.5, ge=0, lt=1)


def build(options: Options, *, classes: int, size: int) -> Any:
    """The network; see `models` for the contract."""
    return _build(options, classes=classes, size=size)
