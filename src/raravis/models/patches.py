"""Small patches as a dictionary: a network of one layer whose filters are learned without labels, and a probe on it."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from raravis import engine
from raravis.models import probe
from raravis.models._options import logits

NAME: Final = "patches"

CONTRAST: Final = 10.0
"""Added to the variance of a patch, in squared grey levels of 0–255, so that flat patches stay flat."""

_TINY: Final = 1e-6


class Scale(BaseModel):
    """One size at which images are looked at.

    Attributes:
        size: side of the image in pixels.
        patch: side of a patch.
        stride: steps between patches.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: PositiveInt
    patch: PositiveInt = 8
    stride: PositiveInt = 2

    @property
    def places(self) -> int:
        """Patches along a side."""
        return (self.size - self.patch) // self.stride + 1


class Options(probe.Options):
    """Options of `patches`; those of its head are those of `probe`.

    Attributes:
        backbones: its own features, and the views that they are averaged over.
        scales: sizes at which images are looked at, each with a dictionary of its own.
        filters: of each dictionary.
        threshold: responses below are 0.
        grid: responses are averaged over the whole image, its quarters, its ninths, ….
        width: features that remain: directions in which the training images differ most.
    """

    name: Literal["patches"] = NAME  # type: ignore[assignment]
    backbones: tuple[probe.Source, ...] = Field(
        default=(probe.Source(name=NAME, weights="none", views=("whole", "mirrored")),), min_length=1, max_length=1
    )
    scales: tuple[Scale, ...] = Field(
        default=(Scale(size=96, stride=3), Scale(size=64), Scale(size=48, patch=12)), min_length=1
    )
    filters: PositiveInt = 300
    threshold: float = Field(default=0.5, ge=0)
    grid: tuple[PositiveInt, ...] = Field(default=(1, 2, 3), min_length=1)
    width: PositiveInt = 1000

    @model_validator(mode="after")
    def _fits(self) -> Options:
        for scale in self.scales:
            if scale.places < max(self.grid):
                raise ValueError(
                    f"{scale.size} pixels hold {max(scale.places, 0)} patches of {scale.patch} a side; "
                    f"grid asks for {max(self.grid)} or more"
                )
        if any(source.name != NAME for source in self.backbones):
            raise ValueError(f"backbones can only be {NAME!r}; take the model 'probe' for others")
        return self


def build(options: Options, *, classes: int, size: int) -> Any:
    """The network with random filters and a head of random weights; see `models` for the contract."""
    extractor = projected(responses(options, size=size), options.width)
    return probe.joined(options, [extractor], size=size, head=lambda features: logits(features, classes))


def responses(options: Options, *, size: int) -> Any:
    """Images `(B, size, size, 3)` → how often each filter answers in each cell of the grid, `(B, N)`.

    After Coates, Lee & Ng, "An Analysis of Single-Layer Networks in Unsupervised Feature Learning", 2011: patches of
    equal contrast, filters, a soft threshold that keeps both signs apart, sums over parts of the image; then the square
    root of Fisher vectors (Perronnin, Sánchez & Mensink 2010). What is learned lies in the layers `filters_I`, which
    must each sum to 0, and in the statistics of `centre_I` (an answer to the mean patch) and `norm_I_G`.
    """
    keras = engine.keras()
    image = keras.Input((size, size, 3), name="image")
    blocks = []
    for number, scale in enumerate(options.scales, start=1):
        answers = _answers(options, scale, number, resizing(scale.size)(image))
        for cells in options.grid:
            pool = scale.places // cells
            x = keras.layers.Flatten()(keras.layers.AveragePooling2D(pool)(answers))
            x = keras.ops.sqrt(x + _TINY)
            x = keras.layers.BatchNormalization(
                center=False, scale=False, epsilon=_TINY, name=f"norm_{number}_{cells}"
            )(x)
            blocks.append(keras.layers.UnitNormalization()(x))
    merged = blocks[0] if len(blocks) == 1 else keras.layers.Concatenate()(blocks)
    network = keras.Model(image, merged, name="responses")
    network.trainable = False
    return network


def projected(front: Any, width: int) -> Any:
    """The network behind `responses` with a layer `projection` to `width` features."""
    keras = engine.keras()
    features = keras.layers.Dense(width, use_bias=False, name="projection")(front.output)
    return keras.Model(front.input, features, name=NAME)


def resizing(size: int) -> Any:
    """The layer that makes images of a scale from whole ones."""
    return engine.keras().layers.Resizing(size, size)  # without antialias, which ONNX has no operation for


def _answers(options: Options, scale: Scale, number: int, image: Any) -> Any:
    """What the filters of one scale answer at each place, both signs, thresholded: `(B, P, P, 2 × filters)`."""
    keras = engine.keras()

    def slid(filters: int, name: str, **further: Any) -> Any:
        return keras.layers.Conv2D(
            filters, scale.patch, strides=scale.stride, use_bias=False, name=f"{name}_{number}", **further
        )

    mean = keras.initializers.Constant(1 / (3 * scale.patch**2))
    x = keras.layers.Rescaling(1.0, offset=-127.5)(image)
    average = slid(1, "average", kernel_initializer=mean)(x)
    squares = slid(1, "squares", kernel_initializer=mean)(keras.ops.square(x))
    contrast = keras.ops.sqrt(keras.ops.relu(squares - keras.ops.square(average)) + CONTRAST)
    found = slid(options.filters, "filters")(x) / contrast
    found = keras.layers.BatchNormalization(center=False, scale=False, epsilon=_TINY, name=f"centre_{number}")(found)
    signs = [keras.ops.relu(sign * found - options.threshold) for sign in (1, -1)]
    return keras.layers.Concatenate()(signs)
