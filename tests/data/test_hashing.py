"""The perceptual hash: copies stay near, other pictures far; the same bits everywhere."""

import io
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from raravis.data import hashing
from raravis.data.near import CONFIRM, RADIUS


def scene(seed: int, size: tuple[int, int] = (240, 180)) -> Image.Image:
    """A picture with detail at many scales, as photographs have."""
    random = np.random.default_rng(seed)
    total = np.zeros((size[1], size[0], 3))
    for cells in (3, 6, 12, 24):
        grid = Image.fromarray(random.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        total += np.asarray(grid.resize(size, Image.Resampling.BICUBIC), float) / cells
    return Image.fromarray(np.interp(total, (total.min(), total.max()), (0, 255)).astype(np.uint8))


def distances(one: Image.Image, other: Image.Image) -> tuple[int, int]:
    """Bits that differ in the first word and in all."""
    a, b = hashing.words([hashing.perceptual(one), hashing.perceptual(other)])
    return int(np.bitwise_count(a[0] ^ b[0])), int(hashing.distance(a, b))


def encoded(image: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


ALTERATIONS = {
    "encoded": lambda i: encoded(i, 40),
    "smaller": lambda i: i.resize((110, 90), Image.Resampling.LANCZOS),
    "larger": lambda i: i.resize((500, 400)),
    "brighter": lambda i: ImageEnhance.Brightness(i).enhance(1.15),
    "darker": lambda i: ImageEnhance.Brightness(i).enhance(0.7),
    "grey": lambda i: i.convert("L").convert("RGB"),
    "cropped": lambda i: i.crop((4, 3, i.width - 4, i.height - 3)),
    "all at once": lambda i: encoded(
        ImageEnhance.Brightness(i.crop((3, 2, i.width - 3, i.height - 2)).resize((150, 120))).enhance(1.1), 60
    ),
}


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_altered_copy_stays_near(name):
    near = [distances(scene(seed), ALTERATIONS[name](scene(seed))) for seed in range(12)]
    assert sum(first <= RADIUS and every <= CONFIRM for first, every in near) >= 11, near


def test_other_pictures_are_far():
    hashes = hashing.words([hashing.perceptual(scene(seed)) for seed in range(60)])
    far = hashing.distance(hashes[:, None], hashes[None, :])[np.triu_indices(60, 1)]
    assert far.min() > CONFIRM
    assert far.mean() == pytest.approx(128, abs=8)


def test_the_hash_of_known_pixels_is_the_same_on_every_machine():
    y, x = np.mgrid[0:32, 0:32]
    image = Image.fromarray(((x * x * 7 + y * 31 + x * y * 3) % 251).astype(np.uint8))
    assert hashing.perceptual(image) == "f4573079947446cd33139d24cf6a321a6a0b704c0a5f1d3c28a358b232f899db"
    assert hashing.perceptual(image.convert("RGB")) == hashing.perceptual(image)


def test_half_of_the_first_word_is_set_and_no_more_of_the_rest():
    first, *others = hashing.words([hashing.perceptual(scene(3))])[0]
    assert int(first).bit_count() == 32
    assert 60 <= sum(int(word).bit_count() for word in others) <= 96


@pytest.mark.parametrize("cells", [4, 5, 6])
def test_copies_of_a_smooth_image_are_near_and_other_smooth_images_far(cells):
    drawn = [
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (cells, cells, 3), dtype=np.uint8)).resize(
            (60, 50)
        )
        for seed in range(20)
    ]
    near = [distances(image, encoded(image.resize((50, 40)), 80)) for image in drawn]
    assert all(first <= RADIUS and every <= CONFIRM for first, every in near), near
    far = [distances(one, other)[0] for one, other in pairwise(drawn)]
    assert min(far) > RADIUS


@pytest.mark.parametrize("colour", ["black", "white", (90, 140, 40)])
def test_a_flat_image_is_blank_whatever_its_colour_and_noise(colour):
    flat = np.asarray(Image.new("RGB", (100, 70), colour), int)
    noise = np.random.default_rng(0).integers(-3, 4, flat.shape)
    assert hashing.perceptual(Image.fromarray(flat.astype(np.uint8))) == hashing.BLANK
    assert hashing.perceptual(Image.fromarray((flat + noise).clip(0, 255).astype(np.uint8))) == hashing.BLANK


def test_a_small_thing_on_a_flat_ground_is_not_blank():
    image = Image.new("RGB", (200, 200), "white")
    image.paste((0, 0, 0), (90, 95, 110, 110))
    assert hashing.perceptual(image) != hashing.BLANK


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (2, 2), (33, 31)])
def test_any_size_has_a_hash(size):
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    assert len(hashing.perceptual(image)) == hashing.DIGITS


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**256 - 1), max_size=6))
def test_words_hold_the_digits_in_order(numbers):
    found = hashing.words([f"{number:064x}" for number in numbers])
    assert found.shape == (len(numbers), 4)
    again = [sum(int(word) << (192 - 64 * k) for k, word in enumerate(row)) for row in found]
    assert again == numbers


@settings(deadline=None)
@given(st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1))
def test_distance_counts_bits(one, other):
    a, b = hashing.words([f"{one:064x}", f"{other:064x}"])
    assert hashing.distance(a, b) == (one ^ other).bit_count()


@pytest.mark.parametrize("text", ["", "abc", "0" * 63, "0" * 66])
def test_a_hash_of_another_length_is_refused(text):
    with pytest.raises(ValueError, match="64 hex digits"):
        hashing.words(["0" * 64, text])
