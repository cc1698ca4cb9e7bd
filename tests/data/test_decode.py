"""Decoding: whatever a file holds, an upright RGB image or one reason in words."""

import hashlib
import io
import os
import struct
import threading
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from raravis.data import decode, hashing
from raravis.data.decode import UnreadableImageError, open_upright, pixels, probe
from raravis.errors import UsageError

RED, GREEN, BLUE, WHITE = (250, 0, 0), (0, 250, 0), (0, 0, 250), (255, 255, 255)
STORED_AS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def corners() -> Image.Image:
    """48 high, 64 wide: red, green / blue, white."""
    image = Image.new("RGB", (64, 48), WHITE)
    image.paste(RED, (0, 0, 32, 24))
    image.paste(GREEN, (32, 0, 64, 24))
    image.paste(BLUE, (0, 24, 32, 48))
    return image


def save(image: Image.Image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def near(image: Image.Image, wanted: Image.Image, tolerance: float = 6) -> bool:
    if image.mode != "RGB" or image.size != wanted.size:
        return False
    return np.abs(np.asarray(image, int) - np.asarray(wanted, int)).mean() < tolerance


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes whose header claims width × height pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"quality": 95, "subsampling": 0}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
    ],
)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright(kind, options, orientation, tmp_path):
    upright = corners()
    stored = upright.transpose(STORED_AS[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = save(stored, kind, exif=exif, **options)
    (tmp_path / "x").write_bytes(data)
    assert near(open_upright(data), upright)
    assert near(open_upright(data, around=16).resize((64, 48)), upright, 20)
    assert (probe(tmp_path / "x").width, probe(tmp_path / "x").height) == (64, 48)


def test_an_upright_image_is_not_turned_again_when_it_is_saved():
    exif = Image.Exif()
    exif[0x0112] = 6
    once = open_upright(save(corners().transpose(STORED_AS[6]), "JPEG", exif=exif, quality=95))
    for kind in ("PNG", "JPEG", "WEBP"):
        assert near(open_upright(save(once, kind)), corners(), 10), kind


def test_damaged_exif_costs_the_orientation_not_the_image():
    data = save(corners(), "JPEG", quality=95, exif=b"Exif\0\0MM\0*\xff\xff\xff\xffgarbage")
    assert near(open_upright(data), corners())


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_has_its_colours(kind):
    assert near(open_upright(save(corners().convert("CMYK"), kind)), corners(), 10)


def test_cmyk_as_adobe_writes_it_is_not_a_negative():
    white_and_black = Image.new("CMYK", (32, 16), (0, 0, 0, 0))
    white_and_black.paste((0, 0, 0, 255), (16, 0, 32, 16))
    data = save(white_and_black, "JPEG", quality=95)
    assert b"Adobe" in data  # the mark that says: inks are stored inverted
    found = open_upright(data)
    assert min(found.getpixel((4, 8))) > 245
    assert max(found.getpixel((28, 8))) < 10


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "I;16"), ("TIFF", "I;16"), ("TIFF", "I;16B")])
def test_sixteen_bit_grey_is_scaled_not_clipped(kind, mode):
    ramp = np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype("<u2")
    image = Image.fromarray(ramp)
    if mode == "I;16B":
        image = Image.frombytes("I;16B", image.size, ramp.astype(">u2").tobytes())
    grey = np.asarray(open_upright(save(image, kind)))[..., 0]
    np.testing.assert_allclose(grey, ramp / 257, atol=1)


def test_dark_sixteen_bit_grey_stays_dark():
    dark = Image.fromarray(np.full((8, 8), 200, np.uint16))
    assert np.asarray(open_upright(save(dark, "PNG"))).max() == 1


@pytest.mark.parametrize(("high", "white"), [(1.0, 1.0), (255.0, 255.0), (60000.0, 65535.0), (9e6, 9e6)])
def test_floating_point_grey_is_scaled(high, white):
    ramp = np.linspace(0, high, 64, dtype=np.float32).reshape(8, 8)
    ramp[0, 0] = np.nan
    grey = np.asarray(open_upright(save(Image.fromarray(ramp), "TIFF")))[..., 0]
    np.testing.assert_allclose(grey, np.nan_to_num(ramp) * 255 / white, atol=0.51)


