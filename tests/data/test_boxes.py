"""Boxes as tables tell them, and animals cut out of whole photographs and of JPEGs decoded at a fraction."""

import io

import numpy as np
import pytest
from PIL import Image

from raravis.data import boxes, decode

BOX = (0.5, 0.25, 0.125, 0.5)


@pytest.mark.parametrize("text", ["0.5|0.25|0.125|0.5", "[0.5, 0.25, 0.125, 0.5]"])
def test_a_box_is_read_as_it_is_written_in_a_csv_and_in_parquet(text):
    assert boxes.read(text) == BOX
    assert boxes.read(boxes.written(BOX)) == BOX


@pytest.mark.parametrize(
    "text",
    ["", "-", "1|2", "0|0|0|0.5", "0|0|0.5|-0.1", "nan|0|1|1", "0|0|1|1|1", "0|0|1.2|1", "-0.1|0|1|1", "a|b|c|d"],
)
def test_what_is_no_box_is_told(text):
    with pytest.raises(ValueError, match="left, top, width, height from 0 to 1 were expected"):
        boxes.read(text)


def test_animals_of_one_photograph_have_names_of_their_own():
    parts = (None, BOX, (0.0, *BOX[1:]))
    names = [boxes.name("a.jpg", boxes.written(sides)) for sides in parts]
    assert names[0] == "a.jpg"
    assert len(set(names)) == 3


def test_an_animal_is_opened_upright_and_large_enough():
    stream = io.BytesIO()
    image = Image.new("RGB", (2400, 1600), "white")
    image.paste("red", (0, 0, 240, 160))
    turned = Image.Exif()
    turned[0x0112] = 6  # turn right to see it upright: what was left above is right above
    image.save(stream, "JPEG", exif=turned)
    sides = (0.9, 0.0, 0.1, 0.1)
    found = boxes.opened(stream.getvalue(), sides, around=20)
    assert 20 <= min(found.size) < 200
    red, *others = np.asarray(found, int).reshape(-1, 3).mean(0)
    assert red - max(others) > 100
    with pytest.raises(decode.UnreadableImageError):
        boxes.opened(b"nothing", sides)
