"""One upload: what goes back to the page is drawn anew, and the evidence lies where the model looked."""

import io
import random
import time

import numpy as np
import pytest
from PIL import Image

from raravis.data.decode import UnreadableImageError
from raravis.web import photos
from raravis.web.forms import Upload


def upload(data, kind="image/jpeg"):
    return Upload("files", "a.jpg", kind, data)


def coded(kind="JPEG", **options):
    """A picture of noise, whose coded data hold every pair of bytes that they can hold."""
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, kind, quality=95, **options)
    return stream.getvalue()


def of_scans(count):
    """A progressive JPEG whose last scan stands there again and again, until there are so many."""
    whole = coded(progressive=True)
    last = whole[whole.rindex(b"\xff\xda") : -2]
    return whole[:-2] + last * (count - whole.count(b"\xff\xda")) + whole[-2:]


def read(data):
    return photos.read(upload(data), 16, "crop", limit=10**7).pixels


def strength(png):
    """How strongly each place is laid over: the alpha of the picture, `(h, w)`."""
    with Image.open(io.BytesIO(png)) as image:
        assert image.mode == "RGBA"
        return np.asarray(image)[:, :, 3].astype(int)


@pytest.mark.parametrize(
    ("fit", "seen"),
    [
        ("crop", {"left": 0, "middle": 1, "right": 0}),  # the model saw the square in the middle
        ("pad", {"left": 1, "middle": 1, "right": 1}),
        ("squash", {"left": 1, "middle": 1, "right": 1}),
    ],
)
def test_evidence_lies_over_the_part_that_the_model_saw(fit, seen):
    found = strength(photos.overlay(np.ones((7, 7), np.float32), fit, 90, 30))
    assert found.shape == (30, 90)
    places = {"left": found[15, 5], "middle": found[15, 45], "right": found[15, 85]}
    assert {name: int(value > 150) for name, value in places.items()} == seen


@pytest.mark.parametrize(("fit", "column"), [("squash", 67), ("pad", 67), ("crop", 52)])
def test_a_hot_corner_is_found_in_the_photograph(fit, column):
    heat = np.zeros((8, 8), np.float32)
    heat[4, 5:7] = 1  # three quarters to the right, in the middle
    across = strength(photos.overlay(heat, fit, 90, 30)).sum(axis=0)
    assert abs(float(np.average(np.arange(90), weights=across)) - column) <= 1.5


def test_no_evidence_and_no_numbers_are_nothing():
    for heat in (np.zeros((7, 7), np.float32), np.full((7, 7), np.nan, np.float32)):
        assert strength(photos.overlay(heat, "squash", 20, 10)).max() == 0


def test_the_picture_of_the_page_is_upright_small_and_without_what_the_file_carried():
    tagged, stream = Image.new("RGB", (2000, 1000), (200, 10, 10)), io.BytesIO()
    exif = tagged.getexif()
    exif[0x0112], exif[0x010E] = 6, "a secret place"
    tagged.save(stream, "JPEG", exif=exif, comment=b"a secret word")
    found = photos.read(upload(stream.getvalue()), 16, "crop", limit=10**8, preview=True)
    assert (found.width, found.height) == (360, 720)
    assert b"secret" not in found.preview
    with Image.open(io.BytesIO(found.preview)) as image:
        assert (image.size, dict(image.getexif()), image.info.get("comment")) == ((360, 720), {}, None)
    assert found.pixels.shape == (16, 16, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "AVIF"])
def test_the_suffix_is_that_of_the_bytes(draw, kind):
    expected = {"JPEG": ".jpg", "TIFF": ".tif"}.get(kind, f".{kind.lower()}")
    assert photos.suffix(draw("red", (40, 30), kind)) == expected


@pytest.mark.parametrize("kind", ["", "image/png", "image/heic", "application/octet-stream"])
def test_what_a_client_calls_an_image_is_looked_at(draw, kind):
    assert photos.read(upload(draw(), kind), 8, "crop", limit=10**6).pixels.shape == (8, 8, 3)


def test_the_limit_of_pixels_is_told(draw):
    with pytest.raises(UnreadableImageError, match="more than the limit of 1199"):
        photos.read(upload(draw("red", (40, 30))), 8, "crop", limit=1199)
    assert photos.read(upload(draw("red", (40, 30))), 8, "crop", limit=1200).pixels.any()


class TestScans:
    """A JPEG is refused for scans of its picture alone."""

    @pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 1}], ids=str)
    def test_what_lies_behind_the_picture_counts_for_nothing(self, options):
        video = random.Random(0).randbytes(12 << 20)
        assert video.count(b"\xff\xda") > photos.MOST_SCANS
        picture = coded(**options)
        np.testing.assert_array_equal(read(picture + video), read(picture))

    def test_further_pictures_in_the_file_count_for_nothing(self):
        picture = coded(progressive=True)
        assert picture.count(b"\xff\xda") * 20 > photos.MOST_SCANS
        np.testing.assert_array_equal(read(picture * 20), read(picture))

    def test_pictures_in_headers_count_for_nothing(self):
        picture = coded()
        header = b"\xff\xda" * 150
        segment = b"\xff\xe2" + (len(header) + 2).to_bytes(2) + header
        np.testing.assert_array_equal(read(picture[:2] + segment + picture[2:]), read(picture))

    def test_as_many_scans_as_may_be_and_one_more(self):
        assert read(of_scans(photos.MOST_SCANS)).any()
        for count in (photos.MOST_SCANS + 1, 150):
            with pytest.raises(UnreadableImageError, match="JPEG of more than 100 scans"):
                read(of_scans(count))

    @pytest.mark.parametrize(
        "between", [b"\xff\x02\xff\xff", b"\xff\xd3\xff\xff", b"\xff\xff\xff\xff", b"\xff\x00", b"x"]
    )
    def test_scans_hide_behind_nothing_that_a_decoder_reads_over(self, between):
        """A meaningless marker has no length for a decoder that looks for the next restart."""
        whole = coded(progressive=True, restart_marker_blocks=9)
        scan = whole[whole.rindex(b"\xff\xda") : -2]
        short = scan[: scan.index(b"\xff\xd0")]
        with pytest.raises(UnreadableImageError, match="JPEG of more than 100 scans"):
            read(whole[:-2] + (short + between) * 150 + whole[-2:])

    @pytest.mark.parametrize(
        "filled", [b"\xff", b"\xff\x00", b"\xff\xd0", b"\xff\xe0\x00\x02", b"\xff\xd8", b"\xff\xc4\x00"]
    )
    def test_nothing_keeps_the_counting_busy(self, monkeypatch, filled):
        def unread(*_, **__):
            raise UnreadableImageError("was counted")

        monkeypatch.setattr(photos.decode, "pixels", unread)
        data = b"\xff\xd8" + filled * ((20 << 20) // len(filled))
        begun = time.process_time()
        with pytest.raises(UnreadableImageError):
            read(data)
        assert time.process_time() - begun < 10