def test_transparency_of_every_kind_is_laid_on_white():
    clear = corners().convert("RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, 32, 24))
    on_white = corners()
    on_white.paste(WHITE, (0, 0, 32, 24))
    assert near(open_upright(save(clear, "PNG")), on_white, 1)
    assert near(open_upright(save(clear, "WEBP", lossless=True)), on_white, 1)
    assert near(open_upright(save(clear.convert("LA"), "PNG")), on_white.convert("L").convert("RGB"), 1)
    palette = corners().quantize(8)
    red = palette.getpixel((0, 0))
    assert near(open_upright(save(palette, "PNG", transparency=red)), on_white, 1)
    assert near(open_upright(save(palette, "GIF", transparency=red)), on_white, 1)
    one_colour = save(corners(), "PNG", transparency=RED)
    assert near(open_upright(one_colour), on_white, 1)
    many = bytes([0 if i == red else 255 for i in range(8)])
    assert near(open_upright(save(palette, "PNG", transparency=many)), on_white, 1)


def test_half_transparent_is_mixed_with_white():
    half = Image.new("RGBA", (8, 8), (0, 0, 0, 128))
    assert open_upright(save(half, "PNG")).getpixel((0, 0)) == (127, 127, 127)


@pytest.mark.parametrize("mode", ["1", "L", "P"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF"])
def test_grey_and_palettes_become_rgb(mode, kind):
    shape = Image.new("L", (16, 16), 0)
    shape.paste(255, (0, 0, 8, 16))
    found = open_upright(save(shape.convert(mode), kind))
    assert near(found, shape.convert("RGB"), 1)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_is_taken(kind):
    frames = [Image.new("RGB", (20, 20), colour) for colour in (RED, GREEN, BLUE)]
    data = save(frames[0], kind, save_all=True, append_images=frames[1:])
    assert near(open_upright(data), frames[0])


def test_one_pixel_is_an_image(tmp_path):
    data = save(Image.new("RGB", (1, 1), RED), "PNG")
    (tmp_path / "x.png").write_bytes(data)
    assert (probe(tmp_path / "x.png").width, probe(tmp_path / "x.png").error) == (1, "")
    for fit in ("squash", "pad", "crop"):
        assert (pixels(data, 7, fit) == RED).all()


def test_squash_pad_and_crop():
    wide = Image.new("RGB", (120, 60), GREEN)
    wide.paste(RED, (0, 0, 30, 60))
    data = save(wide, "PNG")
    squashed, padded, cropped = (pixels(data, 60, fit) for fit in ("squash", "pad", "crop"))
    for square in (squashed, padded, cropped):
        assert (square.shape, square.dtype) == ((60, 60, 3), np.uint8)
    assert tuple(squashed[30, 2]) == RED
    assert tuple(squashed[30, 30]) == GREEN
    assert tuple(padded[2, 30]) == tuple(padded[57, 30]) == (decode.PAD_GREY,) * 3
    assert tuple(padded[30, 2]) == RED
    assert (cropped == GREEN).all()


@pytest.mark.parametrize("fit", ["squash", "pad", "crop"])
@pytest.mark.parametrize("size", [(1000, 3), (3, 1000)])
def test_extreme_shapes_fit(fit, size):
    assert pixels(save(Image.new("RGB", size, BLUE), "PNG"), 32, fit).shape == (32, 32, 3)


def test_fast_decoding_of_large_jpegs_looks_like_slow_decoding(picture):
    data = save(picture(1, (1600, 1200)), "JPEG", quality=95)
    slow = open_upright(data).resize((64, 64), Image.Resampling.BOX)
    assert np.abs(pixels(data, 64, "squash").astype(int) - np.asarray(slow, int)).mean() < 2


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty (0 bytes)"),
        (b"once upon a time there was a text\n" * 50, "is no image of a known format"),
        (b"\xff\xd8\xff", "is no image of a known format"),
        (bomb(60_000, 60_000), "has "),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", "is no image of a known format"),
    ],
    ids=["empty", "text", "stump", "bomb", "eps"],
)
def test_what_is_no_image_is_told_in_words(data, reason, tmp_path):
    path = tmp_path / "x.jpg"
    path.write_bytes(data)
    found = probe(path)
    assert found.error.startswith(reason)
    assert "\n" not in found.error
    assert (found.image_id, found.phash, found.width) == ("", "", 0)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 95}], ids=["base", "progressive", "fine"])
def test_a_truncated_jpeg_is_unreadable_however_it_is_decoded(options, picture, tmp_path):
    data = save(picture(2, (640, 480)), "JPEG", **options)
    for share in (0.3, 0.6, 0.9, 0.98):
        cut = data[: int(len(data) * share)]
        (tmp_path / "cut.jpg").write_bytes(cut)
        assert "truncated" in probe(tmp_path / "cut.jpg").error, share
        for around in (None, 64):
            with pytest.raises(UnreadableImageError, match="is damaged"):
                open_upright(cut, around=around)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM"])
