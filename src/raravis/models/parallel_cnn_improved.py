"""The study's ParallelCNN_Improved: ParallelCNN with a batch norm after every convolution and more dropout."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from raravis.models._parallel import Parallel
from raravis.models._parallel import build as _build


class Options(Parallel):
    """Options of `parallel_cnn_improved`; see `models._parallel.Parallel`."""

    name: Literal["parallel_cnn_improved"] = "parallel_cnn_improved"
    dropout: float = Field(default=0.5, ge=0, lt=1)


def build(options: Options, *, classes: int, size: int) -> Any:
    """The network; see `models` for the contract."""
    return _build(options, classes=classes, size=size, batch_norm=True)
