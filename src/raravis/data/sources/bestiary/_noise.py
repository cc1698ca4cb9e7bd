"""Textures, made once a process from fixed seeds: float32 tiles of SIDE × SIDE around 0, within about ±1."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Tile = NDArray[np.float32]
SIDE: Final = 768
TEXTURES: Final = ("fur", "feather", "scale", "rough", "mottle", "grain", "cells", "streak")
ANGLES: Final = 8


def texture(name: str, shape: tuple[int, int], rng: np.random.Generator, flow: float = 0.0) -> Tile:
    """A random window (H, W), at most SIDE each way, of a texture; `flow` (radians) turns `fur` and `streak`."""
    tile = _fur(round(flow / np.pi * ANGLES) % ANGLES, name) if name in ("fur", "streak") else _tile(name)
    top, left = (int(rng.integers(0, SIDE - n + 1)) for n in shape)
    return tile[top : top + shape[0], left : left + shape[1]]


def clouds(shape: tuple[int, int], rng: np.random.Generator, cell: float, octaves: int = 3) -> Tile:
    """Smooth noise (H, W) around 0 whose largest features are about `cell` pixels wide."""
    total = np.zeros(shape, np.float32)
    weight = 1.0
    for _ in range(octaves):
        grid = [max(2, int(np.ceil(n / cell)) + 1) for n in shape]
        small = Image.fromarray(rng.uniform(-1, 1, grid).astype(np.float32))
        total += weight * np.asarray(small.resize((shape[1], shape[0]), Image.Resampling.BICUBIC))
        weight, cell = weight * 0.5, cell / 2
    return total


def _unit(values: NDArray[np.floating]) -> Tile:
    centred = values - values.mean()
    scaled: Tile = np.clip(centred / (2 * centred.std()), -1, 1).astype(np.float32)
    return scaled


@cache
def _tile(name: str) -> Tile:
    rng = np.random.default_rng(TEXTURES.index(name))
    shape = (SIDE, SIDE)
    if name == "rough":
        return _unit(clouds(shape, rng, 9, 3))
    if name == "mottle":
        return _unit(clouds(shape, rng, 38, 4))
    if name == "grain":
        return _unit(ndimage.gaussian_filter(rng.standard_normal(shape), 0.6))
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    if name == "cells":
        seeds = rng.uniform(0, SIDE, (16000, 2))
        ground = np.ones(shape, bool)
        ground[seeds[:, 0].astype(int), seeds[:, 1].astype(int)] = False
        return _unit(np.minimum(ndimage.distance_transform_edt(ground), 5))
    wide, high = (9.0, 7.0) if name == "scale" else (13.0, 10.0)
    x = x + 2.0 * clouds(shape, rng, 60, 1)
    y = y + 2.0 * clouds(shape, rng, 60, 1)
    near = np.full(shape, 9.0, np.float32)
    for up in (0, 1):  # each point lies under the arc of its own row or of the row above
        row = np.floor(y / high) - up
        u = (x / wide + 0.5 * (row % 2)) % 1 - 0.5
        v = y / high - row
        reach = np.sqrt((1.7 * u) ** 2 + (0.72 * v) ** 2)
        near = np.where((reach < 1) & ((up == 1) | (near > 1)), reach, near)
    arcs = np.where(near > 1, 0.0, near**3)
    return _unit(-arcs + 0.25 * rng.standard_normal(shape))


@cache
def _fur(step: int, name: str) -> Tile:
    rng = np.random.default_rng(99)
    wide = int(SIDE * 1.5)
    length = 7 if name == "fur" else 40
    noise = ndimage.uniform_filter1d(rng.standard_normal((wide, wide)).astype(np.float32), length, axis=1)
    noise = ndimage.gaussian_filter1d(noise, 0.5, axis=0)
    turned = Image.fromarray(noise).rotate(-step * 180 / ANGLES, Image.Resampling.BILINEAR)
    edge = (wide - SIDE) // 2
    return _unit(np.asarray(turned)[edge : edge + SIDE, edge : edge + SIDE])
