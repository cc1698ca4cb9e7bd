"""What the runtimes share: precisions, the shape of a runner, and batches cut into what a cache holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

Precision = Literal["float32", "bfloat16", "float16"]
PRECISIONS: Final[tuple[Precision, ...]] = get_args(Precision)

Runner = Callable[[NDArray[Any]], NDArray[np.float32]]
"""Images (`uint8` or `float32`, 0–255, `(B, H, W, 3)`) → features `float32` `(B, D)`."""

Converted = Callable[[Precision], Runner]
"""A network that a runtime has taken over, as a function from a precision to what runs it in that."""

CHUNK: Final = 16
"""Images that a converted network is given at once: larger batches need more memory and were measured no faster."""


class Runtime(Protocol):
    """What a module of this package offers; see the package."""

    INSTALL: str

    def available(self) -> bool:
        """Whether it is installed."""

    def precisions(self) -> Sequence[Precision]:
        """What this machine computes in with a gain."""

    def convert(self, model: Any) -> Converted:
        """Make the model ready to run."""


def chunked(model: Any, run: Callable[[NDArray[Any]], NDArray[Any]]) -> Runner:
    """A runner that gives `run` at most `CHUNK` images at once, of the dtype that the model's input has."""
    width, dtype = int(model.output.shape[-1]), model.inputs[0].dtype

    def call(images: NDArray[Any]) -> NDArray[np.float32]:
        features = np.empty((len(images), width), np.float32)
        for start in range(0, len(images), CHUNK):
            some = np.ascontiguousarray(images[start : start + CHUNK], dtype)
            features[start : start + CHUNK] = run(some)
        return features

    return call


def first_line(error: BaseException) -> str:
    """The first line of what an error says, at most 200 characters of it; its kind where it says nothing."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0].strip()[:200] if lines else type(error).__name__
