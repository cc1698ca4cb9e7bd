"""What is drawn of maps and channels, and the names of the files."""

import io

import numpy as np
import pytest
from PIL import Image

from raravis import drawing
from raravis.explaining import channels, maps
from raravis.explaining._sheet import heat
from raravis.explaining.layers import Channel, Layer
from raravis.explaining.names import distinct


def pixels(figure):
    return np.asarray(Image.open(io.BytesIO(drawing.png(figure))).convert("RGB"))


def holds(whole, part):
    """Whether a picture stands somewhere in another, pixel for pixel."""
    high, wide = part.shape[:2]
    room = whole[: whole.shape[0] - high + 1, : whole.shape[1] - wide + 1]
    corners = np.argwhere((room == part[0, 0]).all(-1) & (room == part[0, 0]).all(-1))
    return any((whole[y : y + high, x : x + wide] == part).all() for y, x in corners)


def test_heat_goes_from_black_to_bright_and_keeps_spots_sharp():
    shown = heat(np.array([[0, 1], [2, 4]], np.float32), 10).astype(int)
    levels = shown.sum(-1)
    assert levels[0, 0] < levels[0, 9] < levels[9, 0] < levels[9, 9]
    assert len(np.unique(levels)) == 4
    assert len(np.unique(heat(np.full((3, 3), 5, np.float32), 6).reshape(-1, 3), axis=0)) == 1
    assert heat(np.full((3, 3), 5, np.float32), 6).max() > 200  # 5 is far above no answer
    assert heat(np.zeros((3, 3), np.float32), 6).max() < 10


def test_the_liveliest_channels_come_first():
    found = np.zeros((2, 2, 4), np.float32)
    found[..., 0] = 9  # strong, but everywhere alike
    found[0, 0, 2], found[0, 1, 1] = 5, 1
    assert maps.liveliest(found).tolist() == [2, 1, 0, 3]
    assert maps.liveliest(found, 1).tolist() == [2]
    assert maps.liveliest(np.array([[[1, 3, 2]]], np.float32)).tolist() == [1, 2, 0]


def test_a_photographs_figure_shows_it_beside_the_maps_of_every_layer():
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (maps.PHOTO, maps.PHOTO, 3)).astype(np.uint8)
    layers = [Layer("trunk/one", 8, 8, 12, True), Layer("two", 4, 4, 3, True)]
    found = {x.name: rng.random((x.height, x.width, x.channels), np.float32) for x in layers}
    drawn = pixels(maps.figure("Taken for felidae", "a $b$ 猫.jpg", photo, photo[:16, :16], layers, found))
    assert holds(drawn, photo)
    for name, values in found.items():
        first, *_ = maps.liveliest(values)
        assert holds(drawn, heat(values[..., first], 112)), name
    hidden = maps.liveliest(found["trunk/one"], 12)[-1]
    assert not holds(drawn, heat(found["trunk/one"][..., hidden], 112))


def test_the_spotlight_leaves_the_strong_half_as_it_is():
    photo = np.full((40, 40, 3), (200, 100, 50), np.uint8)
    values = np.zeros((4, 4), np.float32)
    values[:, :2] = 3
    lit = channels.spotlight(photo, values)
    assert lit[20, 5].tolist() == [200, 100, 50]
    assert lit[20, 35].max() < 80
    outline = (lit == (255, 214, 10)).all(-1)
    assert set(np.flatnonzero(outline.any(axis=0))) <= {17, 18, 19, 20, 21}
    assert (channels.spotlight(photo, np.full((4, 4), 2, np.float32)) == photo).all()
    below = channels.spotlight(photo, values - 9)  # a linear layer may answer below 0 everywhere
    assert below[20, 5].tolist() == [200, 100, 50]
    assert below[20, 35].max() < 80


@pytest.mark.parametrize(
    ("families", "told"),
    [
        (["a"] * 9, "9 a"),
        (["b", "a", "b"], "2 b, 1 a"),
        (["a", "b", "c", "d"], "4 families, one image each"),
        (["a"] * 4 + ["b"] * 3 + ["c", "d"], "4 a, 3 b, 2 others"),
        (["a", "a", "b", "b", "c", "c", "d", "d"], "2 a, 2 b, 2 c, 2 others"),
    ],
)
def test_families_in_words(families, told):
    assert channels.shares(families) == told


def test_a_channels_figure_shows_all_its_images():
    tiles = [np.full((channels.SIDE, channels.SIDE, 3), 10 * i, np.uint8) for i in range(1, 10)]
    drawn = pixels(channels.figure(Channel(Layer("conv", 4, 4, 8, True), 3), "of 90", "9 a", tiles, ["a"] * 9))
    assert all(holds(drawn, tile) for tile in tiles)


def test_file_names_are_safe_and_never_meet():
    taken: set[str] = set()
    given = ["a b/c", "a b c", "A_b_c", "…", "", "..", "über", "x" * 300, "x" * 301, "a_b_c-2", "\udcff"]
    made = [distinct(name, taken) for name in given]
    assert made[:3] == ["a_b_c", "a_b_c-2", "A_b_c-3"]
    assert made[6] == "über"
    assert len({name.casefold() for name in made}) == len(given)
    assert all(name and "/" not in name and not name.startswith(".") and len(name.encode()) < 200 for name in made)
