"""Embeddings are computed once, are what the network gives, and a kill or a fault leaves no half ones."""

import errno
import json
import os
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from raravis import backbones, engine, files, fingerprint
from raravis.data import rows
from raravis.data.pixels import open_store
from raravis.errors import DataError, StorageError
from raravis.learn import embed as module
from raravis.learn.embed import Extractor, embed

pytestmark = pytest.mark.engine

SIZE = 16


@pytest.fixture
def pictures(tmp_path):
    import hashlib

    rng = np.random.default_rng(0)
    rows = []
    for number in range(7):
        file = tmp_path / f"{number}.png"
        Image.fromarray(rng.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)).save(file)
        rows.append((hashlib.sha256(file.read_bytes()).hexdigest(), file.name))
    table = pd.DataFrame(rows, columns=["image_id", "file_path"])
    return open_store(table, tmp_path, size=SIZE, quiet=True), table["image_id"].tolist()


@pytest.fixture
def extractor(monkeypatch):
    return Extractor("tiny", SIZE, tiny(0), fingerprint.network(tiny(0)))


def tiny(seed):
    keras = engine.keras()
    keras.utils.set_random_seed(seed)
    image = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Conv2D(4, 3)(keras.layers.Rescaling(1 / 255)(image))
    return keras.Model(image, backbones.pooled(x))


class Counting:
    """Runs networks in Keras, and counts the images that pass."""

    def __init__(self):
        self.images, self.fail_after = 0, 10**9

    def fastest(self, model, sample, **_):
        def call(batch):
            if self.images >= self.fail_after:
                raise KeyboardInterrupt
            self.images += len(batch)
            return model.predict_on_batch(batch)

        return SimpleNamespace(call=call, name="keras", precision="float32")


@pytest.fixture
def counting(monkeypatch):
    made = Counting()
    monkeypatch.setattr(module.runtimes, "fastest", made.fastest)
    return made


def test_they_are_what_the_network_gives_and_are_computed_once(pictures, extractor, counting):
    store, ids = pictures
    found = embed(extractor, store, ids, quiet=True, batch_size=3)
    expected = extractor.model.predict(store.read(ids), verbose=0)
    np.testing.assert_allclose(found.read(ids), expected, atol=1e-6)
    embed(extractor, store, ids[::-1], quiet=True)
    assert counting.images == len(ids)


def test_what_a_kill_left_is_kept(pictures, extractor, counting):
    store, ids = pictures
    counting.fail_after = 3
    with pytest.raises(KeyboardInterrupt):
        embed(extractor, store, ids, quiet=True, batch_size=3)
    counting.fail_after = 10**9
    found = embed(extractor, store, ids, quiet=True, batch_size=3)
    assert counting.images == len(ids)
    np.testing.assert_allclose(found.read(ids), extractor.model.predict(store.read(ids), verbose=0), atol=1e-6)


