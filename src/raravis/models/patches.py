"""Patches within patches: two layers of filters that are learned without labels, and a probe on what they find.

The first layer answers to small patches, and its answers are summed over parts of the image. What it answers around a
place also describes that place; of all descriptions in an image the Fisher vector tells how they differ from those of
the training images.
"""

from __future__ import annotations

import math
from typing import Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from raravis import engine
from raravis.models import probe
from raravis.models._options import logits

NAME: Final = "patches"

CONTRAST: Final = 10.0
"""Added to the variance of a patch, in squared grey levels of 0–255, so that flat patches stay flat."""

CELLS: Final = 2
"""Neighbouring averages along a side that describe a place together."""

APART: Final = 2
"""Steps between these, so that they share no answer."""

_TINY: Final = 1e-6


class Scale(BaseModel):
    """One size at which images are looked at.

    Attributes:
        size: side of the image in pixels.
        patch: side of a patch.
        stride: steps between patches.
        pool: answers along a side that are averaged; the next average begins half of them further.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: PositiveInt
    patch: PositiveInt = 8
    stride: PositiveInt = 2
    pool: int = Field(default=6, ge=2, multiple_of=2)

    @property
    def answers(self) -> int:
        """Patches along a side."""
        return (self.size - self.patch) // self.stride + 1

    @property
    def places(self) -> int:
        """Places along a side that are described."""
        return (self.answers - self.pool) // (self.pool // 2) + 1 - APART * (CELLS - 1)


class Options(probe.Options):
    """Options of `patches`; those of its head are those of `probe`.

    Attributes:
        backbones: its own features, and the views that they are averaged over.
        scales: sizes at which images are looked at, each with filters and words of its own.
        filters: of the first layer.
        threshold: their answers below are 0.
        depth: numbers that describe a place: the directions in which descriptions differ most.
        words: kinds of places, Gaussians of a mixture.
        grid: answers are averaged over the whole image, its quarters, its ninths, ….
        width: features that remain: directions in which the training images differ most.
    """

    name: Literal["patches"] = NAME  # type: ignore[assignment]
    backbones: tuple[probe.Source, ...] = Field(
        default=(probe.Source(name=NAME, weights="none", views=("whole", "mirrored")),), min_length=1, max_length=1
    )
    scales: tuple[Scale, ...] = Field(default=(Scale(size=160),), min_length=1)
    filters: PositiveInt = 128
    threshold: float = Field(default=0.5, ge=0)
    depth: PositiveInt = 80
    words: PositiveInt = 128
    grid: tuple[PositiveInt, ...] = Field(default=(1, 2, 3), min_length=1)
    width: PositiveInt = 1500

    @model_validator(mode="after")
    def _fits(self) -> Options:
        for scale in self.scales:
            if scale.places < 1 or scale.answers < max(self.grid):
                raise ValueError(
                    f"{scale.size} pixels hold {max(scale.answers, 0)} patches of {scale.patch} a side; "
                    f"pool {scale.pool} and grid {max(self.grid)} ask for more"
                )
        if self.depth > 2 * self.filters * CELLS**2:
            raise ValueError(f"depth: up to {2 * self.filters * CELLS**2} come from {self.filters} filters")
        if any(source.name != NAME for source in self.backbones):
            raise ValueError(f"backbones can only be {NAME!r}; take the model 'probe' for others")
        return self

    def check(self) -> None:
        """Its backbone is its own, and always there."""


def build(options: Options, *, classes: int, size: int) -> Any:
    """The network with random filters and a head of random weights; see `models` for the contract."""
    extractor = projected(vectors(options, size=size), options.width)
    return probe.joined(options, [extractor], size=size, head=lambda features: logits(features, classes))


def vectors(options: Options, *, size: int) -> Any:
    """Images `(B, size, size, 3)` → sums of answers and Fisher vectors of every scale, `(B, N)`.

    What is learned lies, for scale I, in the layers `filters_I` (each sums to 0), `centre_I` (the mean is an answer to
    the mean patch), `norm_I_G` (for the grid G), `describe_I`, `middle_I` (the mean description), `words_I` and
    `fisher_I`; see `learn.patches`.
    """
    keras = engine.keras()
    image = keras.Input((size, size, 3), name="image")
    blocks = []
    for number, scale in enumerate(options.scales, start=1):
        answers = _answers(options, scale, number, resizing(scale.size)(image))
        blocks += [_sums(number, cells, answers) for cells in options.grid]
        blocks.append(_fisher(options, number, _places(options, number, answers, scale.pool)))
    network = keras.Model(image, keras.layers.Concatenate()(blocks), name="vectors")
    network.trainable = False
    return network


def projected(front: Any, width: int) -> Any:
    """The network behind `vectors` with a layer `projection` to `width` features."""
    keras = engine.keras()
    features = keras.layers.Dense(width, use_bias=False, name="projection")(front.output)
    return keras.Model(front.input, features, name=NAME)


def resizing(size: int) -> Any:
    """The layer that makes images of a scale from whole ones."""
    return engine.keras().layers.Resizing(size, size)  # without antialias, which ONNX has no operation for


def _answers(options: Options, scale: Scale, number: int, image: Any) -> Any:
    """What the filters of one scale answer at each place, both signs, thresholded: `(B, P, P, 2 × filters)`.

    After Coates, Lee & Ng, "An Analysis of Single-Layer Networks in Unsupervised Feature Learning", 2011: patches of
    equal contrast, filters, a soft threshold that keeps both signs apart.
    """
    keras = engine.keras()

    x = keras.layers.Rescaling(1.0, offset=-127.5)(image)
    filters = keras.layers.Conv2D(
        options.filters, scale.patch, strides=scale.stride, use_bias=False, name=f"filters_{number}"
    )
    found = filters(x) / keras.ops.sqrt(_variance(scale, number, x) + CONTRAST)
    found = _centred(f"centre_{number}")(found)
    signs = [keras.ops.relu(sign * found - options.threshold) for sign in (1, -1)]
    return keras.layers.Concatenate()(signs)


def _variance(scale: Scale, number: int, image: Any) -> Any:
    """The variance of every patch, `(B, P, P, 1)`, in two steps: within blocks that patches share, and between these.

    The mean of the squares less the square of the mean would be noise where a patch is bright and flat, and another
    noise in every runtime.
    """
    keras = engine.keras()
    block = math.gcd(scale.patch, scale.stride)
    side, step = scale.patch // block, scale.stride // block

    def spread(values: Any, size: int, strides: int, name: str) -> Any:
        count = size**2 * values.shape[-1]
        differ = keras.layers.Conv2D(count, size, strides=strides, use_bias=False, name=f"{name}_{number}")
        differences = differ(values)
        differ.set_weights([np.reshape(np.eye(count) - 1 / count, differ.kernel.shape)])
        return keras.ops.mean(keras.ops.square(differences), axis=-1, keepdims=True)

    means = keras.ops.mean(keras.layers.AveragePooling2D(block)(image), axis=-1, keepdims=True)
    within = keras.layers.AveragePooling2D(side, strides=step)(spread(image, block, block, "within"))
    return within + spread(means, side, step, "between")


def _sums(number: int, cells: int, answers: Any) -> Any:
    """Square roots of the answers' averages over each of `cells`² parts, at length 1: `(B, 2 × filters × cells²)`."""
    keras = engine.keras()
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D(answers.shape[1] // cells)(answers))
    return keras.layers.UnitNormalization()(_centred(f"norm_{number}_{cells}")(keras.ops.sqrt(x + _TINY)))


def _places(options: Options, number: int, answers: Any, pool: int) -> Any:
    """Each place by the square roots of the answers around it, of length 1, turned and scaled: `(B, Q, Q, depth)`."""
    keras = engine.keras()
    around = {"kernel_size": CELLS, "dilation_rate": APART, "use_bias": False}
    x = keras.layers.AveragePooling2D(pool, strides=pool // 2)(answers) + _TINY
    total = keras.layers.Conv2D(1, **around, kernel_initializer="ones", name=f"total_{number}")(x)
    found = keras.layers.Conv2D(options.depth, **around, name=f"describe_{number}")(keras.ops.sqrt(x))
    return _centred(f"middle_{number}")(found / keras.ops.sqrt(total))


def _fisher(options: Options, number: int, places: Any) -> Any:
    """The Fisher vector of an image's places, `(B, 2 × words × depth)`, of length 1.

    After Perronnin, Sánchez & Mensink, "Improving the Fisher Kernel for Large-Scale Image Classification", 2010: how
    far the descriptions lie from the middle and the spread of each word that they belong to, then the square root.
    """
    keras = engine.keras()
    ops, count = keras.ops, places.shape[1] * places.shape[2]
    squares = ops.square(places)
    words = keras.layers.Conv2D(options.words, 1, activation="softmax", name=f"words_{number}")
    shares = ops.reshape(words(keras.layers.Concatenate()([places, squares])), (-1, count, options.words))
    moments = keras.layers.Concatenate()([ops.ones_like(places), places, squares])
    moments = ops.reshape(moments, (-1, count, 3 * options.depth))
    sums = ops.matmul(ops.transpose(shares, (0, 2, 1)), moments) / count
    sums = ops.transpose(ops.reshape(sums, (-1, options.words, 3, options.depth)), (0, 2, 1, 3))
    fisher = keras.layers.DepthwiseConv2D((3, 1), depth_multiplier=2, use_bias=False, name=f"fisher_{number}")
    x = keras.layers.Flatten()(fisher(ops.reshape(sums, (-1, 3, 1, options.words * options.depth))))
    return keras.layers.UnitNormalization()(x / ops.sqrt(ops.abs(x) + _TINY))


def _centred(name: str) -> Any:
    return engine.keras().layers.BatchNormalization(center=False, scale=False, epsilon=_TINY, name=name)
