"""Three ways to picture the same animal: a photograph, a drawing on paper, a fossil in stone.

Layers (and, for photographs, a place) go in; RGB `float32` (H, W, 3), 0–1, comes out.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from raravis.data.sources.bestiary._backdrop import backdrop, foreground
from raravis.data.sources.bestiary._family import Shadow
from raravis.data.sources.bestiary._habitats import HABITATS
from raravis.data.sources.bestiary._light import Light, lit, over, strike, window
from raravis.data.sources.bestiary._noise import clouds, texture
from raravis.data.sources.bestiary._paint import Layers, Plane, paint
from raravis.data.sources.bestiary._parts import rgb

Rng = np.random.Generator


def photograph(layers: Layers, habitat: str, shadow: Shadow, rng: Rng) -> Plane:
    """The animal in its place, in the light of the place, seen through a camera."""
    height, width = layers.cover.shape
    place = HABITATS[habitat]
    angle = rng.uniform(-2.5, -0.64)
    lean = rng.uniform(0.45, 0.8)
    strength = rng.uniform(0.85, 1.12)
    light = Light(
        (float(np.cos(angle) * lean), float(np.sin(angle) * lean), float(np.sqrt(1 - lean * lean))),
        _gain(place.sun, strength),
        _gain(place.air, rng.uniform(0.9, 1.15)),
    )
    picture = backdrop(place, (width, height), rng, light, blur=rng.uniform(0, 2.6))
    if shadow != "none" and not place.airy:
        picture *= 1 - _shadow(layers.cover, shadow, light, rng)[..., None]
    picture = over(picture, layers, light)
    things = foreground(place, (width, height), rng)
    if things:
        picture = over(picture, paint(things, (width, height), rng), light)
    if habitat in ("reef", "deep", "ocean", "kelp"):
        water = np.asarray(rgb(place.low[0]), np.float32)
        picture = picture + rng.uniform(0.04, 0.22) * (water * 1.3 - picture)
    return _camera(picture, rng)


def drawing(layers: Layers, rng: Rng) -> Plane:
    """Ink outlines and hatching on paper, with or without a wash of colour."""
    height, width = layers.cover.shape
    shape = (height, width)
    tone = np.asarray(rgb(str(rng.choice(["#f3ead6", "#f7f2e6", "#e9dfc8", "#f2efe9", "#e6d8ba"]))), np.float32)
    paper = tone * (1 + 0.035 * texture("rough", shape, rng) + 0.05 * clouds(shape, rng, 120, 2))[..., None]
    ink = np.asarray(rgb(str(rng.choice(["#1f1a18", "#2a2430", "#4a3322", "#1f2a3a"]))), np.float32)
    light = Light((-0.5, -0.6, 0.62))
    square = strike(layers, light) * (0.35 + 0.65 * layers.open)
    bright = layers.colour @ np.array([0.3, 0.59, 0.11], np.float32)
    wash = float(rng.choice([0.0, 0.55, 0.9]))
    picture = paper
    if wash:
        thick = layers.cover * np.clip(wash + 0.14 * clouds(shape, rng, 40, 3), 0, 1)
        glaze = np.clip(layers.colour * (0.75 + 0.45 * square[..., None]) + 0.06, 0, 1)
        picture = paper * (1 - thick[..., None] * (1 - glaze))
    dark = layers.cover * np.clip(1 - square * 1.05 + (0.0 if wash else 0.75) * (0.62 - bright), 0, 1.3)
    strokes = np.zeros(shape, np.float32)
    seen = window(layers.cover)
    strokes[seen] = _hatching(dark[seen], rng)
    lines = np.clip(np.maximum(layers.ink, strokes * (0.55 if wash else 0.8)), 0, 1)
    lines *= np.clip(0.92 + 0.25 * texture("grain", shape, rng), 0, 1)
    picture = picture + lines[..., None] * (ink - picture)
    return np.asarray(np.clip(picture, 0, 1), np.float32)


def fossil(layers: Layers, rng: Rng) -> Plane:
    """A relief in stone, in low light from one side, worn away in places."""
    height, width = layers.cover.shape
    shape = (height, width)
    stone = np.asarray(rgb(str(rng.choice(["#b8a88c", "#a39a8a", "#8f8a84", "#c2a67e", "#9c8468"]))), np.float32)
    rough = (
        0.5 * texture("rough", shape, rng) + 0.6 * texture("mottle", shape, rng) + 0.35 * texture("grain", shape, rng)
    )
    worn = np.clip(1.15 + 1.1 * clouds(shape, rng, 90, 3), 0, 1)
    there = layers.cover * worn
    bright = layers.colour @ np.array([0.3, 0.59, 0.11], np.float32)
    detail = ndimage.gaussian_filter(bright, 0.8) - ndimage.gaussian_filter(bright, 4.0)
    relief = 2.2 * ndimage.gaussian_filter(there, 1.6) + there * (2.6 * detail - 1.3 * layers.ink) + 0.11 * rough
    crack = _cracks(shape, rng)
    relief -= 0.5 * crack
    gy, gx = np.gradient(relief)
    slope = np.stack(
        [layers.slope[..., 0] * there * 0.85 - gx * 1.3, layers.slope[..., 1] * there * 0.85 - gy * 1.3],
        axis=-1,
    )
    slope /= np.maximum(1.0, np.sqrt((slope**2).sum(-1, keepdims=True)) / 0.97)
    bone = np.asarray(rgb(str(rng.choice(["#5a4630", "#3f3a36", "#7a5a3a", "#d8cbb0"]))), np.float32)
    colour = stone * (1 + 0.12 * rough)[..., None]
    colour = colour + (there * rng.uniform(0.3, 0.65))[..., None] * (
        bone * (1 + 0.1 * rough + 0.9 * detail)[..., None] - colour
    )
    colour *= (1 - 0.55 * crack)[..., None]
    angle = rng.uniform(-2.6, -0.5)
    light = Light((float(np.cos(angle) * 0.8), float(np.sin(angle) * 0.8), 0.6), (1.12, 1.06, 0.94), (0.8, 0.84, 0.92))
    carved = replace(
        layers,
        colour=np.clip(colour, 0, 1),
        slope=slope.astype(np.float32),
        gloss=layers.gloss * 0,
        cover=there,
    )
    return _camera(lit(carved, light), rng)


def _hatching(dark: Plane, rng: Rng) -> Plane:
    """Strokes in up to three directions, broader and crossing where it is darker: (H, W), 0–1."""
    y, x = (v.astype(np.float32) for v in np.ogrid[: dark.shape[0], : dark.shape[1]])
    wobble = 1.1 * clouds(dark.shape, rng, 50, 2)
    pitch, turn = rng.uniform(3.4, 5.0), rng.uniform(0.5, 1.1)
    strokes = np.zeros(dark.shape, np.float32)
    for angle, least in ((turn, 0.3), (turn + 1.5, 0.62), (turn - 0.7, 0.88)):
        wave = 0.5 + 0.5 * np.cos((x * np.cos(angle) + y * np.sin(angle) + wobble) * np.float32(2 * np.pi / pitch))
        strokes = np.maximum(strokes, np.clip((wave - 1 + np.clip((dark - least) * 1.3, 0, 0.62)) * 4, 0, 1))
    return np.asarray(strokes, np.float32)


def _gain(colour: str, strength: float) -> tuple[float, float, float]:
    red, green, blue = rgb(colour)
    return (red * strength, green * strength, blue * strength)


def _shadow(cover: Plane, kind: Shadow, light: Light, rng: Rng) -> Plane:
    """What the animal takes from the light behind it: (H, W), 0–1."""
    height, width = cover.shape
    deep = rng.uniform(0.35, 0.6)
    if kind == "drop":
        shift = rng.uniform(0.02, 0.06) * height
        moved = ndimage.shift(cover, (-light.towards[1] * shift, -light.towards[0] * shift), order=1)
        return np.asarray(deep * ndimage.uniform_filter(ndimage.uniform_filter(moved, 7), 5), np.float32)
    rows = np.flatnonzero(cover.max(1) > 0.5)
    columns = np.flatnonzero(cover.max(0) > 0.5)
    if not len(rows) or not len(columns):
        return np.zeros_like(cover)
    bottom, left, right = int(rows[-1]), int(columns[0]), int(columns[-1])
    y, x = np.mgrid[:height, :width].astype(np.float32)
    half = (right - left) / 2 + 1
    u = (x - (left + right) / 2 + light.towards[0] * half * 0.35) / (half * 1.05)
    v = (y - bottom + 2) / (half * 0.16 + 3)
    return np.asarray(deep * np.clip(1.15 - np.sqrt(u * u + v * v), 0, 1) ** 0.8, np.float32)


def _cracks(shape: tuple[int, int], rng: Rng) -> Plane:
    sheet = Image.new("L", (shape[1], shape[0]), 0)
    pen = ImageDraw.Draw(sheet)
    for _ in range(int(rng.integers(1, 4))):
        spot = rng.uniform((0, 0), (shape[1], shape[0]))
        angle = rng.uniform(0, 6.3)
        path = [tuple(spot)]
        for _ in range(14):
            angle += rng.normal(0, 0.35)
            spot = spot + rng.uniform(8, 26) * np.array([np.cos(angle), np.sin(angle)])
            path.append(tuple(spot))
        pen.line([float(v) for p in path for v in p], fill=255, width=1)
    return np.asarray(ndimage.gaussian_filter(np.asarray(sheet, np.float32) / 255, 0.6), np.float32)


def _blurred(picture: Plane, radius: float) -> Plane:
    image = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(image, np.float32) * np.float32(1 / 255)


def _camera(picture: Plane, rng: Rng) -> Plane:
    """Exposure, white balance, vignette, a little blur now and then, and grain."""
    height, width = picture.shape[:2]
    y, x = (
        np.linspace(-1, 1, height, dtype=np.float32)[:, None],
        np.linspace(-1, 1, width, dtype=np.float32)[None, :],
    )
    fall = 1 - rng.uniform(0.05, 0.32) * np.clip(x * x + y * y - 0.25, 0, None) / 1.75
    balance = (rng.uniform(0.95, 1.05, 3) * rng.uniform(0.9, 1.12)).astype(np.float32)
    picture = np.asarray(picture * fall[..., None] * balance, np.float32)
    if rng.random() < 0.3:
        picture = _blurred(picture, rng.uniform(0.4, 1.0))
    noise = rng.uniform(0.006, 0.035) * texture("grain", (height, width), rng)
    return np.asarray(np.clip(picture + noise[..., None], 0, 1), np.float32)
