import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from raravis import drawing


def opened(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def colour(rgb, height=10, width=10):
    return np.full((height, width, 3), rgb, np.uint8)


def test_images_stand_pixel_for_pixel_in_reading_order():
    rgb = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    grid = drawing.image_grid([colour(c, 40, 40) for c in rgb], ["a", "b", "c"], 2, side=40)
    shown = opened(drawing.png(grid))
    for c in rgb:
        assert (shown == c).all(axis=2).sum() == 40 * 40
    red, green, blue = (np.argwhere((shown == c).all(axis=2)).min(axis=0) for c in rgb)
    assert red[0] == green[0] < blue[0]
    assert red[1] == blue[1] < green[1]


def test_an_image_keeps_its_shape_in_the_square():
    shown = opened(drawing.png(drawing.image_grid([colour((255, 0, 0), 20, 80)], ["wide"], 1, side=40)))
    rows, columns = np.nonzero((shown == (255, 0, 0)).all(axis=2))
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (10, 40)


def test_titles_that_look_like_formulas_are_drawn_as_they_are():
    grid = drawing.image_grid([colour(0)], ["cost $5 and $x_2"], 1, ["a$b^{"], side=64)
    assert drawing.png(grid).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("images", "titles", "subtitles"),
    [([], [], []), ([colour(0)], [], []), ([colour(0)], ["a"], ["b", "c"])],
)
def test_lists_that_differ_are_refused(images, titles, subtitles):
    with pytest.raises(ValueError, match="one title"):
        drawing.image_grid(images, titles, 3, subtitles)


@pytest.mark.parametrize("image", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), np.float32)])
def test_what_is_no_rgb_image_is_refused(image):
    with pytest.raises(ValueError, match="RGB uint8"):
        drawing.image_grid([image], ["a"], 1)


def test_the_same_figure_gives_the_same_bytes_and_save_writes_them(tmp_path):
    def one():
        drawn = drawing.figure(3, 2)
        drawing.dress(drawn.add_subplot(), title="Title", x="x", y="y", grid="both").plot([1, 2], [3, 4])
        return drawn

    drawing.save(one(), tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes() == drawing.png(one())
    assert opened(drawing.png(one())).shape == (2 * drawing.DPI, 3 * drawing.DPI, 3)
    assert [p.name for p in tmp_path.iterdir()] == ["figure.png"]


def test_importing_the_style_loads_no_matplotlib():
    code = "import sys, raravis.drawing, raravis.page; sys.exit(bool({'matplotlib', 'pandas'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