def test_other_truncated_files_are_unreadable(kind, picture):
    data = save(picture(3, (200, 150)), kind)
    with pytest.raises(UnreadableImageError):
        open_upright(data[: len(data) // 2])


def test_the_limit_of_pixels_is_checked_before_decoding(monkeypatch, tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(save(Image.new("L", (100, 100)), "PNG"))
    monkeypatch.setenv("RARAVIS_MAX_PIXELS", "9999")
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("was decoded"))
    assert probe(path).error == "has 100 × 100 pixels, more than the limit of 9999"


def test_the_limit_can_be_raised_above_pillows_own(monkeypatch):
    data = save(Image.new("1", (300, 100)), "PNG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    assert open_upright(data).size == (300, 100)
    assert Image.MAX_IMAGE_PIXELS == 10_000
    monkeypatch.setenv("RARAVIS_MAX_PIXELS", "29999")
    with pytest.raises(UnreadableImageError, match="limit of 29999"):
        open_upright(data)


@pytest.mark.parametrize("value", ["many", "0", "-3", "1.5"])
def test_a_limit_that_is_no_number_is_wrong_usage(value, monkeypatch):
    monkeypatch.setenv("RARAVIS_MAX_PIXELS", value)
    with pytest.raises(UsageError, match="RARAVIS_MAX_PIXELS"):
        open_upright(save(corners(), "PNG"))


def test_only_regular_files_of_bearable_size_are_read(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.jpg")
    assert probe(tmp_path / "pipe.jpg").error == "is no regular file"
    assert probe(tmp_path).error == "is no regular file"
    assert probe(tmp_path / "none.jpg").error == "no such file"
    assert probe(Path("a\0b.jpg")).error == "has a name that no file can have"
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    assert probe(tmp_path / "loop.jpg").error.startswith("cannot be opened")
    monkeypatch.setattr(decode, "MAX_BYTES", 1 << 20)
    with (tmp_path / "big.jpg").open("wb") as stream:
        stream.truncate((1 << 20) + 1)
    assert probe(tmp_path / "big.jpg").error == "is larger than 1 MiB"


@pytest.mark.parametrize(("owner", "name"), [(Path, "read_bytes"), (Image.Image, "load"), (Image.Image, "transpose")])
def test_short_memory_is_a_reason_not_a_crash(owner, name, tmp_path, monkeypatch):
    path = tmp_path / "x.png"
    exif = Image.Exif()
    exif[0x0112] = 6
    path.write_bytes(save(corners(), "PNG", exif=exif))

    def short(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(owner, name, short)
    assert probe(path).error == decode.NO_MEMORY


def test_a_probe_tells_what_the_file_is(tmp_path, picture):
    path = tmp_path / "x.jpg"
    data = save(picture(4, (300, 200)), "JPEG")
    path.write_bytes(data)
    found = probe(path)
    assert found.image_id == hashlib.sha256(data).hexdigest()
    assert (found.bytes, found.width, found.height, found.mode, found.format) == (len(data), 300, 200, "RGB", "JPEG")
    assert found.error == ""
    there = hashing.words([found.phash])
    full = hashing.words([hashing.perceptual(open_upright(data))])
    assert np.bitwise_count(there[:, 0] ^ full[:, 0]) <= 8  # the fast look sees what a full one sees
    path.write_bytes(save(picture(4, (300, 200)).convert("CMYK"), "JPEG"))
    assert probe(path).mode == "CMYK"


def test_pillows_warnings_do_not_leak_and_filters_are_put_back(recwarn, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)  # warns above this, refuses above twice
    data = save(corners(), "PNG")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = list(warnings.filters)
        threads = [threading.Thread(target=lambda: [open_upright(data) for _ in range(50)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert list(warnings.filters) == before
    assert not recwarn.list
    assert Image.MAX_IMAGE_PIXELS == 2000


SEEDS = [
    save(corners().resize((24, 18)), kind, **options)
    for kind, options in [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("GIF", {}),
        ("WEBP", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("PPM", {}),
    ]
]
HEADS = [seed[:16] for seed in SEEDS]


@st.composite
def mutated(draw) -> bytes:
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data) - 1))
        data[at] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(1, len(data)))] if draw(st.booleans()) else data)


@given(st.one_of(mutated(), st.builds(bytes.__add__, st.sampled_from(HEADS), st.binary(max_size=300)), st.binary()))
@example(b"\0")
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_make_a_probe_raise_or_hang(tmp_path, data):
    path = tmp_path / "x.jpg"
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RARAVIS_MAX_PIXELS", "4000000")
        begun = time.process_time()
        found = probe(path)
        assert time.process_time() - begun < 10
    assert bool(found.error) != bool(found.image_id)
    if found.image_id:
        assert len(found.phash) == hashing.DIGITS
        assert found.width * found.height > 0