def test_a_disk_that_fills_is_one_error_and_loses_no_whole_row(pictures, extractor, counting, monkeypatch):
    store, ids = pictures
    written = []

    def full(handle, content):
        written.append(content)
        if len(written) == 5:
            os.write(handle, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(handle, content)

    whole = rows._write
    with monkeypatch.context() as patch:
        patch.setattr(rows, "_write", full)
        with pytest.raises(StorageError, match="the disk is full"):
            embed(extractor, store, ids, quiet=True, batch_size=7)
    passed = counting.images
    found = embed(extractor, store, ids, quiet=True, batch_size=7)
    assert counting.images == passed + 3  # four rows were whole
    np.testing.assert_allclose(found.read(ids), extractor.model.predict(store.read(ids), verbose=0), atol=1e-6)


def test_views_sizes_and_weights_have_their_own(pictures, extractor):
    store, ids = pictures
    pixels = store.read(ids).astype(np.float32)
    mirrored = embed(extractor, store, ids, "mirrored", quiet=True)
    np.testing.assert_allclose(mirrored.read(ids), extractor.model.predict(pixels[:, :, ::-1], verbose=0), atol=1e-6)
    other = Extractor("tiny", SIZE, tiny(1), fingerprint.network(tiny(1)))
    assert other.digest != extractor.digest
    folders = {embed(e, store, ids, v, quiet=True).folder for e in (extractor, other) for v in ("whole", "top_left")}
    assert len(folders | {mirrored.folder}) == 5


@pytest.mark.parametrize("view", backbones.VIEWS)
def test_a_view_takes_its_part_of_the_image(view):
    keras = engine.keras()
    image = keras.Input((20, 20, 3))
    model = keras.Model(image, backbones.take(view, image, size=16))
    pixels = np.zeros((1, 20, 20, 3), np.float32)
    pixels[..., 0], pixels[..., 1] = np.arange(20)[None, :, None], np.arange(20)[None, None, :]
    taken = model.predict(pixels, verbose=0)[0]
    assert taken.shape == (16, 16, 3)
    begin = {"middle": (2, 2), "top_left": (0, 0), "top_right": (0, 4), "bottom_left": (4, 0), "bottom_right": (4, 4)}
    if view in begin:
        assert (taken[0, 0, 0], taken[0, 0, 1]) == begin[view]
    if view == "mirrored":
        assert taken[0, 0, 1] > taken[0, -1, 1]


def test_a_network_that_gives_no_numbers_is_told_with_the_image(pictures, extractor, monkeypatch):
    store, ids = pictures
    broken = SimpleNamespace(call=lambda batch: _broken(len(batch)), name="keras", precision="float32")
    with monkeypatch.context() as patched:
        patched.setattr(module.runtimes, "fastest", lambda model, sample, **_: broken)
        with pytest.raises(DataError, match=ids[2][:12]):
            embed(extractor, store, ids, quiet=True)
    good = embed(extractor, store, ids, quiet=True)
    assert np.isfinite(good.read(ids)).all()


def test_a_network_that_gives_more_than_one_row_an_image_is_refused(pictures):
    store, ids = pictures
    keras = engine.keras()
    image = keras.Input((SIZE, SIZE, 3))
    tokens = Extractor.around("tokens", keras.Model(image, keras.layers.Reshape((-1, 3))(image)))
    with pytest.raises(DataError, match=r"\(256, 3\).*\(3,\) was expected"):
        embed(tokens, store, ids, quiet=True)
    assert module.lacking(tokens, store, ids, "whole") == len(ids)


def test_another_spelling_of_a_backbone_has_the_same_cache(pictures):
    store, _ = pictures
    opened = []
    for name in ("MobileNetV2", "mobilenet-v2"):
        engine.keras().utils.set_random_seed(0)
        opened.append(Extractor.open(name, size=32, weights="none"))
    assert [one.name for one in opened] == ["MobileNetV2"] * 2
    folders = {module.cached(one, store, "whole") for one in opened}
    assert len(folders) == 1


def _broken(count):
    rows = np.zeros((count, 4), np.float32)
    rows[2, 1] = np.nan
    return rows


def test_how_they_were_computed_is_kept_and_a_mixture_is_told(pictures, extractor, monkeypatch, capsys):
    """In half precision numbers overflow: those images are computed in float32, once more."""
    store, ids = pictures
    less = SimpleNamespace(call=lambda batch: _broken(len(batch)), name="openvino", precision="bfloat16")
    with monkeypatch.context() as patched:
        patched.setattr(module.runtimes, "fastest", lambda model, sample, **_: less)
        found = embed(extractor, store, ids[:4], quiet=True)
    expected = extractor.model.predict(store.read(ids), verbose=0)
    np.testing.assert_allclose(found.read(ids[:4]), expected[:4], atol=1e-6)
    assert module.computed(found.folder) == [{"runtime": "openvino", "precision": "bfloat16"}]
    assert "bfloat16" not in capsys.readouterr().err
    embed(extractor, store, ids)
    assert "computed in bfloat16, these are in float32" in capsys.readouterr().err
    assert [one["runtime"] for one in module.computed(found.folder)] == ["openvino", "keras"]


def test_a_cache_with_no_numbers_is_named(pictures, extractor, counting):
    store, ids = pictures
    folder = embed(extractor, store, ids, quiet=True).folder
    content = np.fromfile(folder / "rows.bin", np.float32)
    content[5] = np.nan
    content.tofile(folder / "rows.bin")
    with pytest.raises(DataError, match=str(folder)):
        module.read(extractor, store, ids, quiet=True)


def test_a_cache_of_something_else_is_refused(pictures, extractor):
    store, ids = pictures
    note = embed(extractor, store, ids, quiet=True).folder / "about.json"
    about = json.loads(note.read_text())
    files.write_json(note, {**about, "version": 99})
    with pytest.raises(StorageError, match="Delete the folder"):
        embed(extractor, store, ids, quiet=True)
    note.write_text("{")
    with pytest.raises(StorageError, match="cannot be read"):
        embed(extractor, store, ids, quiet=True)
