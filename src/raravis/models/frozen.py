"""A frozen pretrained backbone: its own preprocessing, global average pooling, dropout, dense."""

from __future__ import annotations

from typing import Any, Literal

from raravis import models
from raravis.models._pretrained import build as _build


class Options(models.Pretrained):
    """Options of `frozen`; see `models.Pretrained`."""

    name: Literal["frozen"] = "frozen"
    backbone: str = "MobileNetV2"


def build(options: Options, *, classes: int, size: int) -> Any:
    """The network; see `models` for the contract."""
    return _build(options, classes=classes, size=size)
