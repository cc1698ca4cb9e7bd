"""The study's EfficientNetB3_Custom: frozen EfficientNetB3, global average pooling, dropout, dense."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from raravis import models
from raravis.models._pretrained import build as _build


class Options(models.Pretrained):
    """Options of `efficientnet_b3`; see `models.Pretrained`."""

    name: Literal["efficientnet_b3"] = "efficientnet_b3"
    backbone: Literal["EfficientNetB3"] = "EfficientNetB3"
    dropout: float = Field(default=0.4, ge=0, lt=1)


def build(options: Options, *, classes: int, size: int) -> Any:
    """The network; see `models` for the contract."""
    return _build(options, classes=classes, size=size)
