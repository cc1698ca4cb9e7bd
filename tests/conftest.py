"""What all tests share: a cache of their own, patience, and the real photographs where they are at hand."""

import gc
import io
import os
import sys
import time
from pathlib import Path

import pytest


def pytest_runtest_teardown():
    """What Keras brings with it is no garbage: to search it for some, again and again, is a sixth of all the time."""
    if "keras" in sys.modules and not gc.get_freeze_count():
        gc.collect()
        gc.freeze()


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("RARAVIS_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def until():
    """Wait for what is to come about, on a slow machine too: `until(condition)`; after a minute the test fails."""

    def waited(condition):
        end = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < end, "it did not come about in a minute"
            time.sleep(0.005)

    return waited


@pytest.fixture(scope="session")
def seen():
    """Keep what a page, or a part of it, looks like, where somebody wants it: `seen(page, name, part)`."""

    def kept(page, name, part="", **options):
        if folder := os.environ.get("RARAVIS_SCREENSHOTS"):
            from PIL import Image

            Path(folder).mkdir(parents=True, exist_ok=True)
            page.wait_for_timeout(400)
            shot = page.locator(part).screenshot() if part else page.screenshot(**{"full_page": True, **options})
            picture = Image.open(io.BytesIO(shot)).convert("RGB")
            picture.save(Path(folder) / f"{name}.webp", quality=85, method=6)

    return kept


def _shared() -> Path:
    return Path(os.environ.get("RARAVIS_SHARED", Path(__file__).parents[1] / ".." / "shared")).resolve()


@pytest.fixture
def wildlife() -> Path:
    folder = _shared() / "data" / "wildlife"
    if not folder.is_dir():
        pytest.skip("the wildlife photographs are not at hand (RARAVIS_SHARED)")
    return folder


@pytest.fixture
def rare_species_metadata() -> Path:
    file = _shared() / "data" / "rare-species" / "metadata.csv"
    if not file.is_file():
        pytest.skip("the Rare Species metadata is not at hand (RARAVIS_SHARED)")
    return file


@pytest.fixture
def backbone_weights() -> Path:
    folder = _shared() / "weights"
    if not folder.is_dir():
        pytest.skip("the pretrained backbones are not at hand (RARAVIS_SHARED)")
    return folder
