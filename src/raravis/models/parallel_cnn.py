"""The study's ParallelCNN: convolution, pooling, two parallel convolutions of different width, pooling, dense."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from raravis.models._parallel import Parallel
from raravis.models._parallel import build as _build


class Options(Parallel):
    """Options of `parallel_cnn`; see `models._parallel.Parallel`."""

    name: Literal["parallel_cnn"] = "parallel_cnn"
    dropout: float = Field(default=0.3, ge=0, lt=1)


def build(options: Options, *, classes: int, size: int) -> Any:
    """The network; see `models` for the contract."""
    return _build(options, classes=classes, size=size, batch_norm=False)
