"""A model that needs no training, an application around it, and photographs that are no photographs."""

import importlib.util
import io
import sys
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from raravis.judge.trust import VERDICTS, Verdicts
from raravis.serve.corrections import Corrections
from raravis.serve.predictor import Answer
from raravis.web import app as module
from raravis.web.gate import LOOPBACK

FAMILIES = ("canidae", "felidae", "hylidae", "strigidae")
BASE = "http://localhost"


@dataclass(frozen=True)
class Beside:
    family: str
    image_id: str
    similarity: float
    license: str = "CC BY 4.0"
    rights_holder: str = "A. Holder"
    thumbnail: bytes | None = None


@dataclass(frozen=True)
class Fake:
    """Red is a dog, green a cat, blue a frog; what is dark is unfamiliar, what is grey is uncertain."""

    families: tuple[str, ...] = FAMILIES
    size: int = 16
    fit: str = "crop"
    digest: str = "d" * 64
    about: dict = field(default_factory=lambda: {"recipe": "fake"})
    seen: list = field(default_factory=list)

    def answer(self, batch):
        self.seen.append(len(batch))
        mean = batch.reshape(len(batch), -1, 3).mean(axis=1)
        logits = np.concatenate([mean / 20, np.full((len(batch), 1), 3.0)], axis=1)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
        dark, sure = mean.max(axis=1) < 60, shares.max(axis=1) > 0.9
        told = np.where(dark, VERDICTS.index("unfamiliar"), np.where(sure, 0, 1))
        words = {0: "sure enough", 1: "two families look alike", 2: "stranger than 99% of what it knows"}
        return Answer(
            shares,
            Verdicts(
                shares,
                shares > 0.05,
                np.where(dark, 0.99, 0.2).astype(np.float32),
                told.astype(np.int64),
                np.where(told == 0, "family", "class"),
                np.where(told == 0, np.array(self.families)[shares.argmax(axis=1)], "mammalia"),
                tuple(words[int(one)] for one in told),
            ),
            mean.astype(np.float32),
        )

    def lineage(self, family):
        return {"kingdom": "animalia", "phylum": "chordata", "class": "mammalia", "order": "", "family": family}

    def heat(self, batch, classes):
        ramp = np.linspace(0, 1, 7, dtype=np.float32)
        return np.tile(ramp[None, :, None] * ramp[None, None, :], (len(batch), 1, 1))

    def nearest(self, features, count):
        return [[Beside("felidae", f"{i:064x}", 0.9 - i / 10) for i in range(min(count, 2))] for _ in features]


COLOURS = {
    "red": (230, 20, 20),
    "green": (20, 230, 20),
    "blue": (20, 20, 230),
    "dark": (10, 10, 12),
    "grey": (128, 128, 126),
}


def picture(colour="red", size=(40, 30), kind="JPEG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, COLOURS[colour]).save(stream, kind)
    return stream.getvalue()


@pytest.fixture
def draw():
    """Make the bytes of a picture of one colour: `draw(colour, size, kind)`."""
    return picture


@pytest.fixture(scope="session")
def small_model():
    """The module beside this file; tests are no package."""
    where = importlib.util.spec_from_file_location("small_model", Path(__file__).with_name("small_model.py"))
    module = importlib.util.module_from_spec(where)
    sys.modules["small_model"] = module  # dataclasses look there
    where.loader.exec_module(module)
    return module


@pytest.fixture
def fake():
    return Fake()


@pytest.fixture
def kept(tmp_path):
    with Corrections.open(tmp_path / "corrections.sqlite") as found:
        yield found


@pytest.fixture
def make(fake, kept):
    """Make an application; options as for `create`."""

    def made(**options):
        return module.create(**{"predictor": fake, "name": "fake", "corrections": kept, "hosts": LOOPBACK, **options})

    return made


@pytest.fixture
def visit():
    """Open a client of an application, in this process: `async with visit(app) as client`."""

    def opened(app, **options):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, **{"base_url": BASE, **options})

    return opened


@pytest.fixture(scope="session")
def quick():
    """Make an application with a file of corrections in a folder: `quick(folder)`; close the second that it gives."""

    def made(folder):
        found = Corrections.open(folder / "corrections.sqlite")
        return module.create(Fake(), name="fake", corrections=found), found

    return made
