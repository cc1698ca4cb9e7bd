"""Photographs that show nothing are told from dark and pale ones that do."""

import numpy as np
import pytest

from raravis.data import decode, nothing
from raravis.data.blank import blank
from raravis.data.sources import bestiary


def scene(size=96):
    return np.random.default_rng(0).integers(0, 256, (1, size, size, 3)).astype(np.uint8)


@pytest.mark.parametrize("size", [8, 32, 96, 224])
@pytest.mark.parametrize("level", [0, 8, 120, decode.PAD_GREY, 255])
def test_one_colour_shows_nothing_at_any_size(size, level):
    assert blank(np.full((2, size, size, 3), level, np.uint8)).tolist() == [True, True]


@pytest.mark.parametrize(("share", "told"), [(0.03, True), (0.2, False), (1.0, False)])
def test_a_scene_without_light_shows_nothing(share, told):
    assert blank((scene() * share).astype(np.uint8)).tolist() == [told]


def test_noise_of_a_sensor_at_night_is_nothing_and_an_animal_in_a_torch_is_something():
    night = np.random.default_rng(1).normal(4, 2, (1, 96, 96, 3)).clip(0, 255).astype(np.uint8)
    assert blank(night).tolist() == [True]
    night[:, 30:50, 30:50] = scene(20)
    assert blank(night).tolist() == [False]


def test_a_pale_scene_is_something():
    assert blank((200 + scene() * 0.1).astype(np.uint8)).tolist() == [False]


@pytest.mark.parametrize("level", [0, 200])
def test_bars_do_not_count(level):
    image = np.full((1, 96, 96, 3), decode.PAD_GREY, np.uint8)
    image[:, 30:60] = level
    assert blank(image).tolist() == [True]
    image[:, 40:50] = scene()[:, 40:50]
    assert blank(image).tolist() == [False]


def test_no_drawn_animal_is_nothing(tmp_path):
    bestiary.draw(tmp_path, seed=3, share=0.01, processes=1, quiet=True)
    photographs = [decode.pixels(path.read_bytes(), 64, "pad") for path in sorted(tmp_path.rglob("*.jpg"))]
    assert len(photographs) > 20
    assert not blank(np.stack(photographs)).any()


def test_of_pictures_without_an_animal_only_the_blank_ones_show_nothing():
    pixels, kinds = nothing.draw(64, count=70, seed=0)
    found = blank(pixels)
    assert {kind for kind, one in zip(kinds, found, strict=True) if one} == {"blank"}


def test_no_photograph_is_no_answer():
    assert blank(np.zeros((0, 16, 16, 3), np.uint8)).shape == (0,)
