"""A small labelled folder and one run of it, made once for all tests of verbs."""

import functools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import raravis
from raravis.data import nothing

TINTS = {"canidae": (200, 40, 40), "felidae": (40, 200, 40), "ursidae": (40, 40, 200)}
RECIPE = {
    "recipe": "basic_cnn",
    "set": {
        "data.size": 16,
        "model.filters": [4, 8],
        "train.epochs": 2,
        "train.batch_size": 8,
        "augment.pipeline": "none",
    },
}


def _photo(seed: int, tint=(120, 120, 120), side: int = 40) -> Image.Image:
    """A blotchy picture of one tint; no two seeds look alike."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(-70, 70, (5, 5, 3)) + np.asarray(tint)
    small = Image.fromarray(coarse.clip(0, 255).astype(np.uint8))
    return small.resize((side, side), Image.Resampling.BICUBIC)


def _draw(folder: Path, each: int = 12, first: int = 0) -> Path:
    for number, (family, tint) in enumerate(TINTS.items()):
        (folder / family).mkdir(parents=True)
        for i in range(each):
            _photo(first + 1000 * number + i, tint).save(folder / family / f"{i:02}.jpg", quality=92)
    return folder


@pytest.fixture(scope="session", autouse=True)
def drawn_once():
    """Every training draws the same pictures of nothing, which takes it longer than to learn from ours."""
    draw = functools.cache(nothing.draw)

    def kept(size, *, count, seed=0):
        pictures, kinds = draw(size, count=count, seed=seed)
        return pictures.copy(), kinds

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nothing, "draw", kept)
        yield


@pytest.fixture(scope="session")
def photo():
    """Draw one picture: `photo(seed, tint, side)`."""
    return _photo


@pytest.fixture(scope="session")
def draw():
    """Draw a folder of three families: `draw(folder, each, first_seed)`."""
    return _draw


@pytest.fixture(scope="session")
def small_recipe():
    """Options of `train` that take a second."""
    return RECIPE


@pytest.fixture(scope="session")
def photos36(tmp_path_factory) -> Path:
    """Three families of twelve; do not change it."""
    return _draw(tmp_path_factory.mktemp("photos") / "animals")


@pytest.fixture(scope="session")
def small_run(photos36, tmp_path_factory) -> Path:
    """A finished run of `photos36`; copy it before changing it."""
    out = tmp_path_factory.mktemp("runs") / "small"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RARAVIS_CACHE", str(tmp_path_factory.mktemp("cache")))
        raravis.train(str(photos36), **RECIPE, out=out, quiet=True)
    return out


@pytest.fixture(scope="session")
def licensed_run(photos36, tmp_path_factory) -> Path:
    """A finished run of `photos36`, of a table that says whose the photographs of two families are."""
    folder = tmp_path_factory.mktemp("licensed")
    rows = []
    for path in sorted(photos36.glob("*/*.jpg")):
        name = path.parent.name
        told = ("CC BY 4.0", f"of {name}", f"https://example.org/{name}") if name != "ursidae" else ("", "", "")
        rows.append((path.relative_to(photos36).as_posix(), name, *told))
    columns = ["file_path", "family", "license", "rights_holder", "references"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "table.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RARAVIS_CACHE", str(tmp_path_factory.mktemp("cache")))
        raravis.train(str(folder / "table.csv"), **RECIPE, root=photos36, out=folder / "run", quiet=True)
    return folder / "run"
